//! Writes a table in a given layout.

use super::super::page::INDENT;
use super::super::style::{Paint, Style};
use super::super::wrap;
use super::layout::{GAP, Layout, cell_lines, fraction_width};
use super::{Align, Cell, Row, Table};

/// Indent of a note below a row.
const NOTE_INDENT: usize = 6;

/// A line without trailing spaces.
struct Line<'a> {
    style: &'a Style,
    out: &'a mut String,
    pending: usize,
}

impl Line<'_> {
    fn skip(&mut self, columns: usize) {
        self.pending += columns;
    }

    fn put(&mut self, paint: Paint, text: &str) {
        if !text.is_empty() {
            self.out.push_str(&" ".repeat(self.pending));
            self.out.push_str(&self.style.paint(paint, text));
            self.pending = 0;
        }
    }

    /// Appends a text to a field, aligned left or right.
    fn put_in(&mut self, width: usize, to_left: bool, paint: Paint, text: &str) {
        let rest = width.saturating_sub(wrap::width(text));
        self.skip(if to_left { 0 } else { rest });
        self.put(paint, text);
        self.skip(if to_left { rest } else { 0 });
    }

    fn end(self) {
        self.out.push('\n');
    }
}

pub(super) fn table(table: &Table, layout: &Layout, style: &Style, out: &mut String) {
    group_headings(table, layout, style, out);
    headings(table, layout, style, out);
    for row in &table.rows {
        match row {
            Row::Cells(cells) => row_lines(table, layout, cells, style, out),
            Row::Instead(label, text) => {
                let mut line = begin(style, out);
                let labels = layout.widths.first().map_or(0, |width| width.total);
                line.put_in(labels + GAP, true, label.paint, &label.text);
                line.put(Paint::Faint, text);
                line.end();
            }
            Row::Note(paint, text) => {
                for text in wrap::prose(text, style.width - NOTE_INDENT) {
                    let mut line = Line { style, out, pending: NOTE_INDENT };
                    line.put(*paint, &text);
                    line.end();
                }
            }
        }
    }
}

fn begin<'a>(style: &'a Style, out: &'a mut String) -> Line<'a> {
    Line { style, out, pending: INDENT }
}

fn group_headings(table: &Table, layout: &Layout, style: &Style, out: &mut String) {
    let groups = layout.groups(table);
    let name = |start: usize| table.columns[layout.columns[start]].group.as_deref();
    if groups.iter().all(|&(start, _)| name(start).is_none()) {
        return;
    }
    let mut line = begin(style, out);
    for (start, end) in groups {
        let span = layout.span(start, end);
        match name(start) {
            None => line.skip(span),
            Some(name) => {
                let around = span.saturating_sub(wrap::width(name) + 2);
                let dashes = |count| if around > 1 { "─".repeat(count) + " " } else { String::new() };
                line.put(Paint::Faint, &dashes(around / 2));
                line.put(Paint::Plain, name);
                let after: String = dashes(around - around / 2).chars().rev().collect();
                line.put(Paint::Faint, &after);
                let rest = if around > 1 { 0 } else { span.saturating_sub(wrap::width(name)) };
                line.skip(rest);
            }
        }
        line.skip(GAP);
    }
    line.end();
}

/// Writes headings, aligned at the bottom.
fn headings(table: &Table, layout: &Layout, style: &Style, out: &mut String) {
    let broken: Vec<Vec<String>> =
        layout.columns.iter().map(|&column| wrap::name(&table.columns[column].heading, layout.cap)).collect();
    let height = broken.iter().map(Vec::len).max().unwrap_or(0);
    for row in 0..height {
        let mut line = begin(style, out);
        for (index, lines) in broken.iter().enumerate() {
            let text = (row + lines.len()).checked_sub(height).and_then(|row| lines.get(row));
            let to_left = is_left(table.columns[layout.columns[index]].align);
            let text = text.map_or("", String::as_str);
            line.put_in(layout.widths[index].total, to_left, Paint::Strong, text);
            line.skip(GAP);
        }
        line.end();
    }
    let mut line = begin(style, out);
    for width in &layout.widths {
        line.put(Paint::Faint, &"─".repeat(width.total));
        line.skip(GAP);
    }
    line.end();
}

fn row_lines(table: &Table, layout: &Layout, cells: &[Cell], style: &Style, out: &mut String) {
    let empty = Cell::default();
    let cells: Vec<(&Cell, Align, usize)> = layout
        .columns
        .iter()
        .enumerate()
        .map(|(index, &column)| {
            (cells.get(column).unwrap_or(&empty), table.columns[column].align, layout.widths[index].total)
        })
        .collect();
    let broken: Vec<Vec<String>> = cells
        .iter()
        .map(|&(cell, align, width)| match align {
            Align::Prose => wrap::prose(&cell.text, width),
            _ => cell_lines(cell, align, layout.cap),
        })
        .collect();
    for row in 0..broken.iter().map(Vec::len).max().unwrap_or(0) {
        let mut line = begin(style, out);
        for (index, &(cell, align, width)) in cells.iter().enumerate() {
            let text = broken[index].get(row).map_or("", String::as_str);
            let after = match layout.widths[index].fraction {
                fraction if cell.is_figure && fraction > 0 => fraction - fraction_width(cell),
                _ => 0,
            };
            line.put_in(width - after, is_left(align), cell.paint, text);
            line.skip(after + GAP);
        }
        line.end();
    }
}

fn is_left(align: Align) -> bool {
    matches!(align, Align::Left | Align::Name | Align::Prose)
}
