//! Resolves an output path to its target: standard output, a regular file behind all symbolic links, or a
//! stream.

use super::atomic_file::folder_of;
use super::standard;
use anyhow::{Context, Error, Result, anyhow, bail};
use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// Names of this process's standard output.
const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Names of this process's standard error. The path leads to /dev/null where the caller closed it.
const STDERR: [&str; 3] = ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"];

/// Symbolic links that the kernel follows (include/linux/namei.h `MAXSYMLINKS`).
const MOST_LINKS: usize = 40;

/// The target of an output path.
#[derive(Debug, PartialEq, Eq)]
pub enum OutputTarget {
    /// Standard output.
    Stdout,
    /// A regular file, which need not exist yet.
    File {
        /// The path with all symbolic links resolved.
        path: PathBuf,
        /// True if the file exists.
        exists: bool,
    },
    /// A terminal, a pipe, a device, an open descriptor: written in place, never replaced.
    Stream,
}

impl OutputTarget {
    /// Resolves a path.
    ///
    /// # Errors
    /// If the target is a folder or a disk, or the links can't be followed.
    pub fn of(path: &Path) -> Result<Self> {
        if STDOUT.iter().any(|name| path == Path::new(name)) {
            return Ok(Self::Stdout);
        }
        if STDERR.iter().any(|name| path == Path::new(name)) {
            standard::check_error()?;
        }
        // The kernel follows the links first: it refuses other users' links in a folder like /tmp.
        let kind = match fs::metadata(path) {
            Ok(metadata) => Some(metadata.file_type()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).context("cannot look at it"),
        };
        let exists = kind.is_some();
        match kind {
            Some(kind) if kind.is_dir() => bail!("it is a folder"),
            Some(kind) if kind.is_block_device() => bail!("it is a disk"),
            Some(kind) if !kind.is_file() => Ok(Self::Stream),
            _ => Ok(end_of_links(path)?.map_or(Self::Stream, |path| Self::File { path, exists })),
        }
    }
}

/// An error that names the missing folder of a path; `None` if the folder exists.
pub(crate) fn no_folder(path: &Path) -> Option<Error> {
    let folder = folder_of(path);
    (!folder.exists()).then(|| anyhow!("there is no folder {0}; mkdir -p {0} makes it", folder.display()))
}

/// Follows a chain of symbolic links. `None` if it ends in an open descriptor, whose file may have been
/// renamed.
fn end_of_links(path: &Path) -> Result<Option<PathBuf>> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = fs::read_link(&path) else { return Ok(Some(path)) };
        let folder = folder_of(&path);
        if statfs(folder).is_ok_and(|system| system.filesystem_type() == PROC_SUPER_MAGIC) {
            return Ok(None);
        }
        path = folder.join(target);
    }
    bail!("it leads through too many links")
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::symlink;

    fn file(path: PathBuf, exists: bool) -> OutputTarget {
        OutputTarget::File { path, exists }
    }

    #[test]
    fn links_are_followed_to_their_end() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("b", at("a")).unwrap();
        symlink(at("c"), at("b")).unwrap();
        assert_eq!(OutputTarget::of(&at("a")).unwrap(), file(at("c"), false));
        fs::write(at("c"), "").unwrap();
        assert_eq!(OutputTarget::of(&at("a")).unwrap(), file(at("c"), true));
        assert_eq!(OutputTarget::of(&at("c")).unwrap(), file(at("c"), true));
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        symlink("a", folder.path().join("a")).unwrap();
        assert!(OutputTarget::of(&folder.path().join("a")).is_err());
    }

    #[test]
    fn what_is_no_file_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        assert_eq!(OutputTarget::of(&fifo).unwrap(), OutputTarget::Stream);
        assert_eq!(OutputTarget::of(Path::new("/dev/null")).unwrap(), OutputTarget::Stream);
        assert!(OutputTarget::of(folder.path()).unwrap_err().to_string().contains("is a folder"));
    }

    #[test]
    fn an_open_descriptor_is_written_to_whatever_its_file() {
        let open = tempfile::NamedTempFile::new().unwrap();
        let descriptor = open.as_file().as_raw_fd();
        for folder in ["/dev/fd", "/proc/self/fd"] {
            let path = PathBuf::from(format!("{folder}/{descriptor}"));
            assert_eq!(OutputTarget::of(&path).unwrap(), OutputTarget::Stream, "{}", path.display());
        }
    }

    #[test]
    fn standard_output_has_several_names() {
        for name in STDOUT {
            assert_eq!(OutputTarget::of(Path::new(name)).unwrap(), OutputTarget::Stdout);
        }
    }
}
