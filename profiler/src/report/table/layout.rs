//! The layout of a table in a given width: its columns, their widths, and the place where it is divided.

use super::super::page::INDENT;
use super::super::wrap;
use super::{Align, Cell, Row, Table};

/// Spaces between columns.
pub(super) const GAP: usize = 2;

/// Widths to which headings and texts are broken, from the roomy to the narrow.
const CAPS: [usize; 4] = [30, 22, 16, 12];

/// A column of prose narrower than this is not worth reading.
const NARROWEST_PROSE: usize = 24;

/// A table's layout.
pub(super) struct Layout {
    /// The columns shown, in order.
    pub(super) columns: Vec<usize>,
    /// For each of them.
    pub(super) widths: Vec<Width>,
    /// Headings and texts are broken to this.
    pub(super) cap: usize,
}

/// The width of a column.
#[derive(Clone, Copy, Default)]
pub(super) struct Width {
    pub(super) total: usize,
    /// The width of the decimal point and everything after it; 0 where points are not aligned.
    pub(super) fraction: usize,
}

/// The parts that are given up for width, in the order in which they are.
#[derive(Clone, Copy)]
struct Choice {
    cap: usize,
    optional: bool,
    aligned: bool,
}

impl Layout {
    /// The most generous layout of all columns that is not wider than `limit`.
    pub(super) fn fitting(table: &Table, limit: usize) -> Option<Self> {
        choices().map(|choice| Self::of(table, choice, limit)).find(|layout| layout.total() <= limit)
    }

    /// As [`Self::fitting`], or else the narrowest.
    pub(super) fn best(table: &Table, limit: usize) -> Self {
        Self::fitting(table, limit).unwrap_or_else(|| Self::of(table, NARROWEST, limit))
    }

    fn of(table: &Table, choice: Choice, limit: usize) -> Self {
        let shown = |&column: &usize| choice.optional || !table.columns[column].optional;
        let columns: Vec<usize> = (0..table.columns.len()).filter(shown).collect();
        let widths = columns.iter().map(|&column| width(table, column, choice)).collect();
        let mut layout = Self { columns, widths, cap: choice.cap };
        layout.widen_for_groups(table);
        layout.narrow_prose(table, limit);
        layout
    }

    /// From the left edge to the end of the last column.
    pub(super) fn total(&self) -> usize {
        INDENT + self.span(0, self.widths.len())
    }

    /// From the start of one column to the end of the one before `end`.
    pub(super) fn span(&self, start: usize, end: usize) -> usize {
        let widths: usize = self.widths[start..end].iter().map(|width| width.total).sum();
        widths + GAP * (end - start).saturating_sub(1)
    }

    /// Neighbours with the same group heading, as ranges over `columns`.
    pub(super) fn groups(&self, table: &Table) -> Vec<(usize, usize)> {
        let mut groups: Vec<(usize, usize)> = Vec::new();
        for (place, &column) in self.columns.iter().enumerate() {
            let group = &table.columns[column].group;
            match groups.last_mut() {
                Some((start, end))
                    if group.is_some() && *group == table.columns[self.columns[*start]].group =>
                {
                    *end = place + 1;
                }
                _ => groups.push((place, place + 1)),
            }
        }
        groups
    }

    fn widen_for_groups(&mut self, table: &Table) {
        for (start, end) in self.groups(table) {
            if let Some(group) = &table.columns[self.columns[start]].group {
                let missing = wrap::width(group).saturating_sub(self.span(start, end));
                self.widths[start].total += missing;
            }
        }
    }

    fn narrow_prose(&mut self, table: &Table, limit: usize) {
        let is_prose = self.columns.last().is_some_and(|&column| table.columns[column].align == Align::Prose);
        let excess = self.total().saturating_sub(limit);
        if let Some(prose) = self.widths.last_mut().filter(|_| is_prose) {
            let narrowest = NARROWEST_PROSE.min(prose.total);
            prose.total = prose.total.saturating_sub(excess).max(narrowest);
        }
    }
}

const NARROWEST: Choice = Choice { cap: CAPS[CAPS.len() - 1], optional: false, aligned: false };

fn choices() -> impl Iterator<Item = Choice> {
    [(true, true), (false, true), (false, false)].into_iter().flat_map(|(optional, aligned)| {
        // Optional columns are not worth headings in shreds.
        let caps = if optional { CAPS.len() - 1 } else { CAPS.len() };
        CAPS.into_iter().take(caps).map(move |cap| Choice { cap, optional, aligned })
    })
}

/// The columns that stand together when a table is too wide: the labels, then as many groups as fit.
pub(super) fn parts(table: &Table, limit: usize) -> Vec<Vec<usize>> {
    let layout = Layout::of(table, NARROWEST, limit);
    let labels = layout.widths.first().map_or(0, |width| width.total);
    let mut parts: Vec<(usize, Vec<usize>)> = Vec::new();
    let fits = |start, end| INDENT + labels + GAP + layout.span(start, end) <= limit;
    let groups = layout.groups(table).into_iter().skip(1).flat_map(|(start, end)| {
        if fits(start, end) {
            vec![(start, end)]
        } else {
            (start..end).map(|column| (column, column + 1)).collect()
        }
    });
    for (start, end) in groups {
        let needed = GAP + layout.span(start, end);
        let columns = &layout.columns[start..end];
        match parts.last_mut() {
            Some((taken, part)) if *taken + needed <= limit => {
                *taken += needed;
                part.extend(columns);
            }
            _ => {
                let part = layout.columns.iter().take(1).chain(columns).copied().collect();
                parts.push((INDENT + labels + needed, part));
            }
        }
    }
    parts.into_iter().map(|(_, columns)| columns).collect()
}

fn width(table: &Table, column: usize, choice: Choice) -> Width {
    let align = table.columns[column].align;
    let (mut whole, mut fraction, mut text) = (0, 0, 0);
    for row in &table.rows {
        match row {
            Row::Cells(cells) => {
                let Some(cell) = cells.get(column) else { continue };
                if cell.is_figure && align == Align::Decimal && choice.aligned {
                    let point = fraction_width(cell);
                    whole = whole.max(wrap::width(&cell.text) - point);
                    fraction = fraction.max(point);
                } else {
                    text = text.max(longest(&cell_lines(cell, align, choice.cap)));
                }
            }
            Row::Instead(label, _) if column == 0 => text = text.max(wrap::width(&label.text)),
            Row::Instead(..) | Row::Note(..) => {}
        }
    }
    let heading = longest(&wrap::name(&table.columns[column].heading, choice.cap));
    Width { total: heading.max(whole + fraction).max(text), fraction }
}

/// A cell's lines before its column's final width is known.
pub(super) fn cell_lines(cell: &Cell, align: Align, cap: usize) -> Vec<String> {
    if cell.is_figure || align == Align::Prose || align == Align::Left {
        vec![cell.text.clone()]
    } else {
        wrap::name(&cell.text, cap)
    }
}

/// The width of a figure's decimal point and the digits after it.
pub(super) fn fraction_width(cell: &Cell) -> usize {
    cell.text.find('.').map_or(0, |point| wrap::width(&cell.text[point..]))
}

fn longest(lines: &[String]) -> usize {
    lines.iter().map(|line| wrap::width(line)).max().unwrap_or(0)
}
