//! The first step: each interval in a file of its own.

use super::names::{Folders, Name};
use super::waiting::{Interval, ROOM};
use super::{Disk, Store};
use anyhow::{Context as _, Error, Result};
use bytesize::ByteSize;
use model::profile::units::{Bytes, Nanos};
use parquet::file::reader::Length as _;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

/// An interval in a file of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) name: Name,
    pub(super) bytes: Bytes,
    /// The length of the interval; not known of one that an earlier daemon left.
    pub(super) length: Option<Nanos>,
    /// True if it has the columns that this version writes.
    pub(super) is_current: bool,
}

impl<D: Disk> Store<D> {
    /// Makes parts of all intervals that wait.
    pub(super) fn write_parts(&mut self) -> Result<()> {
        while let Some(interval) = self.waiting.first() {
            let written = write_part(&self.disk, &self.folders, interval);
            let bytes = written.map_err(|error| self.not_taken(error))?;
            let Some(Interval { name, length, .. }) = self.waiting.take_first() else { break };
            self.last = Some(name.ended);
            self.parts.insert(name.first, Part { name, bytes, length: Some(length), is_current: true });
        }
        Ok(())
    }

    fn not_taken(&self, error: Error) -> Error {
        let (waiting, bytes, room) = (self.waiting.len(), ByteSize(self.waiting.bytes().0), ByteSize(ROOM.0));
        let told = format!(
            "the store takes no intervals; {waiting} wait in memory ({bytes}; beyond {room} the oldest are dropped) \
             and are written as soon as it does"
        );
        with_remedy(error, told)
    }
}

/// It may have been written before, if only its folder could not be brought to the disk.
fn write_part<D: Disk>(disk: &D, folders: &Folders, interval: &Interval) -> Result<Bytes> {
    make_folders(disk, folders.root(), &folders.open())?;
    let bytes = place(disk, &folders.temporary(), &folders.part(interval.name), |mut file| {
        file.write_all(&interval.content)?;
        Ok(file)
    })?;
    sync_folder(disk, &folders.open())?;
    Ok(bytes)
}

/// Writes a file that is in its place whole, or not at all. Returns its size. Its folder is still to be brought to the disk.
pub(super) fn place<D: Disk>(
    disk: &D,
    temporary: &Path,
    place: &Path,
    write: impl FnOnce(D::Writer) -> Result<D::Writer>,
) -> Result<Bytes> {
    let put = || {
        let written = write(disk.create(temporary)?)?;
        disk.sync(written)?;
        let bytes = Bytes(disk.open(temporary)?.len());
        disk.rename(temporary, place)?;
        Ok(bytes)
    };
    put().map_err(|error: Error| {
        // It takes room, and the next one has the same name. Should it not go, the next start removes it.
        let _ = disk.remove(temporary);
        error.context(format!("cannot write {}", place.display()))
    })
}

/// Makes the folders from the store's own down to this one, as far as they are missing.
pub(super) fn make_folders<D: Disk>(disk: &D, root: &Path, folder: &Path) -> Result<()> {
    let mut folders: Vec<&Path> =
        folder.ancestors().take_while(|ancestor| ancestor.starts_with(root)).collect();
    folders.reverse();
    for folder in folders {
        disk.make_folder(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        // Also of one that is there: an earlier attempt may have failed, or been interrupted, before this.
        sync_folder(disk, crate::files::atomic_file::folder_of(folder))?;
    }
    Ok(())
}

pub(super) fn sync_folder<D: Disk>(disk: &D, folder: &Path) -> Result<()> {
    disk.sync_folder(folder)
        .with_context(|| format!("cannot bring the folder {} to the disk", folder.display()))
}

/// Adds what was tried, and what the user can do about an error of the file system.
pub(super) fn with_remedy(error: Error, told: String) -> Error {
    let kind = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    let remedy = match kind {
        Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            "free some room, or lower keep or max_size in [store]"
        }
        Some(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
            "make the folder writable for the daemon, or name another path in [store]"
        }
        Some(ErrorKind::NotFound) => "make the folder that the path in [store] is in, or name another one",
        Some(_) => "see whether the disk is well, or name another path in [store]",
        // An error about a file's content names its remedy itself.
        None => return error.context(told),
    };
    error.context(format!("{told}; {remedy}"))
}
