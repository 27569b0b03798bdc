//! The head: selected processes, duration, filter, and losses.

use super::{Palette, columns, put, put_right};
use crate::report::{LimitNames, counted, loss_reasons, shortened};
use crate::top::app::{App, Recorder};
use crate::top::model::Model;
use model::profile::units::Nanos;
use ratatui::buffer::Buffer;
use ratatui::style::Style;

pub(super) fn draw(app: &App, buffer: &mut Buffer, palette: Palette) {
    title(app, buffer, palette);
    chosen(app, buffer, palette);
    soundness(app, buffer, palette);
}

fn title(app: &App, buffer: &mut Buffer, palette: Palette) {
    let width = buffer.area.width;
    let model = app.shown();
    let age = Nanos(model.until.0.saturating_sub(model.begun.0));
    let every = crate::report::duration(Nanos(u64::try_from(app.interval.as_nanos()).unwrap_or(u64::MAX)));
    let every = every.replace(".00", "").replace('\u{a0}', " ");
    let (state, style) = match () {
        () if app.has_ended => ("  ENDED", palette.bad()),
        () if app.is_paused() => ("  PAUSED", palette.selected()),
        () => ("", Style::new()),
    };
    let time = format!("{}  every {every}", clock(age));
    let end = width.saturating_sub(columns(state));
    put(buffer, end, 0, width, state, style);
    put_right(buffer, end, end, 0, &time, palette.faint());
    let end = end.saturating_sub(columns(&time) + 2);
    let x = put(buffer, 0, 0, end, "profiler top", palette.strong());
    let whom = shortened(&app.whom, usize::from(end.saturating_sub(x + 2)));
    put(buffer, x + 2, 0, end, &whom, Style::new());
}

/// `1:02:03`
fn clock(time: Nanos) -> String {
    let seconds = time.0 / 1_000_000_000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn chosen(app: &App, buffer: &mut Buffer, palette: Palette) {
    let width = buffer.area.width;
    let model = app.shown();
    let threads = counted(model.living as u64, "thread");
    let processes = match model.living_processes {
        1 => "1 process".to_owned(),
        many => format!("{} processes", crate::report::count(many as u64)),
    };
    let x = put(buffer, 0, 1, width, &format!("{threads}, {processes}"), Style::new());
    let ended = ended(model);
    let x = put(buffer, x, 1, width, &ended, palette.faint());
    let over = match (app.now().standing.lives, app.recorder) {
        (true, _) => "",
        (false, Recorder::Own) => " · all chosen processes have ended",
        (false, Recorder::Daemon) => " · no process is watched",
    };
    let x = put(buffer, x, 1, width, over, palette.bad());
    let arrow = if app.view.is_descending() { "↓" } else { "↑" };
    let order = format!("{} {arrow}", app.view.order.words());
    let x = put(buffer, x, 1, width, " · by ", palette.faint());
    let x = put(buffer, x, 1, width, &order, palette.accent());
    if !app.view.filter.is_empty() {
        let filter = shortened(&app.view.filter, 20);
        let filter = format!(" · filter \"{filter}\": {} shown", app.view.rows.len());
        put(buffer, x, 1, width, &filter, palette.strong());
    }
}

fn ended(model: &Model) -> String {
    match model.standing.ended.threads {
        0 => String::new(),
        threads => format!(" ({} ended)", crate::report::count(threads)),
    }
}

/// Draws losses, always: unlike messages they do not disappear, and they are current even while the view is
/// paused.
fn soundness(app: &App, buffer: &mut Buffer, palette: Palette) {
    let width = buffer.area.width;
    let standing = app.now().standing;
    let limits = match app.recorder {
        Recorder::Own => LimitNames::FLAGS,
        Recorder::Daemon => LimitNames::CONFIGURATION,
    };
    let lost = loss_reasons(&standing.lost, limits);
    let x = if lost.is_empty() {
        put(buffer, 0, 2, width, "0 lost", palette.good())
    } else {
        let text = shortened(&format!("INCOMPLETE: {}", lost.join(", ")), usize::from(width));
        put(buffer, 0, 2, width, &text, palette.bad())
    };
    let mut hints = Vec::new();
    let throttled = throttled(app.now());
    if throttled > 0 {
        hints.push(counted(throttled, "throttled wait"));
    }
    let (unattributed_wait, inferred) = unannounced(app.now());
    if unattributed_wait > 0 {
        hints.push(counted(unattributed_wait, "unattributed wait"));
    }
    if inferred > 0 {
        hints.push(format!("{} inferred", counted(inferred, "switch-in")));
    }
    if !standing.ended.kept {
        hints.push("too many have ended for a profile".to_owned());
    }
    if standing.ended.unsent > 0 {
        hints.push(format!("{} ended unseen", counted(standing.ended.unsent, "thread")));
    }
    let hints: String = hints.iter().map(|hint| format!(" · {hint}")).collect();
    put(buffer, x, 2, width, &shortened(&hints, usize::from(width.saturating_sub(x))), palette.strong());
}

/// The number of throttled waits of the threads in the view.
fn throttled(model: &Model) -> u64 {
    model.threads.values().filter_map(|thread| thread.record.throttled).map(|waits| waits.count).sum()
}

/// The numbers of waits without an announced wake and of inferred switch-ins, of the threads in the view.
fn unannounced(model: &Model) -> (u64, u64) {
    let records = || model.threads.values().map(|thread| &thread.record);
    let unattributed_wait =
        records().filter_map(|record| record.unattributed_wait).map(|waits| waits.count).sum();
    (unattributed_wait, records().map(|record| record.inferred_switch_ins).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_has_hours_only_once_there_are_any() {
        let clocks = [0, 59, 61, 3_599, 3_600, 90_061].map(|seconds| clock(Nanos(seconds * 1_000_000_000)));
        assert_eq!(clocks, ["0:00", "0:59", "1:01", "59:59", "1:00:00", "25:01:01"]);
    }
}
