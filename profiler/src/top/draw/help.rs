//! What the keys do, and what the figures are.

use super::{Palette, columns, put};
use crate::top::app::App;
use crate::top::column::Column;
use crate::top::model::SHOWN_AFTER_END;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

pub(super) fn draw(buffer: &mut Buffer, palette: Palette) {
    let whole = buffer.area;
    let lines = lines();
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

fn lines() -> Vec<String> {
    let digits = |columns: &[Column]| {
        let entry = |column: &Column| format!("{} {}", App::digit(*column), column.words());
        columns.iter().map(entry).collect::<Vec<_>>().join(", ")
    };
    let (first, rest) = Column::ALL.split_at(3);
    let (second, third) = rest.split_at(4);
    vec![
        "↑ ↓ PgUp PgDn Home End   the row   ← →  sort by the column beside   r  reverse".to_owned(),
        format!("sort by  n name, t number, {}", digits(first)),
        format!("         {}", digits(second)),
        format!("         {}", digits(third)),
        "/  filter by names and numbers, Esc clears it   g  threads or processes".to_owned(),
        "Enter  detail on or off   m  its metric   i  last interval or since the start".to_owned(),
        "space  pause what is shown; it goes on being recorded".to_owned(),
        "s  save the profile, as attach writes it   q  quit   Ctrl-Z  suspend".to_owned(),
        String::new(),
        "Figures are of the last interval; –: nothing of the kind ended in it. A quantile with".to_owned(),
        "fewer than ten samples beyond it is marked ~ in the detail. Of a process, times and".to_owned(),
        "switches are those of its threads together: on_cpu can be more than 100 %. Faults are".to_owned(),
        "those that raised an event; all that the kernel counts are in the saved profile.".to_owned(),
        format!("A thread that has ended is shown for {SHOWN_AFTER_END} more intervals."),
    ]
}
