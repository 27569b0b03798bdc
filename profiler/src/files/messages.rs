//! Messages on standard error. It may be a file on a full disk or a pipe that nobody reads: a message that cannot
//! be written must not end the program, which may hold the only copy of a profile.

use super::standard;
use crate::report::Style;
use crate::terminal::Codes;
use anyhow::{Context as _, Error, Result};
use std::io::{Write as _, stderr};

/// Prints a report.
///
/// # Errors
/// If standard error does not take it.
pub fn print(report: &str) -> Result<()> {
    let report = Codes::Colours.harmless(report);
    standard::check_error()
        .and_then(|()| stderr().lock().write_all(report.as_bytes()))
        .context("cannot print the report")
}

/// Tells of something as far as that is possible.
pub fn tell(text: &str) {
    // There is no other place to say that this one is closed.
    let _ = writeln!(stderr().lock(), "{}", Codes::None.harmless(text));
}

/// Writes over the line that the cursor is in. That it can't be shown is no reason to stop.
pub fn redraw(line: &str) {
    let _ = write!(stderr().lock(), "\r\x1b[K{}", Codes::None.harmless(line));
}

/// Tells what went wrong, with its causes.
pub fn complain(error: &Error) {
    let text = Codes::None.harmless(&format!("{error:#}"));
    // As in `tell`.
    let _ = writeln!(stderr().lock(), "{} {text}", Style::for_stderr().alarming("profiler:"));
}
