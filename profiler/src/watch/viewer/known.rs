//! A thread as a viewer knows it.

use crate::record::ThreadRecord;
use crate::record::deltas::Delta;
use crate::record::samples::{Samples, Totals};
use crate::watch::frame::{Growth, Now, ThreadFrame};
use model::metric::Metric;
use model::profile::units::{Nanos, total};
use std::collections::BTreeMap;

/// A thread as a viewer knows it, and its growth for the next frame.
#[derive(Default)]
pub(super) struct Known {
    /// Its counts when the viewer began, if it was there already.
    before: Option<Now>,
    now: Option<Now>,
    /// The name that was told; `None` before its first frame.
    name: Option<String>,
    /// Waits and their sum over all that it was blocked on: these grow with each.
    blocked_on: (u64, Nanos),
    metrics: BTreeMap<Metric, Added>,
}

/// The samples of a metric since the viewer began.
struct Added {
    totals: Totals,
    /// The number of samples that are in a frame.
    told: u64,
    /// The buckets of the others, as [`Samples::numbered`].
    buckets: Vec<(u16, u32)>,
}

impl Known {
    /// True if it was in a frame.
    pub(super) fn is_told(&self) -> bool {
        self.name.is_some()
    }

    /// Its counts in the last frame.
    pub(super) fn now(&self) -> Option<Now> {
        self.now
    }

    /// It is there already as the viewer begins.
    pub(super) fn begin(&mut self, record: &ThreadRecord) {
        self.before = Some(Now::of(record));
    }

    /// Something was added to it.
    pub(super) fn add(&mut self, more: &Delta) {
        for (&metric, samples) in &more.samples {
            let new = || Added { totals: Totals::EMPTY, told: 0, buckets: Vec::new() };
            self.metrics.entry(metric).or_insert_with(new).add(samples);
        }
    }

    /// The growth since the last frame.
    pub(super) fn tell(&mut self, record: &ThreadRecord) -> ThreadFrame {
        let now = Now::of(record);
        let now = self.before.as_ref().map_or(now, |before| now.since(before));
        self.now = Some(now);
        let is_renamed = self.name.as_ref() != Some(&record.name);
        if is_renamed {
            self.name = Some(record.name.clone());
        }
        let waits = &record.blocked_on;
        let blocked_on =
            (total(waits.iter().map(|wait| wait.count)), waits.iter().map(|wait| wait.sum_ns).sum());
        let is_blocked_anew = std::mem::replace(&mut self.blocked_on, blocked_on) != blocked_on;
        let grown = self.metrics.iter_mut().filter(|(_, added)| added.told != added.totals.count);
        ThreadFrame {
            serial: record.serial,
            identity: None,
            name: is_renamed.then(|| record.name.clone()),
            now,
            blocked_on: is_blocked_anew.then(|| record.blocked_on.clone()),
            metrics: grown.map(|(&metric, added)| (metric.into(), added.tell())).collect(),
        }
    }
}

impl Added {
    fn add(&mut self, more: &Samples) {
        self.totals.add(more);
        let is_sorted = self.buckets.is_empty();
        self.buckets.extend(more.numbered());
        if !is_sorted {
            self.buckets.sort_unstable_by_key(|(bucket, _)| *bucket);
            self.buckets.dedup_by(|(next, more), (bucket, count)| {
                let is_same = next == bucket;
                // Modulo 2^32, as whoever adds them up counts.
                *count = if is_same { count.wrapping_add(*more) } else { *count };
                is_same
            });
        }
    }

    fn tell(&mut self) -> Growth {
        self.told = self.totals.count;
        Growth { totals: self.totals, buckets: std::mem::take(&mut self.buckets) }
    }
}
