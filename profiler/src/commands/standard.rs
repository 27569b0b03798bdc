//! Standard output and standard input, as every command uses them.

use crate::profile::{Profile, file};
use anyhow::{Context as _, Result, bail};
use std::io::{self, ErrorKind, StdoutLock, Write};
use std::path::{Path, PathBuf};

/// Whoever read standard output wants no more of it, as `head` does: no failure, and nothing to be told.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads standard output any more")]
pub struct NotRead;

impl NotRead {
    /// Whether this is why something failed.
    #[must_use]
    pub fn caused(error: &anyhow::Error) -> bool {
        let inner = |cause: &(dyn std::error::Error + 'static)| {
            let inner = cause.downcast_ref::<io::Error>()?.get_ref()?;
            Some(inner.is::<Self>())
        };
        error.chain().any(|cause| inner(cause).unwrap_or(false))
    }
}

/// Standard output. It fails with [`NotRead`] where nobody reads it any more.
pub struct Output(StdoutLock<'static>);

/// Standard output, for as long as the result lives.
#[must_use]
pub fn output() -> Output {
    Output(io::stdout().lock())
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(named)
    }
}

fn named(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::BrokenPipe => io::Error::new(ErrorKind::BrokenPipe, NotRead),
        _ => error,
    }
}

/// Reads profiles; `-` is standard input.
///
/// # Errors
/// As [`file::read`], or if standard input is named twice.
pub fn read(files: &[PathBuf]) -> Result<Vec<Profile>> {
    let is_input = |path: &&PathBuf| path.as_path() == Path::new("-");
    if files.iter().filter(is_input).count() > 1 {
        bail!("- is standard input, which holds one profile; name it once");
    }
    files.iter().map(|path| if is_input(&path) { read_input() } else { file::read(path) }).collect()
}

fn read_input() -> Result<Profile> {
    file::read_from(io::stdin().lock()).context("cannot use the profile on standard input")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_standard_output_is_passed_over_in_silence() {
        let broken = || io::Error::from(ErrorKind::BrokenPipe);
        let ours: Result<()> = Err(named(broken())).context("cannot write the report");
        assert!(NotRead::caused(&ours.unwrap_err()));
        let other: Result<()> = Err(broken()).context("cannot write x.csv");
        assert!(!NotRead::caused(&other.unwrap_err()));
        assert!(!NotRead::caused(&named(ErrorKind::StorageFull.into()).into()));
    }
}
