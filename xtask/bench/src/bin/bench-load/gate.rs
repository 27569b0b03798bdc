//! Synchronises with the measuring process just before and just after the timed part of a load.

use anyhow::{Context as _, Result};
use std::io::{self, BufRead as _, Write as _};

/// The line that a load prints before its timed part.
const READY: &str = "ready";

/// A gate. Closed, it delays a load until a line is read from standard input; open, it does nothing.
pub(crate) struct Gate {
    closed: bool,
}

impl Gate {
    /// A closed or open gate.
    pub(crate) fn new(closed: bool) -> Self {
        Self { closed }
    }

    /// Passes the gate, before the timed part.
    pub(crate) fn pass(&self) -> Result<()> {
        if self.closed {
            say(READY)?;
            io::stdin().lock().read_line(&mut String::new()).context("cannot wait for the line to begin")?;
        }
        Ok(())
    }

    /// Prints the figure, and keeps the process alive until standard input ends.
    pub(crate) fn tell(&self, figure: f64) -> Result<()> {
        say(&figure.to_string())?;
        if self.closed {
            io::copy(&mut io::stdin(), &mut io::sink())
                .context("cannot wait for the end of standard input")?;
        }
        Ok(())
    }
}

fn say(line: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).context("cannot write to standard output")
}
