//! A file that appears under its name only when it is complete. Until then it has no name (`O_TMPFILE`), so
//! that nothing is left behind if this process is killed. File systems without `O_TMPFILE` hold it under a
//! temporary name.

use super::output_target::no_folder;
use crate::target::user::Invoker;
use anyhow::{Context, Result};
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::unistd::linkat;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// Readable by everyone, less what the umask takes away.
pub const FILE_MODE: u32 = 0o666;

/// Permission bits copied from the file that is replaced. Set-user-ID, set-group-ID and sticky bits are
/// dropped.
const PERMISSIONS: u32 = 0o777;

/// A file under construction, in the folder of its final path.
pub struct AtomicFile {
    path: PathBuf,
    file: Hidden,
}

enum Hidden {
    Nameless(File),
    Named(NamedTempFile),
}

impl AtomicFile {
    /// Opens a new file in the folder of `path`, which is no symbolic link. It gets the permissions of the file
    /// that `path` names, if there is one.
    ///
    /// # Errors
    /// If the folder is not writable, or not there.
    pub fn open(path: &Path, owner: Option<&Invoker>) -> Result<Self> {
        let folder = folder_of(path);
        let file = Hidden::nameless(folder)
            .or_else(|_cannot_be| Hidden::named(folder))
            .map_err(|error| no_folder(path).unwrap_or_else(|| error.into()))?;
        Self { path: path.to_owned(), file }.prepared(owner)
    }

    fn prepared(self, owner: Option<&Invoker>) -> Result<Self> {
        if let Ok(there) = fs::metadata(&self.path) {
            let permissions = Permissions::from_mode(there.permissions().mode() & PERMISSIONS);
            self.file()
                .set_permissions(permissions)
                .context("cannot keep the permissions of the file there")?;
        }
        if let Some(owner) = owner {
            owner.own(self.file())?;
        }
        Ok(self)
    }

    /// The open file, for writing.
    #[must_use]
    pub fn file(&self) -> &File {
        match &self.file {
            Hidden::Nameless(file) => file,
            Hidden::Named(file) => file.as_file(),
        }
    }

    /// Gives the file its name, replacing any file of that name.
    ///
    /// # Errors
    /// If the file can't be linked or renamed; the existing file is then unchanged.
    pub fn persist(self) -> io::Result<()> {
        match self.file {
            // linkat(2) does not replace an existing file, rename(2) does.
            Hidden::Nameless(file) => {
                let named = temporary()
                    .make_in(folder_of(&self.path), |name| link(&file, name))
                    .map_err(without_name)?;
                named.persist(&self.path).map(drop).map_err(|error| error.error)
            }
            Hidden::Named(file) => file.persist(&self.path).map(drop).map_err(|error| error.error),
        }
    }
}

impl Hidden {
    fn nameless(folder: &Path) -> io::Result<Self> {
        let mut how = OpenOptions::new();
        how.write(true).mode(FILE_MODE).custom_flags(OFlag::O_TMPFILE.bits());
        how.open(folder).map(Self::Nameless)
    }

    fn named(folder: &Path) -> io::Result<Self> {
        let mut builder = temporary();
        let file = builder.permissions(Permissions::from_mode(FILE_MODE)).tempfile_in(folder);
        file.map(Self::Named).map_err(without_name)
    }
}

fn temporary() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".profile-").suffix(".tmp");
    builder
}

/// Strips the temporary name that `tempfile` adds: it means nothing to the user.
fn without_name(error: io::Error) -> io::Error {
    if error.raw_os_error().is_some() { error } else { error.kind().into() }
}

/// Gives an open file a name, through /proc/self/fd: linking by the descriptor itself (`AT_EMPTY_PATH`) would
/// need CAP_DAC_READ_SEARCH for another user's file (open(2), `O_TMPFILE`).
fn link(file: &File, name: &Path) -> io::Result<()> {
    let open = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    Ok(linkat(AT_FDCWD, &open, AT_FDCWD, name, AtFlags::AT_SYMLINK_FOLLOW)?)
}

/// The folder that holds a path's last component.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    /// Writes `path` through a file that `hide` creates.
    fn written(path: &Path, hide: fn(&Path) -> io::Result<Hidden>) {
        let file = hide(folder_of(path)).unwrap();
        let file = AtomicFile { path: path.to_owned(), file }.prepared(None).unwrap();
        file.file().write_all(b"new").unwrap();
        file.persist().unwrap();
    }

    #[test]
    fn nothing_is_to_be_seen_of_a_file_before_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let file = AtomicFile::open(&folder.path().join("file"), None).unwrap();
        file.file().write_all(b"half").unwrap();
        assert!(matches!(file.file, Hidden::Nameless(_)), "the file system has files without a name");
        assert_eq!(names_in(folder.path()), [""; 0]);
        file.persist().unwrap();
        assert_eq!(names_in(folder.path()), ["file"]);
    }

    #[test]
    fn a_file_is_replaced_and_its_permissions_are_kept() {
        for hide in [Hidden::nameless, Hidden::named] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            fs::write(&path, "old and longer").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o4640)).unwrap();
            written(&path, hide);
            assert_eq!(fs::read_to_string(&path).unwrap(), "new");
            assert_eq!(mode(&path), 0o640);
            assert_eq!(names_in(folder.path()), ["file"]);
        }
    }

    #[test]
    fn a_new_file_has_the_permissions_that_files_have() {
        let folder = tempfile::tempdir().unwrap();
        let usual = folder.path().join("usual");
        fs::write(&usual, "").unwrap();
        for hide in [Hidden::nameless, Hidden::named] {
            let path = folder.path().join("file");
            written(&path, hide);
            assert_eq!(mode(&path), mode(&usual));
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn a_place_that_takes_no_file_leaves_nothing() {
        for hide in [Hidden::nameless, Hidden::named] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("folder");
            fs::create_dir(&path).unwrap();
            let file = AtomicFile { path, file: hide(folder.path()).unwrap() };
            assert!(file.persist().is_err());
            assert_eq!(names_in(folder.path()), ["folder"]);
        }
    }

    #[test]
    fn a_message_does_not_name_the_temporary_file() {
        for hide in [Hidden::nameless, Hidden::named] {
            let error = hide(Path::new("/proc/self")).err().unwrap().to_string();
            assert!(!error.contains(".tmp"), "{error}");
        }
    }

    #[test]
    fn a_bare_name_is_in_the_current_folder() {
        assert_eq!(folder_of(Path::new("file")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/file")), Path::new("a"));
        assert_eq!(folder_of(Path::new("/file")), Path::new("/"));
    }
}
