//! That something goes on, on a terminal that can redraw a line, while commands are recorded.

use crate::files::messages;
use crate::report::{self, Style};
use std::io::{IsTerminal as _, stdout};
use std::time::{Duration, Instant};

/// Columns for what is recorded, so that the whole line fits into a narrow terminal: of one that takes more, only the
/// last could be wiped.
const MOST_COLUMNS: usize = 30;

/// The line that is drawn anew every second. Dropping it wipes it.
pub struct Progress {
    /// The name of the recording; `None` where nothing is drawn.
    of: Option<String>,
    started: Instant,
    shown: Option<u64>,
}

impl Progress {
    /// Of a command whose output is not shown: the terminal is free.
    #[must_use]
    pub fn of(what: &str) -> Self {
        Self::new(Style::stderr_can_be_redrawn().then(|| what.to_owned()))
    }

    /// Of a command whose output goes where this process's does. Where that is the terminal it is the command's alone:
    /// a line that is drawn anew would write over what it writes.
    #[must_use]
    pub fn beside(command: &str) -> Self {
        if !Style::stderr_can_be_redrawn() {
            return Self::new(None);
        }
        if stdout().is_terminal() {
            messages::tell(&format!("recording {}", report::printable(command)));
            return Self::new(None);
        }
        Self::of(command)
    }

    fn new(of: Option<String>) -> Self {
        Self { of, started: Instant::now(), shown: None }
    }

    /// Draws it, if a second has gone by since the last time.
    pub fn draw(&mut self, exited: usize) {
        let Some(of) = &self.of else { return };
        let elapsed = self.started.elapsed();
        if self.shown.replace(elapsed.as_secs()) != Some(elapsed.as_secs()) {
            messages::redraw(&line(of, elapsed, exited));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            messages::redraw("");
        }
    }
}

fn line(of: &str, elapsed: Duration, exited: usize) -> String {
    let threads = match exited {
        0 => String::new(),
        exited => format!(", {} ended", report::counted(exited as u64, "thread")),
    };
    let time = humantime::format_duration(Duration::from_secs(elapsed.as_secs()));
    report::shortened(&report::printable(of), MOST_COLUMNS) + &format!(": {time}{threads}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_what_is_recorded_for_how_long_and_what_has_ended() {
        let seconds = |seconds: u64| Duration::from_millis(seconds * 1000 + 900);
        assert_eq!(line("make", seconds(3), 0), "make: 3s");
        assert_eq!(line("make", seconds(61), 1), "make: 1m 1s, 1\u{a0}thread ended");
        let long = line(&"\u{1b}name".repeat(20), seconds(0), 1_234);
        assert!(long.ends_with("…: 0s, 1,234\u{a0}threads ended") && !long.contains('\u{1b}'), "{long}");
    }
}
