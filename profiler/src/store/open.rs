//! Opening a store: nobody else may have it open, and what a crash left is put in order.

use super::content::Format;
use super::names::{Folders, Name, PART, PUBLISHED, TEMPORARY, is_date_folder};
use super::part::{Part, make_folders, with_remedy};
use super::publish::{Newest, Published};
use super::waiting::{Dropped, Waiting};
use super::{Disk, Store, StoreConfig, System};
use anyhow::{Context as _, Result, bail, ensure};
use model::profile::units::Bytes;
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::Path;

impl Store {
    /// Opens the store of this host, which may have any name but none at all.
    ///
    /// # Errors
    /// If the folder can't be made, written to or read, another daemon has it open, or its newest file is damaged.
    pub fn open(config: &StoreConfig, host: &str) -> Result<Self> {
        let folders = Folders::new(&config.path, host);
        let opened = || {
            make_folders(&System, folders.root(), &folders.open())?;
            let lock = lock(&folders.lock())?;
            Ok(Self { _lock: Some(lock), ..Self::recovered(System, config, host)? })
        };
        opened().map_err(|error: anyhow::Error| {
            with_remedy(error, format!("cannot open the store {}", config.path.display()))
        })
    }
}

/// Held until the file is closed, also by the end of the process.
fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "{} is locked: another daemon keeps the intervals of this host there. Stop it, or name another path in \
             [store]",
            path.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

impl<D: Disk> Store<D> {
    /// A store with what there is.
    pub(super) fn recovered(disk: D, config: &StoreConfig, host: &str) -> Result<Self> {
        ensure!(!host.is_empty(), "this host has no name");
        let folders = Folders::new(&config.path, host);
        let format = Format::new(host)?;
        let published = published(&disk, &folders)?;
        let newest = published.values().next_back().map(|file| newest(&disk, &folders, &format, file.name));
        let newest = newest.transpose()?;
        let parts = parts(&disk, &folders, &format)?;
        let known = parts.keys().next_back().copied().max(newest.as_ref().map(|newest| newest.last));
        let mut store = Self {
            disk,
            folders,
            format,
            config: config.clone(),
            waiting: Waiting::default(),
            parts,
            published,
            newest,
            next: known.map_or(0, |known| known + 1),
            last: None,
            dropped: Dropped::default(),
            _lock: None,
        };
        store.settle()?;
        Ok(store)
    }
}

/// All published files of the host.
fn published<D: Disk>(disk: &D, folders: &Folders) -> Result<BTreeMap<u64, Published>> {
    let list = |folder: &Path| {
        disk.list(folder).with_context(|| format!("cannot list the folder {}", folder.display()))
    };
    let mut published = BTreeMap::new();
    for date in list(folders.root())?.into_iter().filter(|entry| is_date_folder(&entry.name)) {
        for file in list(&folders.host_in(&date.name))? {
            let name = Name::read(&file.name, PUBLISHED);
            if let Some(name) = name.filter(|name| name.date_folder() == date.name) {
                published.insert(name.first, Published { name, bytes: Bytes(file.bytes) });
            }
        }
    }
    Ok(published)
}

/// True if it is on the disk is not known: the daemon may have been killed before it was.
fn newest<D: Disk>(disk: &D, folders: &Folders, format: &Format, name: Name) -> Result<Newest> {
    let path = folders.published(name);
    let what =
        || format!("cannot read {}, the newest file (move it elsewhere to go on without it)", path.display());
    let about =
        disk.open(&path).map_err(Into::into).and_then(|file| format.about(&file)).with_context(what)?;
    Ok(Newest { name, last: about.last, is_current: about.is_current, is_settled: false })
}

/// Reads what parts there are, and removes what was never finished.
fn parts<D: Disk>(disk: &D, folders: &Folders, format: &Format) -> Result<BTreeMap<u64, Part>> {
    let mut parts = BTreeMap::new();
    for entry in disk.list(&folders.open()).context("cannot list the parts")? {
        let path = folders.open().join(&entry.name);
        if path.extension().is_some_and(|extension| extension == TEMPORARY) {
            disk.remove(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        let Some(name) = Name::read(&entry.name, PART) else { continue };
        let about = disk.open(&path).map_err(Into::into).and_then(|file| format.about(&file));
        let about = about
            .with_context(|| format!("cannot read {} (remove it to go on without it)", path.display()))?;
        let bytes = Bytes(entry.bytes);
        parts.insert(name.first, Part { name, bytes, length: None, is_current: about.is_current });
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{HOST, batch, config, found, noon};
    use crate::store::names::Name;
    use std::fs;

    fn ids(root: &Path) -> Vec<u32> {
        found(&System, root).into_keys().collect()
    }

    /// The only file of the host on the day of [`noon`].
    fn only_file(root: &Path) -> std::path::PathBuf {
        let mut files = fs::read_dir(root.join("date=2026-11-27/host=db1")).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none());
        file
    }

    #[test]
    fn a_second_daemon_is_refused_until_the_first_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let first = Store::open(&config, HOST).unwrap();
        let refused = format!("{:#}", Store::open(&config, HOST).err().unwrap());
        assert!(refused.contains("another daemon") && refused.contains("name another path"), "{refused}");
        Store::open(&config, "db2").unwrap();
        drop(first);
        Store::open(&config, HOST).unwrap();
    }

    #[test]
    fn what_an_earlier_daemon_left_is_published_and_its_file_grows() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let mut store = Store::open(&config(root), HOST).unwrap();
        store.append(&batch(1, noon())).unwrap();
        store.flush().unwrap();
        store.append(&batch(2, noon())).unwrap();
        drop(store);
        let file = only_file(root);
        let unfinished = root.join("_open/host=db1/next.tmp");
        fs::write(&unfinished, "half").unwrap();
        let mut store = Store::open(&config(root), HOST).unwrap();
        assert!(!unfinished.exists());
        assert_eq!((ids(root), store.status().unpublished), (vec![1], 1));
        store.append(&batch(3, noon())).unwrap();
        assert_eq!(ids(root), [1, 2, 3], "what was left is not kept from readers any longer");
        assert_eq!(only_file(root), file);
    }

    #[test]
    fn damaged_files_are_named_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let mut store = Store::open(&config(root), HOST).unwrap();
        store.append(&batch(1, noon())).unwrap();
        store.flush().unwrap();
        drop(store);
        let file = only_file(root);
        fs::write(&file, "damaged").unwrap();
        let error = format!("{:#}", Store::open(&config(root), HOST).err().unwrap());
        assert!(error.contains(file.to_str().unwrap()) && error.contains("move it elsewhere"), "{error}");
        fs::remove_file(file).unwrap();
        let part = root.join("_open/host=db1").join(Name::new(noon(), 7).file(PART));
        fs::write(&part, "damaged").unwrap();
        let error = format!("{:#}", Store::open(&config(root), HOST).err().unwrap());
        assert!(error.contains(part.to_str().unwrap()) && error.contains("remove it"), "{error}");
    }

    #[test]
    fn a_host_without_a_name_and_a_folder_in_no_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = format!("{:#}", Store::open(&config(folder.path()), "").err().unwrap());
        assert!(error.contains("no name"), "{error}");
        let error = format!("{:#}", Store::open(&config(&folder.path().join("a/b")), HOST).err().unwrap());
        assert!(error.contains("No such file") && error.contains("make the folder"), "{error}");
    }
}
