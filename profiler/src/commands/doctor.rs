//! `profiler doctor`: what the machine must offer, with its state and how to mend it.

use crate::kernel::requirements::{self, Requirement};
use crate::report::Style;
use anstyle::{AnsiColor, Style as Ansi};
use anyhow::{Context, Result};
use std::io::Write;

/// Prints the list. Returns whether `run` would work.
///
/// # Errors
/// If the list can't be written.
pub fn doctor(mut out: impl Write) -> Result<bool> {
    let requirements = requirements::all();
    let style = Style::for_stdout();
    let width = requirements.iter().map(|requirement| requirement.name.len()).max().unwrap_or_default();
    for requirement in &requirements {
        write!(out, "{}", line(requirement, width, style.colour)).context("cannot write the list")?;
    }
    let missing = requirements.iter().filter(|requirement| requirement.remedy.is_some()).count();
    let verdict = match missing {
        0 => "ready: profiler run will work".to_owned(),
        1 => "not ready: 1 requirement is missing".to_owned(),
        several => format!("not ready: {several} requirements are missing"),
    };
    writeln!(out, "{verdict}").context("cannot write the list")?;
    writeln!(out, "to do without sudo: {}", requirements::setcap()).context("cannot write the list")?;
    Ok(missing == 0)
}

fn line(requirement: &Requirement, width: usize, colour: bool) -> String {
    let Requirement { name, found, needed_by, remedy } = requirement;
    let (mark, ansi) = match remedy {
        None => ("ok     ", AnsiColor::Green),
        Some(_) => ("MISSING", AnsiColor::Red),
    };
    let ansi = if colour { Ansi::new().fg_color(Some(ansi.into())) } else { Ansi::new() };
    let remedy = remedy.as_ref().map_or_else(String::new, |remedy| format!("         -> {remedy}\n"));
    format!("{ansi}{mark}{ansi:#}  {name:width$}  {found}  (for {needed_by})\n{remedy}")
}
