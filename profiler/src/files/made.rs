//! Files that a command makes of profiles, and the paths that they are written to.

use super::atomic_file::AtomicFile;
use super::place::Place;
use super::{size_limit, standard, stream};
use crate::target::user::Invoker;
use crate::terminal::{Codes, Guarded};
use anyhow::{Context as _, Result, bail};
use std::io::Write as _;
use std::path::Path;

/// Writes it to standard output, but nothing to a terminal that only programs read.
///
/// # Errors
/// If that is what it would do, or it can't be written.
pub(crate) fn print(bytes: &[u8], is_binary: bool) -> Result<()> {
    if is_binary && std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        bail!("this format is not for a terminal; name a file with --output");
    }
    standard::data().write_all(bytes).context("cannot write to standard output")
}

/// Writes the whole file or nothing; under sudo it belongs to the caller.
///
/// # Errors
/// If it can't be written.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = || format!("cannot write {}; name another place with --output", path.display());
    match Place::of(path).with_context(cannot)? {
        Place::Stdout => standard::data().write_all(bytes).with_context(cannot),
        Place::Stream => {
            let stream = stream::open(path, "it is written").with_context(cannot)?;
            Guarded::new(stream, Codes::None).write_all(bytes).with_context(cannot)
        }
        Place::File { path: place, .. } => {
            let beside = AtomicFile::open(&place, Invoker::detect()?.as_ref()).with_context(cannot)?;
            let mut file = beside.file();
            file.write_all(bytes).with_context(cannot).map_err(size_limit::explain)?;
            beside.persist().with_context(cannot)
        }
    }
}
