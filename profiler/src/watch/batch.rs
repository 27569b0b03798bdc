//! What one interval of the watch came to.

use jiff::Timestamp;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::interval::States;
use model::profile::units::Nanos;
use serde::{Deserialize, Serialize};
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
    pub lost: Lost,
}

/// What an interval lacks, or does not tell apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Samples that count in the totals and in no bucket: bucket memory was short (`histogram_memory`).
    pub samples_without_bucket: u64,
    /// Threads that are in no group: slots were short (`max_threads`).
    pub threads_without_slot: u64,
    /// Threads that are in no group: the kernel had no memory for them.
    pub threads_without_state: u64,
    /// Times that the kernel skipped a program.
    pub missed_program_runs: u64,
    /// Execs that were not announced as they happened; all processes were looked through instead.
    pub missed_execs: u64,
    /// CPUs that came online, whose faults are watched only from then on.
    pub cpus_watched_late: u64,
    /// Samples of threads that ended in the interval whose end was stamped before their start.
    pub clock_backwards: u64,
    /// Threads that are in a group named [`OTHERS`], because a selector had its `max_groups`.
    pub threads_in_others: u64,
}

impl Lost {
    /// How many fields there are.
    pub const COUNT: usize = 8;

    /// Adds what another interval lacks.
    pub fn add(&mut self, other: &Self) {
        let Self {
            samples_without_bucket,
            threads_without_slot,
            threads_without_state,
            missed_program_runs,
            missed_execs,
            cpus_watched_late,
            clock_backwards,
            threads_in_others,
        } = other;
        self.samples_without_bucket += samples_without_bucket;
        self.threads_without_slot += threads_without_slot;
        self.threads_without_state += threads_without_state;
        self.missed_program_runs += missed_program_runs;
        self.missed_execs += missed_execs;
        self.cpus_watched_late += cpus_watched_late;
        self.clock_backwards += clock_backwards;
        self.threads_in_others += threads_in_others;
    }

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The fields by their names.
    #[must_use]
    pub fn counters(&self) -> [(&'static str, u64); Self::COUNT] {
        let Self {
            samples_without_bucket,
            threads_without_slot,
            threads_without_state,
            missed_program_runs,
            missed_execs,
            cpus_watched_late,
            clock_backwards,
            threads_in_others,
        } = *self;
        [
            ("samples_without_bucket", samples_without_bucket),
            ("threads_without_slot", threads_without_slot),
            ("threads_without_state", threads_without_state),
            ("missed_program_runs", missed_program_runs),
            ("missed_execs", missed_execs),
            ("cpus_watched_late", cpus_watched_late),
            ("clock_backwards", clock_backwards),
            ("threads_in_others", threads_in_others),
        ]
    }
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
