//! The file size limit of this process (RLIMIT_FSIZE, `ulimit -f`), if it could not be lifted.

use super::messages;
use anyhow::Error;
use model::profile::file;
use nix::sys::resource::{Resource, getrlimit};
use std::io::{self, ErrorKind};

/// The limit in bytes, if there is one.
pub(crate) fn bytes() -> Option<u64> {
    let (soft, _) = getrlimit(Resource::RLIMIT_FSIZE).ok()?;
    (soft != nix::libc::RLIM_INFINITY).then_some(soft)
}

fn described(bytes: u64) -> String {
    format!("no file may grow beyond {} here (`ulimit -f`)", bytesize::ByteSize(bytes))
}

/// Warns before the run that a large profile will be written in pieces.
pub(crate) fn warn() {
    if let Some(bytes) = bytes().filter(|bytes| *bytes < file::MOST_BYTES) {
        let then =
            if bytes == 0 { "no profile can be kept" } else { "a larger profile will be kept in pieces" };
        messages::tell(&format!("{}: {then}; --output - writes it to a pipe", described(bytes)));
    }
}

/// Adds the limit to an error that it caused (EFBIG).
pub(crate) fn explain(error: Error) -> Error {
    match bytes().filter(|_| is_caused_by_size(&error)) {
        Some(bytes) => error.context(described(bytes)),
        None => error,
    }
}

fn is_caused_by_size(error: &Error) -> bool {
    error.chain().any(|cause| {
        let read = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let written = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        read.or(written) == Some(ErrorKind::FileTooLarge)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_too_large_is_told_of_the_limit() {
        let of = |kind: ErrorKind| Error::from(io::Error::from(kind)).context("cannot write the profile");
        assert!(is_caused_by_size(&of(ErrorKind::FileTooLarge)));
        assert!(!is_caused_by_size(&of(ErrorKind::StorageFull)));
        let text: serde_json::Error = serde_json::from_str::<u8>("x").unwrap_err();
        assert!(!is_caused_by_size(&text.into()));
    }
}
