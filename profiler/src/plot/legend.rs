//! The legend above a figure: samples and names in as many rows as they need.

use super::font::Font;
use super::panels::Columns;
use super::sheet::{Area, LINE_PT, TEXT_PT, failed, point, stroke, text};
use super::style::{FAINT_INK, INK, LineStyle, draw_line, draw_mark};
use anyhow::Result;
use plotters::element::{Rectangle, Text};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color as _, RGBColor};

/// Widths of a sample, of the gap before its name, and of the gap between entries.
const LINE_SAMPLE_PT: f64 = 18.0;
const BOX_SAMPLE_PT: f64 = 7.0;
const SAMPLE_GAP_PT: f64 = 3.0;
const ENTRY_GAP_PT: f64 = 10.0;

/// The sample of an entry.
pub(super) enum Sample {
    Line(LineStyle),
    Area(RGBColor),
    /// Text only.
    None,
}

impl Sample {
    fn width_pt(&self) -> f64 {
        match self {
            Self::Line(_) => LINE_SAMPLE_PT,
            Self::Area(_) => BOX_SAMPLE_PT,
            Self::None => -SAMPLE_GAP_PT,
        }
    }
}

/// A legend laid out for a width.
pub(super) struct Legend {
    /// Entries with left edge and row.
    entries: Vec<(Sample, String, f64, usize)>,
    rows: usize,
}

impl Legend {
    /// Lays out a legend over the width of a figure.
    pub(super) fn new(font: &Font, columns: &Columns, entries: Vec<(Sample, String)>) -> Self {
        Self::within(font, columns.legend_width_pt(), entries)
    }

    /// Lays out a legend; names wider than `width_pt` are cut.
    fn within(font: &Font, width_pt: f64, entries: Vec<(Sample, String)>) -> Self {
        let mut placed = Vec::new();
        let (mut left, mut row) = (0.0, 0);
        for (sample, name) in entries {
            let before = sample.width_pt() + SAMPLE_GAP_PT;
            let name = font.fitted(&name, TEXT_PT, width_pt - before);
            let own = before + font.reserved_pt(&name, TEXT_PT);
            if left > 0.0 && left + own > width_pt {
                (left, row) = (0.0, row + 1);
            }
            placed.push((sample, name, left, row));
            left += own + ENTRY_GAP_PT;
        }
        let rows = if placed.is_empty() { 0 } else { row + 1 };
        Self { entries: placed, rows }
    }

    pub(super) fn height_pt(&self) -> f64 {
        self.rows as f64 * LINE_PT
    }

    /// Draws the legend at this upper left corner.
    pub(super) fn draw(&self, area: &Area<'_>, (left_pt, top_pt): (f64, f64)) -> Result<()> {
        let style = text(INK, TEXT_PT, HPos::Left, VPos::Center);
        for (sample, name, left, row) in &self.entries {
            let (left, middle) = (left_pt + left, top_pt + (*row as f64 + 0.5) * LINE_PT);
            let right = left + sample.width_pt();
            match *sample {
                Sample::Line(line) => {
                    draw_line(area, line, &[point(left, middle), point(right, middle)], false)?;
                    draw_mark(area, line, point((left + right) / 2.0, middle))?;
                }
                Sample::Area(colour) => {
                    let corners = [point(left, middle - 3.0), point(right, middle + 3.0)];
                    area.draw(&Rectangle::new(corners, colour.filled())).map_err(failed)?;
                    area.draw(&Rectangle::new(corners, stroke(FAINT_INK, 0.3))).map_err(failed)?;
                }
                Sample::None => {}
            }
            area.draw(&Text::new(name.clone(), point(right + SAMPLE_GAP_PT, middle), style.clone()))
                .map_err(failed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::style::REST;
    use super::*;

    fn rows(names: &[&str]) -> Vec<usize> {
        let entries = names.iter().map(|&name| (Sample::Area(REST), name.to_owned())).collect();
        let legend = Legend::within(&Font::new().unwrap(), 100.0, entries);
        assert_eq!(legend.height_pt(), legend.rows as f64 * LINE_PT);
        legend.entries.iter().map(|(_, _, _, row)| *row).collect()
    }

    #[test]
    fn what_does_not_fit_goes_to_the_next_row() {
        assert_eq!(rows(&["one", "two", "three", "four", "five"]), [0, 0, 0, 1, 1]);
        assert_eq!(rows(&[]), [0_usize; 0]);
    }

    #[test]
    fn a_name_wider_than_the_figure_has_a_row_of_its_own() {
        assert_eq!(rows(&["one", &"wide ".repeat(20), "two"]), [0, 1, 2]);
    }
}
