//! The layout of a table in a given width: shown columns, their widths, and the split into several tables.

use super::super::page::INDENT;
use super::super::wrap;
use super::{Align, Cell, Row, Table};

/// Spaces between columns.
pub(super) const GAP: usize = 2;

/// Widths for wrapping headings and texts, widest first.
const CAPS: [usize; 4] = [30, 22, 16, 12];

/// The narrowest legible column of prose.
const NARROWEST_PROSE: usize = 24;

/// A table's layout.
pub(super) struct Layout {
    /// Indices of the shown columns.
    pub(super) columns: Vec<usize>,
    /// The width of each shown column.
    pub(super) widths: Vec<Width>,
    /// The width that headings and texts are wrapped to.
    pub(super) cap: usize,
}

/// The width of a column.
#[derive(Clone, Copy, Default)]
pub(super) struct Width {
    pub(super) total: usize,
    /// The width from the decimal point on; 0 for columns not aligned by it.
    pub(super) fraction: usize,
}

/// Concessions to the width: the wrapping width, optional columns kept, decimal points aligned.
#[derive(Clone, Copy)]
struct Choice {
    cap: usize,
    optional: bool,
    aligned: bool,
}

impl Layout {
    /// The widest layout of all columns within `limit`.
    pub(super) fn fitting(table: &Table, limit: usize) -> Option<Self> {
        choices().map(|choice| Self::of(table, choice, limit)).find(|layout| layout.total() <= limit)
    }

    /// As [`Self::fitting`], or else the narrowest layout.
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

    /// The total width.
    pub(super) fn total(&self) -> usize {
        INDENT + self.span(0, self.widths.len())
    }

    /// The width of the columns from `start` up to `end`, exclusive.
    pub(super) fn span(&self, start: usize, end: usize) -> usize {
        let widths: usize = self.widths[start..end].iter().map(|width| width.total).sum();
        widths + GAP * (end - start).saturating_sub(1)
    }

    /// Ranges of neighbours with a common group heading.
    pub(super) fn groups(&self, table: &Table) -> Vec<(usize, usize)> {
        let mut groups: Vec<(usize, usize)> = Vec::new();
        for (index, &column) in self.columns.iter().enumerate() {
            let group = &table.columns[column].group;
            match groups.last_mut() {
                Some((start, end))
                    if group.is_some() && *group == table.columns[self.columns[*start]].group =>
                {
                    *end = index + 1;
                }
                _ => groups.push((index, index + 1)),
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
        // Optional columns are dropped before headings are wrapped to the narrowest width.
        let caps = if optional { CAPS.len() - 1 } else { CAPS.len() };
        CAPS.into_iter().take(caps).map(move |cap| Choice { cap, optional, aligned })
    })
}

/// Splits a table that is too wide: each part has the labels, and as many column groups as fit.
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

/// The lines of a cell before the final width of its column is known.
pub(super) fn cell_lines(cell: &Cell, align: Align, cap: usize) -> Vec<String> {
    if cell.is_figure || align == Align::Prose || align == Align::Left {
        vec![cell.text.clone()]
    } else {
        wrap::name(&cell.text, cap)
    }
}

/// The width of a figure from its decimal point on.
pub(super) fn fraction_width(cell: &Cell) -> usize {
    cell.text.find('.').map_or(0, |point| wrap::width(&cell.text[point..]))
}

fn longest(lines: &[String]) -> usize {
    lines.iter().map(|line| wrap::width(line)).max().unwrap_or(0)
}
