//! Intervals for tests, and what readers find of them.

use super::names::PUBLISHED;
use super::{Disk, StoreConfig};
use crate::watch::batch::{Batch, Group, Key};
use jiff::{SignedDuration, Timestamp};
use model::losses::{Loss, LossCounts};
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::interval::States;
use model::profile::units::Nanos;
use parquet::file::reader::{ChunkReader, FileReader as _, SerializedFileReader};
use parquet::record::RowAccessor as _;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

pub(super) const HOST: &str = "db1";

/// The length of every interval.
const LENGTH: SignedDuration = SignedDuration::from_secs(10);

/// An interval that can be known by its number: the pid of its only group.
pub(super) fn batch(id: u32, until: Timestamp) -> Batch {
    let samples =
        |metric: Metric| (1..=u64::from(id) % 3 + 1).map(move |one| Nanos(one << (8 + metric.index())));
    let metrics = [Metric::OnCpu];
    let histograms = metrics.into_iter().filter_map(|metric| Some((metric, Histogram::of(samples(metric))?)));
    let key = Key { selector: "all".into(), process: Some("server".into()), pid: Some(id), thread: None };
    let states = States { on_cpu_ns: Nanos(u64::from(id)), ..States::default() };
    let group = Group { key, threads: 2, states, histograms: histograms.collect() };
    let lost = LossCounts::of([(Loss::MissedExecs, u64::from(id))]);
    Batch { from: until - LENGTH, until, length_ns: Nanos(10_000_000_000), groups: vec![group], lost }
}

pub(super) fn noon() -> Timestamp {
    "2026-11-27T12:00:00Z".parse().unwrap()
}

pub(super) fn config(path: &Path) -> StoreConfig {
    StoreConfig { path: path.to_owned(), keep: None, max_size: None, publish: Duration::from_secs(30) }
}

/// The rows of a file, as text, by the interval's id. Rows before the first that names one are of the next.
pub(super) fn rows<R: ChunkReader + 'static>(file: R) -> Vec<(u32, Vec<String>)> {
    let pid = super::rows::columns().iter().position(|column| column.name == "pid").unwrap();
    let mut intervals: Vec<(u32, Vec<String>)> = Vec::new();
    for row in SerializedFileReader::new(file).unwrap().get_row_iter(None).unwrap() {
        let row = row.unwrap();
        if row.get_string(0).unwrap() == "interval" {
            intervals.push((0, Vec::new()));
        }
        let interval = intervals.last_mut().unwrap();
        if let Ok(id) = row.get_uint(pid) {
            interval.0 = id;
        }
        interval.1.push(row.to_string());
    }
    intervals
}

/// The files as a reader finds them: every published file, whole, and no interval twice.
pub(super) fn found<D: Disk>(disk: &D, root: &Path) -> BTreeMap<u32, Vec<String>> {
    let mut found = BTreeMap::new();
    for date in disk.list(root).unwrap().into_iter().filter(|date| date.name.starts_with("date=")) {
        for host in disk.list(&root.join(&date.name)).unwrap() {
            let folder = root.join(&date.name).join(host.name);
            for file in disk.list(&folder).unwrap().into_iter().filter(|file| file.name.ends_with(PUBLISHED))
            {
                for (id, rows) in rows(disk.open(&folder.join(&file.name)).unwrap()) {
                    assert!(rows.iter().skip(1).all(|row| row.contains("server")), "{rows:?}");
                    assert_eq!(found.insert(id, rows), None, "interval {id} is found twice");
                }
            }
        }
    }
    found
}
