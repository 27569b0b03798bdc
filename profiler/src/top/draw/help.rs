//! The help: keys and figures.

use super::{Palette, columns, put};
use crate::top::app::{App, Recorder};
use crate::top::column::Column;
use crate::top::model::SHOWN_AFTER_END;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

pub(super) fn draw(recorder: Recorder, buffer: &mut Buffer, palette: Palette) {
    let whole = buffer.area;
    let lines = lines(recorder);
    let widest = lines.iter().map(|line| columns(line)).max().unwrap_or(0);
    let (width, height) = ((widest + 4).min(whole.width), (lines.len() as u16 + 2).min(whole.height));
    let area = Rect::new((whole.width - width) / 2, (whole.height - height) / 2, width, height);
    for y in area.y..area.bottom() {
        for x in area.x..area.right() {
            buffer[(x, y)].reset();
        }
    }
    frame(buffer, area, palette);
    for (y, line) in (area.y + 1..area.bottom() - 1).zip(&lines) {
        put(buffer, area.x + 2, y, area.right() - 1, line, Style::new());
    }
}

fn frame(buffer: &mut Buffer, area: Rect, palette: Palette) {
    let (style, last) = (palette.faint(), area.bottom() - 1);
    let across = "─".repeat(usize::from(area.width) - 2);
    put(buffer, area.x, area.y, area.right(), &format!("┌{across}┐"), style);
    put(buffer, area.x, last, area.right(), &format!("└{across}┘"), style);
    for y in area.y + 1..last {
        put(buffer, area.x, y, area.right(), "│", style);
        put(buffer, area.right() - 1, y, area.right(), "│", style);
    }
    put(buffer, area.x + 2, area.y, area.right(), " any key closes this ", palette.strong());
}

/// The lines of the help; with the frame they fit 80 columns.
fn lines(recorder: Recorder) -> Vec<String> {
    let digits = |columns: &[Column]| {
        let entry = |column: &Column| format!("{} {}", App::digit(*column), column.words());
        columns.iter().map(entry).collect::<Vec<_>>().join("  ")
    };
    let (first, rest) = Column::ALL.split_at(2);
    let (second, third) = rest.split_at(3);
    let (save, faults) = match recorder {
        Recorder::Own => (
            "s  save the profile that attach would write, and end the recording",
            "Faults are those that raised an event; the saved profile has all.",
        ),
        Recorder::Daemon => (
            "A daemon keeps no profile to save: profiler attach records one.",
            "Faults are those that raised an event. left: lives, watched no more.",
        ),
    };
    vec![
        "↑ ↓ PgUp PgDn Home End  choose a row    ← →  sort by the next column".to_owned(),
        "r  reverse    g  threads or processes    /  filter, Esc clears it".to_owned(),
        format!("sort by  n name  t number  {}", digits(first)),
        digits(second),
        digits(third),
        "Enter  detail on or off    m  its metric    i  last interval or all".to_owned(),
        "space  pause what is shown; it goes on being recorded".to_owned(),
        save.to_owned(),
        "q  quit    Ctrl-Z  suspend".to_owned(),
        String::new(),
        "Figures are of the last interval; –: nothing of the kind ended in it.".to_owned(),
        "~ in the detail: fewer than ten samples lie beyond that quantile.".to_owned(),
        "Of a process they are of all its threads: on_cpu can be over 100 %.".to_owned(),
        faults.to_owned(),
        format!("A thread that has ended is shown for {SHOWN_AFTER_END} more intervals."),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut_in_80_columns() {
        let (least, frame) = (80, 4);
        for recorder in [Recorder::Own, Recorder::Daemon] {
            let lines = lines(recorder);
            assert!(lines.iter().all(|line| columns(line) + frame <= least), "{lines:#?}");
        }
    }
}
