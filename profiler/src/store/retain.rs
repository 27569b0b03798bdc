//! What is removed: whole files that no longer grow, and only those that have a name of the store's.

use super::names::Name;
use super::publish::Published;
use super::{Disk, Store};
use crate::profile::units::Bytes;
use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::Serialize;

/// What was removed.
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
