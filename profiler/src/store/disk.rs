//! The store's calls of the file system, behind a trait, so that tests can stop it after every step.

use parquet::file::reader::ChunkReader;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// A file system.
pub trait Disk {
    /// An open file.
    type Reader: ChunkReader + 'static;
    /// A file that is being written.
    type Writer: Write + Send;

    /// The entries of a folder; none if there is no such folder.
    ///
    /// # Errors
    /// If it can't be read.
    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>>;

    /// Makes a folder unless it is there; the one that it is in must be.
    ///
    /// # Errors
    /// If it can't be made.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;

    /// Returns when the names in a folder are on the disk.
    ///
    /// # Errors
    /// If they may not be.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Opens a file to be read.
    ///
    /// # Errors
    /// If it can't be opened.
    fn open(&self, file: &Path) -> io::Result<Self::Reader>;

    /// Begins a file, in place of one that is there.
    ///
    /// # Errors
    /// If it can't be made.
    fn create(&self, file: &Path) -> io::Result<Self::Writer>;

    /// Ends a file. Returns when its content is on the disk.
    ///
    /// # Errors
    /// If it may not be.
    fn sync(&self, written: Self::Writer) -> io::Result<()>;

    /// Gives a file another name, in place of a file that has it.
    ///
    /// # Errors
    /// If it can't be done; all is as it was then.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file; it may be gone already.
    ///
    /// # Errors
    /// If it can't be removed.
    fn remove(&self, file: &Path) -> io::Result<()>;

    /// Removes a folder if nothing is in it.
    ///
    /// # Errors
    /// If something is, or it can't be removed.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name. What is not UTF-8 is none of the store's.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The file system of this machine.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Disk for System {
    type Reader = File;
    type Writer = BufWriter<File>;

    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            all.push(Entry { name, bytes: entry.metadata()?.len() });
        }
        Ok(all)
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        match fs::create_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn open(&self, file: &Path) -> io::Result<File> {
        File::open(file)
    }

    fn create(&self, file: &Path) -> io::Result<BufWriter<File>> {
        File::create(file).map(BufWriter::new)
    }

    fn sync(&self, written: BufWriter<File>) -> io::Result<()> {
        written.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        match fs::remove_file(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir(folder)
    }
}
