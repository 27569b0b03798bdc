//! What one interval of the watch came to.

use jiff::Timestamp;
use model::losses::LossCounts;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::interval::States;
use model::profile::units::Nanos;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one interval added, by group. Nothing is in two batches and nothing in none.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// When the interval began, by the wall clock: where the one before ended.
    pub from: Timestamp,
    /// When it ended, by the wall clock, which may have been set meanwhile.
    pub until: Timestamp,
    /// How long it was, by CLOCK_MONOTONIC.
    pub length_ns: Nanos,
    /// The groups to which anything was added, in the order of their keys.
    pub groups: Vec<Group>,
    /// What is missing in it.
    pub lost: LossCounts,
}

/// What the parts of a [`Key`] say of the group that takes what is beyond a selector's `max_groups`. No process or thread
/// is called so by itself unless it wants to be.
pub const OTHERS: &str = "(others)";

/// What was added to the threads of a group, summed.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Which group.
    pub key: Key,
    /// Threads of it to which anything was added.
    pub threads: u64,
    /// How long they were in each state.
    pub states: States,
    /// Metrics of which samples ended. Extremes are as exact as the buckets.
    pub histograms: BTreeMap<Metric, Histogram>,
}

impl Group {
    /// Adds another one of the same key.
    pub(super) fn add(&mut self, other: Self) {
        self.threads += other.threads;
        self.states.add(&other.states);
        for (metric, histogram) in other.histograms {
            match self.histograms.get_mut(&metric) {
                Some(sum) => sum.add(&histogram),
                None => drop(self.histograms.insert(metric, histogram)),
            }
        }
    }
}

/// What a selector's threads are grouped by: fewer parts make fewer groups.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The name of the selector that chose the process.
    pub selector: Arc<str>,
    /// The name of the process; absent where processes are not told apart.
    pub process: Option<Arc<str>>,
    /// Its number; absent where processes of one name are one group.
    pub pid: Option<u32>,
    /// The name of the thread; absent where threads of a process are not told apart.
    pub thread: Option<Arc<str>>,
}
