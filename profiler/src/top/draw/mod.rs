//! Draws the view: head, table, detail of the selected row, and a line for messages and keys. Only visible rows
//! are drawn.

mod chart;
mod detail;
mod head;
mod help;
mod palette;
mod table;

#[cfg(test)]
mod tests;

pub use palette::Palette;

use super::app::{App, Mode, Recorder};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// The smallest usable size: name, numbers and three figures of a thread or two.
const LEAST: (u16, u16) = (60, 9);

/// Height of the head.
const HEAD: u16 = 3;

/// Height of the table's headings.
const HEADINGS: u16 = 2;

/// Draws the whole view.
pub fn draw(app: &mut App, buffer: &mut Buffer, palette: Palette) {
    let area = buffer.area;
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(buffer, palette);
        return;
    }
    head::draw(app, buffer, palette);
    let detail = if app.detail { detail_height(area.height) } else { 0 };
    let middle = area.height - HEAD - 1;
    app.page = usize::from(middle.saturating_sub(detail + HEADINGS)).max(1);
    app.view.scroll(app.page);
    table::draw(app, buffer, Rect { y: HEAD, height: middle - detail, ..area }, palette);
    if detail > 0 {
        detail::draw(app, buffer, Rect { y: area.height - 1 - detail, height: detail, ..area }, palette);
    }
    foot(app, buffer, palette);
    if app.mode == Mode::Help {
        help::draw(app.recorder, buffer, palette);
    }
}

/// Height of the detail; 0 if too few rows of the table would remain.
fn detail_height(height: u16) -> u16 {
    match height {
        48.. => 18,
        34.. => 13,
        20.. => 9,
        _ => 0,
    }
}

fn too_small(buffer: &mut Buffer, palette: Palette) {
    let area = buffer.area;
    let (width, height) = LEAST;
    let text = format!("too small: {}x{}, at least {width}x{height} is needed", area.width, area.height);
    let mut words = text.split_inclusive(' ').peekable();
    for y in 0..area.height {
        let mut x = 0;
        while let Some(word) = words.next_if(|word| x == 0 || x + columns(word.trim_end()) <= area.width) {
            x = put(buffer, x, y, area.width, word, palette.strong());
        }
    }
}

/// Draws the last line: typed text, a message, or the keys.
fn foot(app: &App, buffer: &mut Buffer, palette: Palette) {
    let (width, y) = (buffer.area.width, buffer.area.height - 1);
    if let Mode::Filter(_) = &app.mode {
        let x = put(buffer, 0, y, width, "filter: ", palette.strong());
        let x = put(buffer, x, y, width, &app.view.filter, Style::new());
        put(buffer, x, y, width, "▏ Enter keeps it, Esc does not", palette.faint());
        return;
    }
    if let Some(message) = &app.message {
        let style = if message.is_bad { palette.bad() } else { palette.strong() };
        let text = crate::report::shortened(&message.text, usize::from(width));
        put(buffer, 0, y, width, &text, style);
        return;
    }
    let keys = [
        ("?", "help"),
        ("q", "quit"),
        ("←→", "sort"),
        ("/", "filter"),
        ("g", "group"),
        ("m", "metric"),
        ("space", "pause"),
        ("s", "save"),
        ("r", "reverse"),
        ("i", "interval"),
        ("Enter", "detail"),
    ];
    let mut x = 0;
    let can_save = app.recorder == Recorder::Own;
    for (key, does) in keys.into_iter().filter(|(key, _)| can_save || *key != "s") {
        if x + columns(key) + columns(does) + 1 > width {
            break;
        }
        x = put(buffer, x, y, width, key, palette.strong());
        x = put(buffer, x, y, width, &format!(" {does}  "), palette.faint());
    }
}

/// Writes text up to column `end`; returns the column after it.
fn put(buffer: &mut Buffer, x: u16, y: u16, end: u16, text: &str, style: Style) -> u16 {
    if x >= end || y >= buffer.area.height {
        return x;
    }
    buffer.set_stringn(x, y, text.replace('\u{a0}', " "), usize::from(end - x), style).0
}

/// Writes right-aligned text that ends before column `end`, shortened to `width` columns.
fn put_right(buffer: &mut Buffer, end: u16, width: u16, y: u16, text: &str, style: Style) {
    let text = crate::report::shortened(text, usize::from(width));
    put(buffer, end.saturating_sub(columns(&text)), y, end, &text, style);
}

/// Joins as many parts as fit into `width`, each whole: a truncated figure would read as another.
fn as_many_as_fit<'a>(parts: impl IntoIterator<Item = &'a str>, width: u16) -> String {
    let mut text = String::new();
    for part in parts {
        let separator = if text.is_empty() { "" } else { "  " };
        if columns(&text) + columns(separator) + columns(part) > width {
            break;
        }
        text.push_str(separator);
        text.push_str(part);
    }
    text
}

/// The width of a text in terminal columns.
fn columns(text: &str) -> u16 {
    u16::try_from(unicode_width::UnicodeWidthStr::width(text)).unwrap_or(u16::MAX)
}
