//! The log: on standard error, in colours on a terminal, and for the journal with the priority that it sorts by.

use crate::terminal::{Codes, Guarded};
use anyhow::Result;
use std::io::{IsTerminal as _, Stderr, Write, stderr};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Logs from here on.
///
/// # Errors
/// If this process logs already.
pub fn begin() -> Result<()> {
    let log = tracing_subscriber::fmt().with_target(false).with_ansi(stderr().is_terminal());
    let begun = if std::env::var_os(JOURNAL).is_some() {
        // The journal has the time and the level itself.
        log.without_time().with_level(false).with_writer(Journal).try_init()
    } else {
        log.with_writer(|| Guarded::new(stderr(), Codes::Colours)).try_init()
    };
    begun.map_err(|error| anyhow::anyhow!("cannot log: {error}"))
}

/// systemd sets it where standard error goes to the journal.
const JOURNAL: &str = "JOURNAL_STREAM";

/// Writes a priority before each line, as sd-daemon(3) says.
struct Journal;

impl<'a> MakeWriter<'a> for Journal {
    type Writer = Prioritised;

    fn make_writer(&'a self) -> Prioritised {
        Prioritised { prefix: None, to: stderr() }
    }

    fn make_writer_for(&'a self, of: &Metadata<'_>) -> Prioritised {
        Prioritised { prefix: Some(priority(*of.level())), to: stderr() }
    }
}

fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        _ => "<7>",
    }
}

/// One event, which is written as a whole.
struct Prioritised {
    prefix: Option<&'static str>,
    to: Stderr,
}

impl Write for Prioritised {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Some(prefix) = self.prefix.take() {
            self.to.write_all(prefix.as_bytes())?;
        }
        self.to.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}
