//! The frames of a view, from one refresh to the next: what was added to each thread's record since the first frame, or
//! since the thread began.
//!
//! Counts and sums stand in full, so that nothing adds up wrong; only the buckets, which are most of a record,
//! are those to which samples were added since the frame before, each as `[number, samples]` (see
//! [`model::buckets`]).

use crate::record::samples::Totals;
use crate::record::{End, ThreadRecord};
use crate::watch::config::MetricName;
use model::losses::{LossCounts, in_interval};
use model::profile::thread::{BlockedOn, Found, Waits};
use model::profile::units::Nanos;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One refresh of a view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The time of the snapshot, on CLOCK_MONOTONIC.
    pub at_ns: Nanos,
    /// Processes of which something lives, that the view's selectors have chosen.
    pub processes: u64,
    /// The threads that go on and to which something was added.
    pub threads: Vec<ThreadFrame>,
    /// The serials of those to which nothing was: they go on with what they were doing.
    pub unchanged: Vec<u64>,
    /// The threads that have ended, or whose selector was taken out, since the frame before: each once.
    pub ended: Vec<ThreadFrame>,
    /// Threads that began and ended since the frame before and are not in `ended`, as they were too many.
    pub ended_untold: u64,
    /// The losses so far.
    #[serde(with = "in_interval")]
    pub lost: LossCounts,
}

/// The growth of a thread's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThreadFrame {
    /// [`ThreadRecord::serial`], which tells threads apart whatever becomes of their numbers.
    pub serial: u64,
    /// The identity: in the first frame that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Its name, if that is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// State and counts now.
    pub now: Now,
    /// The causes of its waits since the start of the record, if anything was added to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_on: Option<Vec<BlockedOn>>,
    /// The metrics of which samples were added.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<MetricName, Growth>,
}

/// The part of a thread that never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The number of its process.
    pub pid: u32,
    /// Its own.
    pub tid: u32,
    /// The label of the selector that chose it.
    pub selector: String,
    /// The name that its process had when it was first seen.
    pub process: String,
}

/// The state of a thread, and its counts without a histogram. Absent is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// [`ThreadRecord::from_ns`]
    pub from_ns: Nanos,
    /// [`ThreadRecord::until_ns`]
    pub until_ns: Nanos,
    /// [`ThreadRecord::end`]
    pub end: End,
    /// [`ThreadRecord::found`]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// [`ThreadRecord::runnable_idle`]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runnable_idle: Option<Waits>,
    /// [`ThreadRecord::throttled`]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<Waits>,
    /// [`ThreadRecord::throttled_wakes`]
    #[serde(default, skip_serializing_if = "is_none")]
    pub throttled_wakes: u64,
    /// [`ThreadRecord::unattributed_wait_involuntary`]
    #[serde(default, skip_serializing_if = "is_none")]
    pub unattributed_wait_involuntary: u64,
    /// [`ThreadRecord::unattributed_wait`]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unattributed_wait: Option<Waits>,
    /// [`ThreadRecord::inferred_switch_ins`]
    #[serde(default, skip_serializing_if = "is_none")]
    pub inferred_switch_ins: u64,
    /// [`ThreadRecord::minor_without_entry`]
    #[serde(default, skip_serializing_if = "is_none")]
    pub minor_without_entry: u64,
    /// [`ThreadRecord::major_without_entry`]
    #[serde(default, skip_serializing_if = "is_none")]
    pub major_without_entry: u64,
    /// [`ThreadRecord::clock_backwards`]
    #[serde(default, skip_serializing_if = "is_none")]
    pub clock_backwards: u64,
}

/// A metric's totals so far, and the samples that were added to its buckets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// All totals so far.
    pub totals: Totals,
    /// The numbers of buckets, in ascending order, and how many samples were added to each.
    pub buckets: Vec<(u16, u32)>,
}

impl ThreadFrame {
    /// True if nothing was added but time.
    #[must_use]
    pub fn is_nothing_more(&self) -> bool {
        self.name.is_none() && self.blocked_on.is_none() && self.metrics.is_empty()
    }
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Now {
    /// That of a record.
    #[must_use]
    pub fn of(record: &ThreadRecord) -> Self {
        Self {
            from_ns: record.from_ns,
            until_ns: record.until_ns,
            end: record.end,
            found: record.found,
            runnable_idle: record.runnable_idle,
            throttled: record.throttled,
            throttled_wakes: record.throttled_wakes,
            unattributed_wait_involuntary: record.unattributed_wait_involuntary,
            unattributed_wait: record.unattributed_wait,
            inferred_switch_ins: record.inferred_switch_ins,
            minor_without_entry: record.minor_without_entry,
            major_without_entry: record.major_without_entry,
            clock_backwards: record.clock_backwards,
        }
    }

    /// Without what there was before.
    #[must_use]
    pub fn since(self, before: &Self) -> Self {
        Self {
            runnable_idle: waits_since(self.runnable_idle, before.runnable_idle),
            throttled: waits_since(self.throttled, before.throttled),
            throttled_wakes: self.throttled_wakes.saturating_sub(before.throttled_wakes),
            unattributed_wait_involuntary: self
                .unattributed_wait_involuntary
                .saturating_sub(before.unattributed_wait_involuntary),
            unattributed_wait: waits_since(self.unattributed_wait, before.unattributed_wait),
            inferred_switch_ins: self.inferred_switch_ins.saturating_sub(before.inferred_switch_ins),
            minor_without_entry: self.minor_without_entry.saturating_sub(before.minor_without_entry),
            major_without_entry: self.major_without_entry.saturating_sub(before.major_without_entry),
            clock_backwards: self.clock_backwards.saturating_sub(before.clock_backwards),
            ..self
        }
    }

    /// Becomes that of a record.
    pub fn write_to(&self, record: &mut ThreadRecord) {
        record.from_ns = self.from_ns;
        record.until_ns = self.until_ns;
        record.end = self.end;
        record.found = self.found;
        record.runnable_idle = self.runnable_idle;
        record.throttled = self.throttled;
        record.throttled_wakes = self.throttled_wakes;
        record.unattributed_wait_involuntary = self.unattributed_wait_involuntary;
        record.unattributed_wait = self.unattributed_wait;
        record.inferred_switch_ins = self.inferred_switch_ins;
        record.minor_without_entry = self.minor_without_entry;
        record.major_without_entry = self.major_without_entry;
        record.clock_backwards = self.clock_backwards;
    }

    /// The counts at a later moment if nothing is added until then: the state goes on.
    #[must_use]
    pub fn at(mut self, moment: Nanos) -> Self {
        if let End::Open { since_ns, .. } = self.end {
            self.until_ns = moment.max(since_ns);
        }
        self
    }
}

/// The longest may be one of those before.
fn waits_since(now: Option<Waits>, before: Option<Waits>) -> Option<Waits> {
    let (now, before) = (now?, before.unwrap_or(Waits { count: 0, sum_ns: Nanos(0), max_ns: Nanos(0) }));
    let count = now.count.saturating_sub(before.count);
    let sum_ns = Nanos(now.sum_ns.0.saturating_sub(before.sum_ns.0));
    (count > 0).then_some(Waits { count, sum_ns, ..now })
}
