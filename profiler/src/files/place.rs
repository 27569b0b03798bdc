//! The target of a path that is to be written to.

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

/// As many links as the kernel follows (include/linux/namei.h `MAXSYMLINKS`).
const MOST_LINKS: usize = 40;

/// The target of a path.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    /// Standard output.
    Stdout,
    /// A regular file, or none yet, at the end of all links.
    File {
        /// The path behind all links.
        path: PathBuf,
        /// True if it is there.
        exists: bool,
    },
    /// A file that can't be replaced: a terminal, a pipe, /dev/null, an open descriptor.
    Stream,
}

impl Place {
    /// Follows the path.
    ///
    /// # Errors
    /// If it leads to a folder or a disk, or the links can't be followed.
    pub fn of(path: &Path) -> Result<Self> {
        if STDOUT.iter().any(|name| path == Path::new(name)) {
            return Ok(Self::Stdout);
        }
        if STDERR.iter().any(|name| path == Path::new(name)) {
            standard::check_error()?;
        }
        // The kernel follows first: it refuses the links of others in a folder like /tmp.
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

/// The error that the folder of a path is not there; `None` if it is.
pub(crate) fn no_folder(place: &Path) -> Option<Error> {
    let folder = folder_of(place);
    (!folder.exists()).then(|| anyhow!("there is no folder {0}; mkdir -p {0} makes it", folder.display()))
}

/// The end of a chain of links; `None` if that is an open descriptor, whose file may have another name by now.
fn end_of_links(path: &Path) -> Result<Option<PathBuf>> {
    let mut place = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = fs::read_link(&place) else { return Ok(Some(place)) };
        let folder = folder_of(&place);
        if statfs(folder).is_ok_and(|system| system.filesystem_type() == PROC_SUPER_MAGIC) {
            return Ok(None);
        }
        place = folder.join(target);
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

    fn file(path: PathBuf, exists: bool) -> Place {
        Place::File { path, exists }
    }

    #[test]
    fn links_are_followed_to_their_end() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("b", at("a")).unwrap();
        symlink(at("c"), at("b")).unwrap();
        assert_eq!(Place::of(&at("a")).unwrap(), file(at("c"), false));
        fs::write(at("c"), "").unwrap();
        assert_eq!(Place::of(&at("a")).unwrap(), file(at("c"), true));
        assert_eq!(Place::of(&at("c")).unwrap(), file(at("c"), true));
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        symlink("a", folder.path().join("a")).unwrap();
        assert!(Place::of(&folder.path().join("a")).is_err());
    }

    #[test]
    fn what_is_no_file_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        assert_eq!(Place::of(&fifo).unwrap(), Place::Stream);
        assert_eq!(Place::of(Path::new("/dev/null")).unwrap(), Place::Stream);
        assert!(Place::of(folder.path()).unwrap_err().to_string().contains("is a folder"));
    }

    #[test]
    fn an_open_descriptor_is_written_to_whatever_its_file() {
        let open = tempfile::NamedTempFile::new().unwrap();
        let descriptor = open.as_file().as_raw_fd();
        for folder in ["/dev/fd", "/proc/self/fd"] {
            let path = PathBuf::from(format!("{folder}/{descriptor}"));
            assert_eq!(Place::of(&path).unwrap(), Place::Stream, "{}", path.display());
        }
    }

    #[test]
    fn standard_output_has_several_names() {
        for name in STDOUT {
            assert_eq!(Place::of(Path::new(name)).unwrap(), Place::Stdout);
        }
    }
}
