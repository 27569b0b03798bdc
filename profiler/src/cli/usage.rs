//! Help, the version and errors of usage, printed where each belongs.

use crate::files::standard;
use crate::terminal::Codes;
use anyhow::{Context as _, Result};
use std::io::{self, Write as _};

/// Prints what clap has to say: help and the version to standard output, errors to standard error.
///
/// # Errors
/// If the one for standard output can't be printed.
pub fn print(usage: &clap::Error) -> Result<()> {
    if usage.use_stderr() {
        // Arguments are quoted as they were given; the names that a shell's * stands for may be anybody's.
        let coloured = usage.render().ansi().to_string();
        let harmless = Codes::Colours.harmless(&coloured);
        // There is no other place to say that standard error is closed.
        let _ = if harmless == coloured {
            usage.print()
        } else {
            io::stderr().write_all(Codes::without_colours(&harmless).as_bytes())
        };
        return Ok(());
    }
    let printed = standard::check_output().and_then(|()| usage.print()).and_then(|()| io::stdout().flush());
    printed.map_err(standard::named).context("cannot print to standard output")
}
