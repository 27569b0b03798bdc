//! A profile split into pieces that each fit the file size limit, for a profile that does not.

use super::atomic_file::FILE_MODE;
use crate::target::user::Invoker;
use anyhow::{Context as _, Result, ensure};
use model::profile::{Profile, file};
use std::fs::{File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tempfile::Builder;

/// The most pieces that `cat *` still takes: names of 60 bytes in the 2 MiB that arguments may have.
const MOST: usize = 30_000;

/// Mode of the folder, before the umask.
const FOLDER_MODE: u32 = 0o777;

/// Writes the pieces into a new folder in `folder`, named from `stem`. Their names sort in the order of the
/// pieces.
///
/// # Errors
/// If a piece can't be written, or there would be too many.
pub(crate) fn keep_in(
    folder: &Path,
    stem: &str,
    profile: &Profile,
    owner: Option<&Invoker>,
    most_bytes: u64,
) -> Result<PathBuf> {
    let mut text = Vec::new();
    file::write(profile, &mut text)?;
    let size = usize::try_from(most_bytes).unwrap_or(usize::MAX);
    ensure!(size > 0 && text.len().div_ceil(size) <= MOST, "the profile would be in too many pieces");
    let mut new = Builder::new();
    let prefix = format!("{stem}-");
    new.prefix(&prefix).permissions(Permissions::from_mode(FOLDER_MODE));
    let pieces = new.tempdir_in(folder)?;
    for (number, piece) in text.chunks(size).enumerate() {
        let path = pieces.path().join(format!("{number:05}"));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
        file.write_all(piece).and_then(|()| file.sync_all()).context("cannot write a piece")?;
        owner.map_or(Ok(()), |owner| owner.own(&file))?;
    }
    owner.map_or(Ok(()), |owner| owner.own(&File::open(pieces.path())?))?;
    Ok(pieces.keep())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::fixture;
    use std::fs;

    #[test]
    fn the_pieces_together_are_the_profile() {
        let folder = tempfile::tempdir().unwrap();
        let profile = fixture::tokio();
        let mut whole = Vec::new();
        file::write(&profile, &mut whole).unwrap();
        let pieces = keep_in(folder.path(), "ls", &profile, None, 100).unwrap();
        assert!(pieces.file_name().unwrap().to_str().unwrap().starts_with("ls-"));
        let mut names: Vec<PathBuf> =
            fs::read_dir(&pieces).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        assert_eq!(names.len(), whole.len().div_ceil(100));
        let read: Vec<Vec<u8>> = names.iter().map(|name| fs::read(name).unwrap()).collect();
        assert!(read.iter().all(|piece| piece.len() <= 100));
        assert_eq!(read.concat(), whole);
    }

    #[test]
    fn too_many_pieces_leave_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(keep_in(folder.path(), "ls", &fixture::tokio(), None, 0).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
