//! Messages on standard error, which may be a file on a full disk or a pipe without a reader. A failed write is
//! ignored: the program may hold the only copy of a profile and must not end.

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

/// Prints a message. A failed write is ignored.
pub fn tell(text: &str) {
    // Standard error is the last resort: there is nowhere to report its own failure.
    let _ = writeln!(stderr().lock(), "{}", Codes::None.harmless(text));
}

/// Overwrites the line that the cursor is in. A failed write is ignored.
pub fn redraw(line: &str) {
    let _ = write!(stderr().lock(), "\r\x1b[K{}", Codes::None.harmless(line));
}

/// Prints an error with its chain of causes.
pub fn complain(error: &Error) {
    let text = Codes::None.harmless(&format!("{error:#}"));
    // As in `tell`.
    let _ = writeln!(stderr().lock(), "{} {text}", Style::for_stderr().alarming("profiler:"));
}
