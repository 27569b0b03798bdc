//! Intervals kept as Parquet files, in folders by date and host, for any SQL engine.
//!
//! A Parquet file can't be appended to, so an interval goes two steps:
//!
//! 1. It becomes a *part*, a file of its own where no reader looks. From here on no crash loses it.
//! 2. Every few minutes the parts are *published*: a file with what was published in this hour before and the parts takes the
//!    place of the one without them, in one rename. Only then the parts are removed. The file says up to which interval it
//!    goes, so parts that a crash left behind are known to be in it.
//!
//! So a reader finds every published interval once at any moment, a published file only ever grows, and there are 24 files a
//! day and host. Every file is written beside, on the disk, and renamed; then its folder is brought to the disk.
//!
//! [`names`] says what files are called, [`rows`] what is in them. [`Disk`] is the file system, so that the tests can stop
//! the store after each of its steps.

pub mod config;
mod content;
mod disk;
mod names;
mod open;
mod part;
mod publish;
mod retain;
mod rows;
mod waiting;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

pub use config::StoreConfig;
pub use disk::{Disk, Entry, System};
pub use retain::Removed;
pub use rows::documentation;
pub use waiting::Dropped;

use crate::watch::batch::Batch;
use anyhow::Result;
use content::Format;
use jiff::Timestamp;
use model::profile::units::Bytes;
use names::{Folders, Name};
use part::Part;
use publish::{Newest, Published};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use waiting::{Interval, Waiting};

/// The intervals of one host.
pub struct Store<D: Disk = System> {
    disk: D,
    folders: Folders,
    format: Format,
    config: StoreConfig,
    /// Intervals that are not on the disk.
    waiting: Waiting,
    /// Those that are, by number, and are not known to be both published and removed.
    parts: BTreeMap<u64, Part>,
    /// By the number of the first interval.
    published: BTreeMap<u64, Published>,
    /// The last of them.
    newest: Option<Newest>,
    /// The number of the next interval.
    next: u64,
    /// The end of the last interval that was written to the disk.
    last: Option<Timestamp>,
    dropped: Dropped,
    /// Held until the store is dropped.
    _lock: Option<File>,
}

/// The state of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Intervals in memory, because the disk did not take them.
    pub waiting: usize,
    /// Their size.
    pub waiting_bytes: Bytes,
    /// Intervals on the disk that readers do not see yet.
    pub unpublished: usize,
    /// Files that they see.
    pub files: usize,
    /// The size of all files.
    pub bytes: Bytes,
    /// The end of the last interval that was written to the disk since the store was opened, to the second.
    pub last: Option<Timestamp>,
    /// The losses since the store was opened.
    pub dropped: Dropped,
}

impl<D: Disk> Store<D> {
    /// Keeps an interval. When this returns, it is on the disk.
    ///
    /// # Errors
    /// If the disk does not take it; the interval then waits in memory for the next call of this or [`flush`](Self::flush),
    /// as long as there is room ([`Status::waiting`], [`Status::dropped`]). Also if it is on the disk and could not be
    /// published, which is then tried again likewise.
    pub fn append(&mut self, batch: &Batch) -> Result<()> {
        let number = self.next;
        self.next += 1;
        let content =
            self.format.encode(batch, number).inspect_err(|_| self.dropped.add(batch_samples(batch)))?;
        let (name, length) = (Name::new(batch.until, number), batch.length_ns);
        let interval = Interval { name, length, samples: batch_samples(batch), content };
        self.dropped += self.waiting.push(interval);
        self.write_parts()?;
        if self.is_due() { self.publish() } else { Ok(()) }
    }

    /// Brings all intervals to the disk and publishes them.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn flush(&mut self) -> Result<()> {
        self.write_parts()?;
        self.publish()
    }

    /// The state of the store.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            waiting: self.waiting.len(),
            waiting_bytes: self.waiting.bytes(),
            unpublished: self.parts.len(),
            files: self.published.len(),
            bytes: self.bytes(),
            last: self.last,
            dropped: self.dropped,
        }
    }

    /// The size of all files.
    fn bytes(&self) -> Bytes {
        let published = self.published.values().map(|file| file.bytes.0);
        Bytes(published.chain(self.parts.values().map(|part| part.bytes.0)).sum())
    }
}

fn batch_samples(batch: &Batch) -> u64 {
    batch.groups.iter().flat_map(|group| group.histograms.values()).map(|histogram| histogram.count).sum()
}
