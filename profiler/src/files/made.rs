//! Writes the files that a command makes from profiles: figures and exports.

use super::atomic_file::AtomicFile;
use super::output_target::OutputTarget;
use super::{size_limit, standard, stream};
use crate::target::user::Invoker;
use crate::terminal::{Codes, Guarded};
use anyhow::{Context as _, Result, bail};
use std::io::Write as _;
use std::path::Path;

/// Writes to standard output. Binary formats are refused if it is a terminal.
///
/// # Errors
/// If a binary format would go to a terminal, or the write fails.
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
    match OutputTarget::of(path).with_context(cannot)? {
        OutputTarget::Stdout => standard::data().write_all(bytes).with_context(cannot),
        OutputTarget::Stream => {
            let stream = stream::open(path, "it is written").with_context(cannot)?;
            Guarded::new(stream, Codes::None).write_all(bytes).with_context(cannot)
        }
        OutputTarget::File { path, .. } => {
            let target = AtomicFile::open(&path, Invoker::detect()?.as_ref()).with_context(cannot)?;
            let mut file = target.file();
            file.write_all(bytes).with_context(cannot).map_err(size_limit::explain)?;
            target.persist().with_context(cannot)
        }
    }
}
