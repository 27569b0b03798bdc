//! Tables of figures.
//!
//! No crate is used because none covers the hard half: aligned decimal points, headings over several columns,
//! and splitting a table that is too wide into two with the same labels.
//!
//! The first column holds labels. [`layout`] computes widths, [`draw`] writes.

mod draw;
mod layout;

use super::style::{Paint, Style};
use super::units::ABSENT;
use layout::Layout;
use model::outside_text::printable;

/// A table.
#[derive(Clone, Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

/// A column and its heading.
#[derive(Clone)]
pub(crate) struct Column {
    heading: String,
    /// The heading common to neighbours of the same group.
    group: Option<String>,
    align: Align,
    /// True if the column is dropped first when space is short.
    optional: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Align {
    Left,
    /// Left-aligned, wrapped like a heading if space is short.
    Name,
    Right,
    /// Aligned at the decimal point.
    Decimal,
    /// Left-aligned, wrapped if the table would be too wide; for the last column only.
    Prose,
}

/// A cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    paint: Paint,
    is_figure: bool,
}

#[derive(Clone)]
enum Row {
    Cells(Vec<Cell>),
    /// A label, and a text instead of figures.
    Instead(Cell, String),
    /// A note below the previous row.
    Note(Paint, String),
}

impl Table {
    pub(crate) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(Row::Cells(cells.into_iter().collect()));
    }

    pub(crate) fn instead(&mut self, label: Cell, text: &str) {
        self.rows.push(Row::Instead(label, text.to_owned()));
    }

    pub(super) fn note(&mut self, paint: Paint, text: &str) {
        self.rows.push(Row::Note(paint, printable(text)));
    }

    /// Writes the table, split into several if it is too wide.
    pub(crate) fn render(&self, style: &Style, out: &mut String) {
        match Layout::fitting(self, style.width) {
            Some(layout) => draw::table(self, &layout, style, out),
            None => {
                let parts = layout::parts(self, style.width);
                for (number, columns) in parts.iter().enumerate() {
                    if number > 0 {
                        out.push('\n');
                    }
                    let part = self.part(columns, number + 1 == parts.len());
                    draw::table(&part, &Layout::best(&part, style.width), style, out);
                }
            }
        }
    }

    fn part(&self, columns: &[usize], is_last: bool) -> Self {
        let rows = self.rows.iter().filter_map(|row| match row {
            Row::Cells(cells) => {
                Some(Row::Cells(columns.iter().filter_map(|&column| cells.get(column).cloned()).collect()))
            }
            Row::Note(..) => is_last.then(|| row.clone()),
            Row::Instead(..) => Some(row.clone()),
        });
        let columns = columns.iter().filter_map(|&column| self.columns.get(column).cloned());
        Self { columns: columns.collect(), rows: rows.collect() }
    }
}

impl Column {
    fn new(heading: &str, align: Align) -> Self {
        Self { heading: heading.to_owned(), group: None, align, optional: false }
    }

    pub(crate) fn left(heading: &str) -> Self {
        Self::new(heading, Align::Left)
    }

    pub(crate) fn name(heading: &str) -> Self {
        Self::new(heading, Align::Name)
    }

    pub(crate) fn right(heading: &str) -> Self {
        Self::new(heading, Align::Right)
    }

    pub(crate) fn decimal(heading: &str) -> Self {
        Self::new(heading, Align::Decimal)
    }

    pub(crate) fn prose(heading: &str) -> Self {
        Self::new(heading, Align::Prose)
    }

    pub(crate) fn of(self, group: &str) -> Self {
        Self { group: Some(group.to_owned()), ..self }
    }

    pub(crate) fn optional(self) -> Self {
        Self { optional: true, ..self }
    }
}

impl Cell {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { text: printable(&text.into()), ..Self::default() }
    }

    pub(crate) fn figure(text: impl Into<String>) -> Self {
        Self { text: text.into(), paint: Paint::Plain, is_figure: true }
    }

    /// A figure, or the sign for a missing one.
    pub(crate) fn maybe(text: Option<String>) -> Self {
        text.map_or_else(|| Self::figure(ABSENT).painted(Paint::Faint), Self::figure)
    }

    pub(super) fn painted(self, paint: Paint) -> Self {
        Self { paint, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wrap;
    use super::*;

    fn rendered(table: &Table, width: usize) -> String {
        let mut text = String::new();
        table.render(&Style { width, ..Style::plain(80) }, &mut text);
        text
    }

    fn sample() -> Table {
        let columns = [
            Column::left("name"),
            Column::right("count"),
            Column::decimal("p50").of("wait"),
            Column::decimal("max").of("wait"),
        ];
        let mut table = Table::new(columns);
        table.row([Cell::text("one"), Cell::figure("7"), Cell::figure("1.25"), Cell::figure("12,345")]);
        table.row([Cell::text("two"), Cell::figure("12"), Cell::maybe(None), Cell::figure("~0.5")]);
        table.instead(Cell::text("three"), "no samples");
        table
    }

    #[test]
    fn decimal_points_stand_under_each_other() {
        let expected = "                ──── wait ────
  name   count   p50       max
  ─────  ─────  ────  ────────
  one        7  1.25  12,345
  two       12  –         ~0.5
  three  no samples
";
        assert_eq!(rendered(&sample(), 80), expected);
    }

    #[test]
    fn a_table_that_is_too_wide_becomes_several_with_the_same_labels() {
        let text = rendered(&sample(), 24);
        assert!(text.lines().all(|line| wrap::width(line) <= 24), "{text}");
        assert_eq!(text.matches("one").count(), 2, "{text}");
        assert_eq!(text.matches("wait").count(), 1, "columns of a group stay together:\n{text}");
    }

    #[test]
    fn prose_takes_the_space_that_is_left() {
        let mut table = Table::new([Column::left("question"), Column::prose("because")]);
        table.row([Cell::text("faster"), Cell::text("it took a tenth of the time of the other one")]);
        let text = rendered(&table, 40);
        assert!(text.lines().all(|line| wrap::width(line) <= 40), "{text}");
        assert_eq!(text.lines().count(), 4, "{text}");
    }

    #[test]
    fn optional_columns_go_first() {
        let mut table =
            Table::new([Column::left("a"), Column::right("bbbbbbbbbb"), Column::right("ratio").optional()]);
        table.row([Cell::text("x"), Cell::figure("1234567890"), Cell::figure("1.5")]);
        assert!(rendered(&table, 40).contains("ratio"));
        assert!(!rendered(&table, 18).contains("ratio"));
    }
}
