//! Removal by age and size: whole files that no longer grow, and only those that have a name of the store's.

use super::names::Name;
use super::publish::Published;
use super::{Disk, Store};
use anyhow::{Context as _, Result};
use jiff::Timestamp;
use model::profile::units::Bytes;
use serde::Serialize;

/// The removed files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Files.
    pub files: u64,
    /// Their size.
    pub bytes: Bytes,
}

impl<D: Disk> Store<D> {
    /// Removes files that are too old, and the oldest while all together are too large. The newest file stays.
    ///
    /// # Errors
    /// If a file can't be removed; what is still to be removed will be next time.
    pub fn retain(&mut self, now: Timestamp) -> Result<Removed> {
        let mut removed = Removed::default();
        while let Some(file) = self.superfluous(now) {
            self.remove(file.name)?;
            removed.files += 1;
            removed.bytes.0 += file.bytes.0;
        }
        Ok(removed)
    }

    fn superfluous(&self, now: Timestamp) -> Option<Published> {
        let newest = self.newest.as_ref()?.name;
        let is_too_large = self.config.max_size.is_some_and(|most| self.bytes() > most);
        let mut closed = self.published.values().filter(|file| file.name != newest);
        // By number and not by time: the clock may have been set.
        closed.find(|file| is_too_large || self.is_too_old(file.name, now)).copied()
    }

    fn is_too_old(&self, name: Name, now: Timestamp) -> bool {
        let age = now.as_second().saturating_sub(name.over());
        self.config.keep.is_some_and(|keep| u64::try_from(age).is_ok_and(|age| age > keep.as_secs()))
    }

    fn remove(&mut self, name: Name) -> Result<()> {
        let path = self.folders.published(name);
        self.disk.remove(&path).with_context(|| format!("cannot remove {}, which is due", path.display()))?;
        self.published.remove(&name.first);
        // As far as nothing else is in them.
        for folder in path.ancestors().skip(1).take(2) {
            if self.disk.remove_folder(folder).is_err() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::System;
    use crate::store::fixture::{HOST, batch, config, found, noon};
    use jiff::SignedDuration;
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    const DAY: i64 = 24 * 3600;

    fn at(seconds: i64) -> Timestamp {
        noon() + SignedDuration::from_secs(seconds)
    }

    /// A store with a file for each of these moments.
    fn store(root: &Path, moments: &[i64]) -> Store {
        let mut store = Store::open(&config(root), HOST).unwrap();
        for (id, &moment) in (0..).zip(moments) {
            store.append(&batch(id, at(moment))).unwrap();
            store.flush().unwrap();
        }
        store
    }

    fn left(root: &Path) -> Vec<u32> {
        found(&System, root).into_keys().collect()
    }

    #[test]
    fn what_is_too_old_goes_but_not_the_newest_nor_what_is_not_the_stores() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let mut store = store(root, &[0, DAY, 2 * DAY]);
        let strange = root.join("date=2026-11-27/host=db1/notes.txt");
        fs::write(&strange, "").unwrap();
        store.config.keep = Some(Duration::from_secs(DAY as u64));
        // The hour of the first file is over at one o'clock.
        assert_eq!(store.retain(at(DAY + 3600)).unwrap(), Removed::default());
        assert_eq!(store.retain(at(DAY + 3601)).unwrap().files, 1);
        assert_eq!(left(root), [1, 2]);
        let removed = store.retain(at(100 * DAY)).unwrap();
        assert_eq!((removed.files, left(root)), (1, vec![2]));
        assert!(strange.exists());
        assert!(!root.join("date=2026-11-28").exists(), "nothing else was in it");
        assert_eq!(store.status().files, 1);
    }

    #[test]
    fn the_oldest_go_first_whatever_the_clock_said() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path(), &[5 * DAY, 0, DAY, 2 * DAY]);
        let all = store.bytes();
        store.config.max_size = Some(Bytes(all.0 / 4 * 3 + 1000));
        let removed = store.retain(at(0)).unwrap();
        assert_eq!((removed.files, left(folder.path())), (1, vec![1, 2, 3]));
        assert_eq!(store.bytes(), Bytes(all.0 - removed.bytes.0));
        store.config.max_size = Some(Bytes(1));
        store.retain(at(0)).unwrap();
        assert_eq!(left(folder.path()), [3], "the newest stays");
    }

    #[test]
    fn the_clock_set_far_back_removes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path(), &[0, DAY]);
        store.config.keep = Some(Duration::from_secs(1));
        assert_eq!(store.retain(Timestamp::UNIX_EPOCH).unwrap(), Removed::default());
    }
}
