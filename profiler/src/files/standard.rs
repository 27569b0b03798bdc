//! Standard output and standard input of every command.

use crate::sys::startup;
use crate::terminal::{Codes, Guarded};
use anyhow::{Context as _, Result, bail};
use model::profile::{Profile, file};
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

/// The reader of standard output closed it, as `head` does: not a failure, and nothing to report.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads standard output any more")]
pub struct NotRead;

impl NotRead {
    /// True if an error was caused by this.
    #[must_use]
    pub fn caused(error: &anyhow::Error) -> bool {
        let inner = |cause: &(dyn std::error::Error + 'static)| {
            let inner = cause.downcast_ref::<io::Error>()?.get_ref()?;
            Some(inner.is::<Self>())
        };
        error.chain().any(|cause| inner(cause).unwrap_or(false))
    }
}

/// A standard stream that the caller closed: writes to it would be lost.
#[derive(Debug, thiserror::Error)]
#[error("standard {0} is closed")]
pub struct Closed(&'static str);

/// Unbuffered standard output, so that no write can fail unseen. Fails with [`NotRead`] if the reader is gone,
/// and with [`Closed`] if the caller closed it.
pub struct Output(Guarded<Unbuffered>);

/// Standard output for text, with ANSI colours.
#[must_use]
pub fn output() -> Output {
    guarded(Codes::Colours)
}

/// Standard output for data: control characters are replaced on a terminal, other outputs get the bytes as they
/// are.
#[must_use]
pub fn data() -> Output {
    guarded(Codes::None)
}

fn guarded(codes: Codes) -> Output {
    Output(Guarded::of(Unbuffered, io::stdout().is_terminal(), codes))
}

/// The bare file descriptor.
struct Unbuffered;

impl Write for Unbuffered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        check_output()?;
        nix::unistd::write(io::stdout(), bytes).map_err(|errno| named(errno.into()))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

const STDIN: i32 = 0;
const STDOUT: i32 = 1;
const STDERR: i32 = 2;

fn check_open(descriptor: i32) -> io::Result<()> {
    if startup::was_closed(descriptor) {
        let name = match descriptor {
            STDIN => "input",
            STDOUT => "output",
            _ => "error",
        };
        return Err(io::Error::other(Closed(name)));
    }
    Ok(())
}

/// Checks that the caller did not close standard output.
///
/// # Errors
/// If it is closed.
pub fn check_output() -> io::Result<()> {
    check_open(STDOUT)
}

/// Checks that the caller did not close standard error.
///
/// # Errors
/// If it is closed.
pub fn check_error() -> io::Result<()> {
    check_open(STDERR)
}

/// Closes a duplicate of standard output, to get errors that some file systems report only on close (close(2),
/// EIO).
///
/// # Errors
/// If written data was lost.
pub fn check_written() -> Result<()> {
    if startup::was_closed(STDOUT) {
        return Ok(());
    }
    let copy = io::stdout().as_fd().try_clone_to_owned().context("cannot check standard output")?;
    nix::unistd::close(copy).context("cannot write to standard output")
}

/// Converts EPIPE into [`NotRead`].
pub(crate) fn named(error: io::Error) -> io::Error {
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
    check_open(STDIN).context("cannot read a profile")?;
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
