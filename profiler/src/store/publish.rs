//! The second step: what readers see.

use super::content::{Format, copy, count};
use super::names::{Folders, Name};
use super::part::{Part, make_folders, place, sync_folder, with_remedy};
use super::{Disk, Store};
use crate::columns::parquet::ROW_GROUP;
use anyhow::{Context as _, Result};
use model::profile::units::{Bytes, Nanos};
use parquet::file::reader::SerializedFileReader;
use parquet::file::writer::SerializedFileWriter;
use std::io::{ErrorKind, Write};

/// A file that is this large does not grow further: it is copied each time.
const LARGE: Bytes = Bytes(64 << 20);

/// Parts that are open at once.
const OPEN: usize = 128;

/// A file that readers see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Published {
    pub(super) name: Name,
    pub(super) bytes: Bytes,
}

/// The last of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newest {
    pub(super) name: Name,
    /// The number of the last interval in it: parts up to there are in it, or in one before.
    pub(super) last: u64,
    /// True if it has the columns that this version writes.
    pub(super) is_current: bool,
    /// True if it is known to be on the disk, and the parts that are in it are gone.
    pub(super) is_settled: bool,
}

impl<D: Disk> Store<D> {
    /// True if the parts have waited long enough. By the lengths of the intervals: the wall clock may have been set.
    pub(super) fn is_due(&self) -> bool {
        let lengths: Option<Nanos> = self.parts.values().map(|part| part.length).sum();
        lengths.is_none_or(|length| u128::from(length.0) >= self.config.publish.as_nanos())
    }

    /// Publishes all parts.
    pub(super) fn publish(&mut self) -> Result<()> {
        self.publish_all().map_err(|error| {
            let parts = self.parts.len();
            let told = format!(
                "{parts} intervals are on the disk and can't be published, which will be tried again"
            );
            with_remedy(error, told)
        })
    }

    fn publish_all(&mut self) -> Result<()> {
        self.settle()?;
        self.forget_removed()?;
        while let Some((_, &first)) = self.parts.first_key_value() {
            if first.is_current {
                self.publish_hour(first.name)?
            } else {
                self.publish_as_it_is(first)?
            }
            self.settle()?;
        }
        Ok(())
    }

    /// Parts that go into the same file as the first of them.
    fn publish_hour(&mut self, first: Name) -> Result<()> {
        let fits = |part: &&Part| part.is_current && part.name.hour() == first.hour();
        let parts: Vec<Name> = self.parts.values().take_while(fits).map(|part| part.name).collect();
        let Some(last) = parts.last().map(|part| part.first) else { return Ok(()) };
        let (name, before) = match self.growing(first)? {
            Some((name, before)) => (name, Some(before)),
            None => (first, None),
        };
        self.make_folder_of(name)?;
        let (disk, folders, format) = (&self.disk, &self.folders, &self.format);
        let bytes = place(disk, &folders.temporary(), &folders.published(name), |file| {
            let mut writer = format.begin(file, last)?;
            if let Some(before) = before {
                copy(&mut writer, &before)?;
            }
            add(disk, folders, format, &mut writer, &parts)?;
            writer.into_inner().context("cannot end the Parquet file")
        })?;
        self.is_published(name, last, bytes, true);
        Ok(())
    }

    /// A part with the columns of another version becomes a file of its own.
    fn publish_as_it_is(&mut self, Part { name, bytes, .. }: Part) -> Result<()> {
        self.make_folder_of(name)?;
        let (part, place) = (self.folders.part(name), self.folders.published(name));
        self.disk
            .rename(&part, &place)
            .with_context(|| format!("cannot move {} to {}", part.display(), place.display()))?;
        self.is_published(name, name.first, bytes, false);
        Ok(())
    }

    fn make_folder_of(&self, name: Name) -> Result<()> {
        make_folders(&self.disk, self.folders.root(), &self.folders.host_in(&name.date_folder()))
    }

    /// The renaming is done: from here on the parts must not be published again.
    fn is_published(&mut self, name: Name, last: u64, bytes: Bytes, is_current: bool) {
        self.published.insert(name.first, Published { name, bytes });
        self.newest = Some(Newest { name, last, is_current, is_settled: false });
    }

    /// The file that such an interval is added to, if there is one that may grow.
    fn growing(&self, interval: Name) -> Result<Option<(Name, D::Reader)>> {
        let Some(Newest { name, is_current: true, .. }) = self.newest else { return Ok(None) };
        let is_small = self.published.get(&name.first).is_some_and(|file| file.bytes < LARGE);
        if !is_small || name.hour() != interval.hour() {
            return Ok(None);
        }
        let path = self.folders.published(name);
        match self.disk.open(&path) {
            Ok(file) => Ok(Some((name, file))),
            // Somebody removed it.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Brings what was renamed to the disk; after that the parts that are in it can go.
    pub(super) fn settle(&mut self) -> Result<()> {
        let Some(newest) = self.newest.as_mut().filter(|newest| !newest.is_settled) else { return Ok(()) };
        sync_folder(&self.disk, &self.folders.host_in(&newest.name.date_folder()))?;
        while let Some(part) = self.parts.first_entry().filter(|part| *part.key() <= newest.last) {
            let path = self.folders.part(part.get().name);
            self.disk.remove(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            part.remove();
        }
        newest.is_settled = true;
        Ok(())
    }

    /// Parts that somebody removed would be waited for forever.
    fn forget_removed(&mut self) -> Result<()> {
        let present = self.disk.list(&self.folders.open()).context("cannot list the parts")?;
        let before = self.parts.len();
        let names: Vec<Option<Name>> =
            present.iter().map(|entry| Name::read(&entry.name, super::names::PART)).collect();
        self.parts.retain(|_, part| names.contains(&Some(part.name)));
        for _ in self.parts.len()..before {
            self.dropped.add(0);
        }
        Ok(())
    }
}

/// Adds parts to a file, as few row groups.
fn add<D: Disk, W: Write + Send>(
    disk: &D,
    folders: &Folders,
    format: &Format,
    writer: &mut SerializedFileWriter<W>,
    parts: &[Name],
) -> Result<()> {
    let (mut together, mut rows) = (Vec::new(), 0);
    for &part in parts {
        let path = folders.part(part);
        let what = || format!("cannot read {} (remove it to go on without it)", path.display());
        let part = SerializedFileReader::new(disk.open(&path).with_context(what)?).with_context(what)?;
        let more = count(&part);
        if !together.is_empty() && (rows + more > ROW_GROUP || together.len() == OPEN) {
            format.merge(writer, &std::mem::take(&mut together))?;
            rows = 0;
        }
        rows += more;
        together.push(part);
    }
    if together.is_empty() { Ok(()) } else { format.merge(writer, &together) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::System;
    use crate::store::fixture::{HOST, batch, config, found, noon};
    use jiff::{SignedDuration, Timestamp};
    use parquet::file::reader::FileReader as _;
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    fn store(root: &Path) -> Store {
        let mut store = Store::open(&config(root), HOST).unwrap();
        store.config.publish = Duration::MAX;
        store
    }

    fn ids(root: &Path) -> Vec<u32> {
        found(&System, root).into_keys().collect()
    }

    #[test]
    fn intervals_are_published_when_they_have_waited_long_enough() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&config(folder.path()), HOST).unwrap();
        // The clock stands still: the lengths of the intervals count.
        for (id, published) in (0..).zip([0, 0, 3, 3, 3, 6]) {
            store.append(&batch(id, noon())).unwrap();
            assert_eq!(ids(folder.path()).len(), published);
        }
    }

    #[test]
    fn a_file_has_the_intervals_that_ended_in_an_hour_and_grows_no_further_once_it_is_large() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        let hour = SignedDuration::from_hours(1);
        let moments = [noon() - SignedDuration::from_nanos(1), noon(), noon(), noon() + hour, noon()];
        let mut files = Vec::new();
        for (id, moment) in (0..).zip(moments) {
            store.append(&batch(id, moment)).unwrap();
            store.flush().unwrap();
            files.push(store.status().files);
        }
        assert_eq!(files, [1, 2, 2, 3, 4]);
        for file in store.published.values_mut() {
            file.bytes = LARGE;
        }
        store.append(&batch(5, noon())).unwrap();
        store.flush().unwrap();
        assert_eq!((store.status().files, ids(folder.path()).len()), (5, 6));
    }

    #[test]
    fn parts_become_as_few_row_groups_as_can_be_read_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        let most = u32::try_from(OPEN).unwrap();
        for id in 0..=most {
            store.append(&batch(id, noon())).unwrap();
        }
        store.flush().unwrap();
        let file = fs::File::open(store.folders.published(store.newest.unwrap().name)).unwrap();
        assert_eq!(SerializedFileReader::new(file).unwrap().num_row_groups(), 2);
        assert_eq!(ids(folder.path()), (0..=most).collect::<Vec<_>>());
    }

    #[test]
    fn files_that_somebody_removed_are_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        store.append(&batch(0, noon())).unwrap();
        store.flush().unwrap();
        store.append(&batch(1, noon())).unwrap();
        fs::remove_dir_all(folder.path().join("date=2026-11-27")).unwrap();
        fs::remove_file(store.folders.part(store.parts[&1].name)).unwrap();
        store.append(&batch(2, noon())).unwrap();
        store.flush().unwrap();
        assert_eq!(ids(folder.path()), [2]);
        assert_eq!(store.status().dropped.intervals, 1);
    }

    #[test]
    fn a_part_of_another_version_becomes_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        for (id, is_current) in [(0, true), (1, false), (2, true)] {
            store.append(&batch(id, noon())).unwrap();
            store.parts.get_mut(&u64::from(id)).unwrap().is_current = is_current;
        }
        store.flush().unwrap();
        assert_eq!((store.status().files, ids(folder.path())), (3, vec![0, 1, 2]));
    }

    #[test]
    fn before_the_epoch_there_are_hours_too() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store(folder.path());
        store.append(&batch(0, Timestamp::from_second(-1).unwrap())).unwrap();
        store.flush().unwrap();
        assert!(folder.path().join("date=1969-12-31").is_dir());
    }
}
