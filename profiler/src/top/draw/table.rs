//! The table: as many columns as fit, by importance, and the visible rows.

use super::chart;
use super::{HEADINGS, Palette, columns, put, put_right};
use crate::report::shortened;
use crate::top::app::{App, Recorder};
use crate::top::column::Column;
use crate::top::view::{Order, Row, history};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Width of a thread's name (`TASK_COMM_LEN`, without the terminator).
const NAME: u16 = 15;
/// Width of a pid or tid: at most seven digits (`PID_MAX_LIMIT`) and a blank.
const NUMBER: u16 = 8;
/// Width of a state: `preempted` and a blank.
const DOING: u16 = 10;
/// Width of a process's name and a blank.
const PROCESS: u16 = NAME + 1;
/// Width of the history: fewer intervals show no shape, more are not kept.
const HISTORY: std::ops::RangeInclusive<u16> = 13..=61;

/// The columns that fit.
#[derive(Clone, Debug, Default)]
struct Layout {
    figures: Vec<Column>,
    process: bool,
    pid: bool,
    history: u16,
}

impl Layout {
    /// Lays out the table. With `several` processes, their names come before further figures.
    fn of(width: u16, order: Order, several: bool) -> Self {
        let mut layout = Self::default();
        let mut left = width.saturating_sub(NAME + NUMBER + DOING);
        let mut fits = |needed: u16| {
            let fits = needed <= left;
            left -= if fits { needed } else { 0 };
            fits
        };
        let sorted = match order {
            Order::By(column) => Some(column),
            Order::Name | Order::Number => None,
        };
        let first = [
            Column::Voluntary,
            Column::WaitP99,
            Column::OnCpu,
            Column::BlockedP99,
            Column::WaitMax,
            Column::Involuntary,
        ];
        let then = [Column::MinorFaults, Column::WaitP50, Column::Preempted, Column::MajorFaults];
        let add = |columns: &[Column], figures: &mut Vec<Column>, fits: &mut dyn FnMut(u16) -> bool| {
            for &column in columns {
                if !figures.contains(&column) && fits(column.width()) {
                    figures.push(column);
                }
            }
        };
        add(sorted.as_slice(), &mut layout.figures, &mut fits);
        add(&first, &mut layout.figures, &mut fits);
        layout.process = several && fits(PROCESS);
        let has_history = fits(*HISTORY.start());
        add(&then, &mut layout.figures, &mut fits);
        layout.pid = several && fits(NUMBER);
        layout.figures.sort_unstable();
        if has_history {
            layout.history = (HISTORY.start() + left).min(*HISTORY.end());
        }
        layout
    }
}

pub(super) fn draw(app: &App, buffer: &mut Buffer, area: Rect, palette: Palette) {
    let layout =
        Layout::of(area.width, app.view.order, !app.view.by_process && app.shown().living_processes > 1);
    headings(app, &layout, buffer, area, palette);
    let rows = area.height.saturating_sub(HEADINGS);
    for (y, row) in
        (area.y + HEADINGS..).zip(app.view.rows.iter().skip(app.view.first).take(usize::from(rows)))
    {
        draw_row(app, &layout, buffer, y, row, palette);
        if app.view.selected == Some(row.identity) {
            buffer.set_style(Rect { y, height: 1, ..area }, palette.selected());
        }
    }
    if app.view.rows.is_empty() {
        let text = match (app.view.filter.is_empty(), app.now().refreshes) {
            (false, _) => "nothing matches the filter; Esc clears it",
            (true, 0) => "the first interval is under way",
            (true, _) if app.recorder == Recorder::Daemon => "no thread is watched",
            (true, _) => "no thread is left",
        };
        put(buffer, 0, area.y + HEADINGS, area.width, text, palette.faint());
    }
}

fn headings(app: &App, layout: &Layout, buffer: &mut Buffer, area: Rect, palette: Palette) {
    let (upper, lower, end) = (area.y, area.y + 1, area.width);
    let (order, arrow) = (app.view.order, if app.view.is_descending() { "↓" } else { "↑" });
    let marked = |text: &str, own: Order| match own == order {
        true => (format!("{text}{arrow}"), palette.sorted()),
        false => (text.to_owned(), palette.strong()),
    };
    let by_process = app.view.by_process;
    let (name, number) = if by_process { ("process", "pid") } else { ("thread", "tid") };
    let (text, style) = marked(name, Order::Name);
    put(buffer, 0, lower, end, &text, style);
    let (text, style) = marked(number, Order::Number);
    put_right(buffer, NAME + NUMBER, NUMBER, lower, &text, style);
    let state = if by_process { "threads" } else { "state" };
    put(buffer, NAME + NUMBER + 1, lower, end, state, palette.strong());
    let mut x = NAME + NUMBER + DOING;
    let mut before = "";
    for &column in &layout.figures {
        let columns_of = |other: &&Column| other.group() == column.group();
        if column.group() != before {
            let span = layout.figures.iter().filter(columns_of).map(|column| column.width()).sum();
            let group = shortened(column.group(), usize::from(span) - 1);
            put_right(buffer, x + span, span, upper, &group, palette.faint());
        }
        before = column.group();
        x += column.width();
        let (text, style) = marked(column.heading(), Order::By(column));
        put_right(buffer, x, column.width(), lower, &text, style);
    }
    if layout.pid {
        put_right(buffer, x + NUMBER, NUMBER, lower, "pid", palette.strong());
        x += NUMBER;
    }
    if layout.process {
        put(buffer, x + 1, lower, end, "process", palette.strong());
        x += PROCESS;
    }
    if layout.history > 0 {
        let text = shortened(app.history_column().words(), usize::from(layout.history) - 1);
        put(buffer, x + 1, lower, end, &text, palette.faint());
    }
}

fn draw_row(app: &App, layout: &Layout, buffer: &mut Buffer, y: u16, row: &Row, palette: Palette) {
    let end = buffer.area.width;
    let plain = Style::new();
    put(buffer, 0, y, NAME, &shortened(&row.name, usize::from(NAME)), plain);
    let number = row.tid.unwrap_or(row.pid).to_string();
    put_right(buffer, NAME + NUMBER, NUMBER, y, &number, plain);
    let doing = match row.doing {
        Some(doing) => doing.words().to_owned(),
        None => crate::report::count(row.threads),
    };
    put(buffer, NAME + NUMBER + 1, y, NAME + NUMBER + DOING, &doing, palette.accent());
    let mut x = NAME + NUMBER + DOING;
    for &column in &layout.figures {
        x += column.width();
        let value = row.values[column.index()];
        let style = if value.is_some_and(|value| value > 0.0) { plain } else { palette.faint() };
        put_right(buffer, x, column.width() - 1, y, &column.text(value), style);
    }
    if layout.pid {
        put_right(buffer, x + NUMBER, NUMBER, y, &row.pid.to_string(), plain);
        x += NUMBER;
    }
    if layout.process {
        let name = row.process.as_deref().unwrap_or(crate::report::units::ABSENT);
        put(buffer, x + 1, y, end, &shortened(name, usize::from(NAME)), plain);
        x += PROCESS;
    }
    if layout.history > 0
        && let Some(history) = history(app.shown(), row.identity)
    {
        let line = chart::line(history.of(app.history_column()), usize::from(layout.history) - 1);
        put(
            buffer,
            x + 1 + (layout.history - 1).saturating_sub(columns(&line)),
            y,
            end,
            &line,
            palette.accent(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_is_sorted_by_is_there_in_every_width() {
        for column in Column::ALL {
            for width in super::super::LEAST.0..=220 {
                let layout = Layout::of(width, Order::By(column), true);
                assert!(layout.figures.contains(&column), "{column:?} in {width} columns");
            }
        }
    }

    #[test]
    fn no_layout_is_wider_than_there_is_room() {
        for width in super::super::LEAST.0..=220 {
            for several in [false, true] {
                let layout = Layout::of(width, Order::Name, several);
                let figures: u16 = layout.figures.iter().map(|column| column.width()).sum();
                let others = if layout.process { PROCESS } else { 0 } + if layout.pid { NUMBER } else { 0 };
                let taken = NAME + NUMBER + DOING + figures + others + layout.history;
                assert!(taken <= width, "{taken} of {width}: {layout:?}");
            }
        }
        assert_eq!(Layout::of(200, Order::Name, true).figures.len(), Column::COUNT);
    }
}
