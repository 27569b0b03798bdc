//! A file that takes its place only when it is complete. Until then it has no name, so that nothing is left of it
//! should this process be killed; only file systems that can't have such a file hold one with a temporary name.

use super::place::no_folder;
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

/// The bits of a file's mode that the file keeps which replaces it: nothing that a program could be run with.
const PERMISSIONS: u32 = 0o777;

/// A file beside its place.
pub struct AtomicFile {
    place: PathBuf,
    file: Hidden,
}

enum Hidden {
    Nameless(File),
    Named(NamedTempFile),
}

impl AtomicFile {
    /// Opens a file in the folder of its place, which is no link. It gets the permissions of the one that is there.
    ///
    /// # Errors
    /// If the folder is not writable, or not there.
    pub fn open(place: &Path, owner: Option<&Invoker>) -> Result<Self> {
        let folder = folder_of(place);
        let file = Hidden::nameless(folder)
            .or_else(|_cannot_be| Hidden::named(folder))
            .map_err(|error| no_folder(place).unwrap_or_else(|| error.into()))?;
        Self { place: place.to_owned(), file }.prepared(owner)
    }

    fn prepared(self, owner: Option<&Invoker>) -> Result<Self> {
        if let Ok(there) = fs::metadata(&self.place) {
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

    /// The file, to be written.
    #[must_use]
    pub fn file(&self) -> &File {
        match &self.file {
            Hidden::Nameless(file) => file,
            Hidden::Named(file) => file.as_file(),
        }
    }

    /// Puts the file in its place, over what is there.
    ///
    /// # Errors
    /// If the place does not take it; what is there is as it was then.
    pub fn persist(self) -> io::Result<()> {
        match self.file {
            // A link can't replace what is there, a renaming can.
            Hidden::Nameless(file) => {
                let named = temporary()
                    .make_in(folder_of(&self.place), |name| link(&file, name))
                    .map_err(without_name)?;
                named.persist(&self.place).map(drop).map_err(|error| error.error)
            }
            Hidden::Named(file) => file.persist(&self.place).map(drop).map_err(|error| error.error),
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

/// The kernel's answer alone: the temporary name, which `tempfile` adds, is of a file that nobody knows of.
fn without_name(error: io::Error) -> io::Error {
    if error.raw_os_error().is_some() { error } else { error.kind().into() }
}

/// Gives an open file a name. By way of /proc: by its descriptor alone a file that belongs to somebody else could only
/// be named with CAP_DAC_READ_SEARCH (open(2), `O_TMPFILE`).
fn link(file: &File, name: &Path) -> io::Result<()> {
    let open = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    Ok(linkat(AT_FDCWD, &open, AT_FDCWD, name, AtFlags::AT_SYMLINK_FOLLOW)?)
}

/// The folder that a path's last name is in.
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

    /// Writes into the place beside which a hidden file is made.
    fn written(place: &Path, hide: fn(&Path) -> io::Result<Hidden>) {
        let file = hide(folder_of(place)).unwrap();
        let beside = AtomicFile { place: place.to_owned(), file }.prepared(None).unwrap();
        beside.file().write_all(b"new").unwrap();
        beside.persist().unwrap();
    }

    #[test]
    fn nothing_is_to_be_seen_of_a_file_before_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let beside = AtomicFile::open(&folder.path().join("file"), None).unwrap();
        beside.file().write_all(b"half").unwrap();
        assert!(matches!(beside.file, Hidden::Nameless(_)), "the file system has files without a name");
        assert_eq!(names_in(folder.path()), [""; 0]);
        beside.persist().unwrap();
        assert_eq!(names_in(folder.path()), ["file"]);
    }

    #[test]
    fn a_file_is_replaced_and_its_permissions_are_kept() {
        for hide in [Hidden::nameless, Hidden::named] {
            let folder = tempfile::tempdir().unwrap();
            let place = folder.path().join("file");
            fs::write(&place, "old and longer").unwrap();
            fs::set_permissions(&place, Permissions::from_mode(0o4640)).unwrap();
            written(&place, hide);
            assert_eq!(fs::read_to_string(&place).unwrap(), "new");
            assert_eq!(mode(&place), 0o640);
            assert_eq!(names_in(folder.path()), ["file"]);
        }
    }

    #[test]
    fn a_new_file_has_the_permissions_that_files_have() {
        let folder = tempfile::tempdir().unwrap();
        let usual = folder.path().join("usual");
        fs::write(&usual, "").unwrap();
        for hide in [Hidden::nameless, Hidden::named] {
            let place = folder.path().join("file");
            written(&place, hide);
            assert_eq!(mode(&place), mode(&usual));
            fs::remove_file(place).unwrap();
        }
    }

    #[test]
    fn a_place_that_takes_no_file_leaves_nothing() {
        for hide in [Hidden::nameless, Hidden::named] {
            let folder = tempfile::tempdir().unwrap();
            let place = folder.path().join("folder");
            fs::create_dir(&place).unwrap();
            let beside = AtomicFile { place, file: hide(folder.path()).unwrap() };
            assert!(beside.persist().is_err());
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
