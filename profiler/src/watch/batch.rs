//! One interval of the watch, by group.

use jiff::Timestamp;
use model::losses::LossCounts;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::interval::States;
use model::profile::units::Nanos;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The growth of one interval, by group. Each sample and each nanosecond is in exactly one batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The start of the interval, by the wall clock: the end of the one before.
    pub from: Timestamp,
    /// The end, by the wall clock, which may have been set meanwhile.
    pub until: Timestamp,
    /// The length, by CLOCK_MONOTONIC.
    pub length_ns: Nanos,
    /// The groups to which anything was added, in the order of their keys.
    pub groups: Vec<Group>,
    /// The losses of the interval.
    pub lost: LossCounts,
}

/// The word in a [`Key`] for the group of everything beyond a selector's `max_groups`. No process or thread
/// is called so by itself unless it wants to be.
pub const OTHERS: &str = "(others)";

/// The growth of the threads of a group, summed.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The group.
    pub key: Key,
    /// Threads of it to which anything was added.
    pub threads: u64,
    /// The time in each state.
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

/// The parts by which a selector groups threads: fewer parts make fewer groups.
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
