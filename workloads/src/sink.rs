//! The sink of the tasks' lines: they go nowhere, at the price that printing has.

use std::fmt::Arguments;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

const NULL: &str = "/dev/null";

/// `/dev/null` behind a buffer of 8 KiB and a lock, as a program's redirected output is: a line costs its
/// formatting, and a system call only when the buffer is full.
#[derive(Debug)]
pub struct Sink(Mutex<BufWriter<File>>);

impl Sink {
    /// Opens `/dev/null` for writing.
    ///
    /// # Errors
    /// If it cannot be opened, as in a sandbox without devices.
    pub fn open() -> Result<Self> {
        let file = File::options().write(true).open(NULL);
        let file = file.with_context(|| format!("cannot open {NULL}, where the tasks print to"))?;
        Ok(Self(Mutex::new(BufWriter::new(file))))
    }

    /// Writes one line.
    ///
    /// # Errors
    /// If a full buffer cannot be written out.
    pub fn line(&self, line: Arguments<'_>) -> Result<()> {
        // A panic elsewhere cannot leave half a line that matters: nobody reads them.
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(out, "{line}").with_context(|| format!("cannot write to {NULL}"))
    }
}
