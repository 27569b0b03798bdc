//! `profiler report`: what `run` printed, from the files alone.

use crate::cli::ReportArgs;
use crate::files::standard;
use crate::report::{self, Style};
use anyhow::{Context, Result};
use std::io::Write;

/// Prints the report of one profile, or several side by side.
///
/// # Errors
/// If a file can't be read or the report can't be written.
pub fn report(args: &ReportArgs, mut out: impl Write) -> Result<()> {
    let profiles = standard::read(&args.files)?;
    let style = Style { threads: args.report.threads, ..Style::for_stdout() };
    let text = match profiles.as_slice() {
        [profile] => report::single(profile, &style),
        several => report::comparison(&several.iter().collect::<Vec<_>>(), None, &style),
    };
    out.write_all(text.as_bytes()).context("cannot write the report")
}
