//! Labelled rows, with a heading for each run where there are several.

use super::axis::Axis;
use super::font::Font;
use super::panels::{Frame, text_at};
use super::sheet::{Area, TEXT_PT, text, units};
use super::style::INK;
use anyhow::Result;
use plotters::style::text_anchor::{HPos, VPos};

/// Height of a row, including the gap.
pub(super) const ROW_PT: f64 = 11.0;

/// Rows, and headings between them.
pub(super) struct Rows<T> {
    rows: Vec<Row<T>>,
}

enum Row<T> {
    Heading(String),
    Of { name: String, content: T },
}

impl<T> Rows<T> {
    /// Makes rows from run title, name and content; rows of a run are kept together. There are no headings for
    /// a single run, or if each row is named as its run.
    pub(super) fn new(rows: impl IntoIterator<Item = (String, String, T)>) -> Self {
        let rows: Vec<(String, String, T)> = rows.into_iter().collect();
        let is_plain = rows.windows(2).all(|pair| pair[0].0 == pair[1].0)
            || rows.iter().all(|(title, name, _)| title == name);
        let mut arranged = Vec::new();
        let mut before = None;
        for (title, name, content) in rows {
            if !is_plain && before.as_ref() != Some(&title) {
                let heading = if title.is_empty() { "of all runs" } else { &title };
                arranged.push(Row::Heading(heading.to_owned()));
            }
            before = Some(title);
            arranged.push(Row::Of { name, content });
        }
        Self { rows: arranged }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The total height.
    pub(super) fn height_pt(&self) -> f64 {
        self.rows.len() as f64 * ROW_PT
    }

    /// The axis with the rows' labels, each at most `most_pt` wide.
    pub(super) fn axis(&self, font: &Font, most_pt: f64) -> Axis {
        Axis::rows(self.rows.iter().map(|row| match row {
            Row::Heading(_) => None,
            Row::Of { name, .. } => Some(font.fitted(name, TEXT_PT, most_pt)),
        }))
    }

    /// The rows with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.rows.iter().enumerate().filter_map(|(number, row)| match row {
            Row::Heading(_) => None,
            Row::Of { content, .. } => Some((number, content)),
        })
    }

    /// Draws the headings.
    pub(super) fn draw_headings(&self, area: &Area<'_>, frame: &Frame<'_>) -> Result<()> {
        for (number, row) in self.rows.iter().enumerate() {
            if let Row::Heading(title) = row {
                let (left, middle) = frame.at(0.0, number as f64 + 0.55);
                text_at(
                    area,
                    title,
                    (left + units(3.0), middle),
                    text(INK, TEXT_PT, HPos::Left, VPos::Center),
                )?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(rows: &[(&str, &str)]) -> Vec<usize> {
        let rows = rows.iter().map(|&(title, name)| (title.to_owned(), name.to_owned(), ()));
        Rows::new(rows).iter().map(|(number, ())| number).collect()
    }

    #[test]
    fn runs_have_headings_where_there_are_several() {
        assert_eq!(numbers(&[("a", "x"), ("a", "y")]), [0, 1]);
        assert_eq!(numbers(&[("a", "x"), ("a", "y"), ("b", "x")]), [1, 2, 4]);
        assert_eq!(numbers(&[("a", "a"), ("b", "b")]), [0, 1]);
    }
}
