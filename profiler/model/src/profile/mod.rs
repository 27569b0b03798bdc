//! Plain data: what one run recorded, and the file it is kept in.
//!
//! Nothing here needs the kernel. Unknown words are kept and unknown fields noted when reading ([`later`]); `lost` is always
//! present; what was not measured is absent, never zero.

pub mod attached;
pub mod file;
#[cfg(any(test, feature = "fixture"))]
pub mod fixture;
pub mod histogram;
pub mod interval;
pub mod later;
pub mod machine;
#[cfg(any(test, feature = "arbitrary"))]
mod random;
pub mod reconciliation;
pub mod self_cost;
pub mod soundness;
pub mod thread;
pub mod units;
pub mod usage;

use crate::losses::{LossCounts, in_profile};
use crate::metric::Metric;
use attached::Attached;
use histogram::Histogram;
use interval::Interval;
use later::Later;
use machine::Machine;
use reconciliation::Check;
use schemars::JsonSchema;
use self_cost::SelfCost;
use serde::{Deserialize, Serialize};
use thread::{Thread, WithoutSlot};
use units::Nanos;
use usage::Usage;

/// The version of the file format that this program writes and the newest it reads.
pub const SCHEMA: u32 = 1;

/// The record of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Profile {
    /// The version of the format.
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(with = crate::profile::random::schema))]
    pub schema: u32,
    /// The program that wrote it.
    pub tool: Tool,
    /// The machine.
    pub machine: Machine,
    /// The command, or the processes that were attached to.
    pub run: Run,
    /// The usage by getrusage, or of processes that ran already the growth of the kernel's counters.
    pub usage: Option<Usage>,
    /// The threads of the target, in the order of their start.
    pub threads: Vec<Thread>,
    /// Threads that found no slot, summed; absent if every thread had one.
    pub without_slot: Option<WithoutSlot>,
    /// The measured figures beside the kernel's own: the sums over the run, and every thread that differs.
    pub reconciliation: Vec<Check>,
    /// The run cut into intervals; absent unless that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<Interval>,
    /// The losses; present even when all zero.
    #[serde(with = "in_profile")]
    #[schemars(with = "in_profile::Described")]
    pub lost: LossCounts,
    /// The cost of the recording itself; absent unless that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_cost: Option<SelfCost>,
    /// Parts of the file that a later version wrote and this one read past; not written again.
    #[serde(skip)]
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(default))]
    pub later: Later,
}

/// The program that wrote a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Tool {
    /// `profiler`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The commit that it was built from, with `-modified` if the sources were not as committed; absent if it was
    /// built outside of the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// The command, or the processes that were attached to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Run {
    /// The name of the run, if not that of its command: the workload of a comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The command and its arguments; of processes that ran already, those of the first. A byte that is no UTF-8 is
    /// written as `\xNN` (two digits from 80 to ff in lower case), here and in every name that the kernel or a user gave
    /// as bytes; a backslash that stands before such an escape, or before `x5c`, is written as `\x5c`. So two commands
    /// that differ never look the same.
    pub command: Vec<String>,
    /// The processes that were attached to; absent if the command was started to be recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<Attached>,
    /// The start of the target, or of the recording of one that ran already, RFC 3339.
    pub started_at: String,
    /// The same moment on CLOCK_MONOTONIC: the anchor of every other time in the profile.
    pub started_ns: Nanos,
    /// From the start of the target to its end: the last switch of the first process's threads. With `without_slot`,
    /// whose last switch is not known, it is the moment at which the profiler learnt of the end, which is later. Of a
    /// target that ran already, from the beginning of the recording to its end.
    pub wall_ns: Nanos,
    /// The target's exit code; absent if a signal ended it, or if it ran already.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The CPUs that it might use; absent from what earlier versions wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus_allowed: Option<CpusAllowed>,
    /// The settings of the recording.
    pub options: Options,
    /// The JSON line that a workload printed of itself; absent for other commands.
    pub workload: Option<Workload>,
}

/// CPUs that processes were allowed to use (`Cpus_allowed_list`, proc_pid_status(5)), such as `0-3,8`: fewer than the machine
/// has where they were pinned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct CpusAllowed {
    /// Those of the profiler.
    pub profiler: Option<String>,
    /// Those that the command was started with, or of the first process that was attached to.
    pub target: Option<String>,
}

/// The settings of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Options {
    /// True if child processes were followed.
    pub follow: bool,
    /// Threads that could be recorded at the same time.
    pub max_threads: u32,
    /// Memory for buckets.
    pub histogram_memory_bytes: units::Bytes,
    /// The time limit, if there was one.
    pub duration_ns: Option<Nanos>,
    /// The interval between snapshots, if any were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_ns: Option<Nanos>,
}

/// A workload's own figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Workload {
    /// The scheduling of its tasks, in the program's own words.
    pub scheduler: String,
    /// Tasks done.
    pub tasks: u64,
    /// From the first task's submission to the last one's end, by the workload's own clock.
    pub wall_ns: Nanos,
    /// The sum over the tasks of the time from a task's start to its end.
    pub task_time_ns: Nanos,
}

impl Run {
    /// The file name of the program: what a profile is called if it has no name, and what its file is called after.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        let attached = self.attached.as_ref().and_then(|attached| attached.processes.first());
        let of_process = attached.map(|process| process.name.as_str());
        of_process.or_else(|| self.command.first().map(|command| file_name(command)))
    }
}

fn file_name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

impl Profile {
    /// The distribution of a metric over all threads that have histograms.
    #[must_use]
    pub fn histogram(&self, metric: Metric) -> Option<Histogram> {
        Histogram::merged(self.threads.iter().filter_map(|thread| thread.histogram(metric)))
    }
}
