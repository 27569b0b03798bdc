//! The record of one thread.

use super::histogram::Histogram;
use super::later::{Unknown, open_enum, open_schema};
use super::units::Nanos;
use crate::metric::Metric;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One kernel task of the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Thread {
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// The time at which the kernel created it, so that a reused `tid` is another thread.
    pub start_ns: Nanos,
    /// The name it has, or had last; bytes that are no UTF-8 as in `run.command`.
    pub name: String,
    /// The names it had before, oldest first; at most three.
    pub earlier_names: Vec<String>,
    /// The number of its renames.
    pub renames: u32,
    /// True if it had exited when the recording was closed.
    pub exited: bool,
    /// From here on it was recorded: its first wake, or the moment it was found.
    pub from_ns: Nanos,
    /// Until here it was recorded: its last switch, or the moment the recording was closed.
    pub until_ns: Nanos,
    /// Voluntary switches that were seen.
    pub voluntary_switches: u64,
    /// Involuntary switches that were seen.
    pub involuntary_switches: u64,
    /// Minor faults, those without a latency included.
    pub minor_faults: u64,
    /// Major faults, those without a latency included.
    pub major_faults: u64,
    /// Faults that the kernel counted and for which there is no duration: it took them without registers
    /// (on behalf of a system call), so they raise no event.
    pub faults_without_latency: u64,
    /// Faults that were entered and that the kernel did not count: they ended in a signal or were tried again. While
    /// this is 0, no fault that was entered lacks its end.
    #[serde(default)]
    pub faults_never_accounted: u64,
    /// Moves to another CPU, by the kernel's count.
    pub migrations: u64,
    /// The state at attach, if the thread lived before the recording began: it had begun before, so
    /// it is no sample and in no histogram. Absent for other threads, and while `open` is still that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// The wait or slice that was unfinished at the end; absent once the thread has exited.
    pub open: Option<Open>,
    /// Involuntary switches to the idle task: the thread could run, nobody took its CPU. Called `held_back` in earlier files.
    #[serde(alias = "held_back")]
    pub runnable_idle: Option<Waits>,
    /// Waits in which a limit kept the thread from running: its control group's quota (`cpu.max`), its deadline runtime,
    /// the real-time limit. They are in no histogram: neither `preempted` nor `runqueue_wait`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<Waits>,
    /// Waits after a voluntary switch of which the kernel announced no wake: `blocked` and `runqueue_wait` in
    /// one, in neither of the two histograms. On kernels before 6.18 also waits in which a thread of a group that was out of
    /// quota at some time changed its CPU: throttled or not. Called `unsplit` in earlier files.
    #[serde(alias = "unsplit")]
    pub unattributed_wait: Option<Waits>,
    /// Switch-ins that the kernel did not announce: when they were is inferred from its CPU time.
    pub inferred_switch_ins: u64,
    /// By the metric's name; a metric without samples is left out.
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(with = crate::profile::random::by_metric))]
    pub histograms: BTreeMap<String, Histogram>,
    /// The causes of its waits, largest sum first.
    pub blocked_on: Vec<BlockedOn>,
    /// The kernel's own counters over the same time.
    pub kernel: KernelCounters,
}

impl Thread {
    /// The distribution of a metric; `None` without samples.
    #[must_use]
    pub fn histogram(&self, metric: Metric) -> Option<&Histogram> {
        self.histograms.get(metric.name())
    }

    /// Time spent in a metric.
    #[must_use]
    pub fn sum(&self, metric: Metric) -> Nanos {
        self.histogram(metric).map_or(Nanos(0), |histogram| histogram.sum_ns)
    }

    /// Samples of a metric.
    #[must_use]
    pub fn count(&self, metric: Metric) -> u64 {
        self.histogram(metric).map_or(0, |histogram| histogram.count)
    }
}

/// The state of a thread when the recording was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
#[serde(remote = "Self", rename_all = "snake_case")]
#[schemars(transform = open_schema)]
pub enum OpenState {
    /// In a slice.
    OnCpu,
    /// Waiting after a voluntary switch (or already woken and not yet switched in).
    Blocked,
    /// Waiting after an involuntary switch to another thread; where the thread was found so, it may have been woken
    /// before as well.
    Preempted,
    /// Waiting after an involuntary switch to the idle task. Called `held_back` in earlier files.
    #[serde(alias = "held_back")]
    RunnableIdle,
    /// Waiting after an involuntary switch, kept from running by a limit.
    Throttled,
    /// Born and not yet switched in.
    Newborn,
    /// A word of a later version.
    #[serde(skip)]
    Unknown(Unknown),
}

open_enum!(OpenState);

impl OpenState {
    /// The words that a report and the live view use, the known ones of at most nine characters.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::OnCpu => "on CPU",
            Self::Blocked => "blocked",
            Self::Preempted => "preempted",
            Self::RunnableIdle => "idle CPU",
            Self::Throttled => "throttled",
            Self::Newborn => "newborn",
            Self::Unknown(word) => word.text(),
        }
    }
}

/// An unfinished wait or slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Open {
    /// The state.
    pub state: OpenState,
    /// The time for which it had lasted.
    pub for_ns: Nanos,
    /// True if the thread was found so, and has done nothing else: `for_ns` is the part within the recording.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
}

/// The state of a thread at attach, once that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Found {
    /// The state.
    pub state: OpenState,
    /// The time for which it went on from attach.
    pub for_ns: Nanos,
}

/// Waits that are counted without a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Waits {
    /// The number of waits that ended.
    pub count: u64,
    /// Their sum.
    pub sum_ns: Nanos,
    /// The longest.
    pub max_ns: Nanos,
}

/// Stands before the name of a system call that came by the 32-bit entry, whose table is another.
pub const OF_32BIT: &str = "ia32:";

/// Likewise of one with 32-bit pointers by the 64-bit entry.
pub const OF_X32: &str = "x32:";

/// A cause of waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct BlockedOn {
    /// The system call (`ia32:` before it if it came by the 32-bit entry, `x32:` if with 32-bit pointers by the 64-bit one), or `page_fault`, `no_syscall` (stopped or traced), `kernel_worker`, `others`.
    pub syscall: String,
    /// Waits that ended.
    pub count: u64,
    /// Their sum.
    pub sum_ns: Nanos,
    /// The longest.
    pub max_ns: Nanos,
}

/// The kernel's own counters of a thread, over the time it was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct KernelCounters {
    /// `nvcsw`
    pub voluntary_switches: u64,
    /// `nivcsw`
    pub involuntary_switches: u64,
    /// `min_flt`
    pub minor_faults: u64,
    /// `maj_flt`
    pub major_faults: u64,
    /// `se.sum_exec_runtime`; absent where the thread was on a CPU when the recording was closed, since the
    /// kernel brings the figure up to date only at a switch.
    pub cpu_ns: Option<Nanos>,
    /// `se.nr_migrations`
    pub migrations: u64,
}

/// Threads that found no slot: exact sums, but no histograms and no figures of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct WithoutSlot {
    /// The number of threads.
    pub threads: u64,
    /// Voluntary switches that were seen.
    pub voluntary_switches: u64,
    /// Involuntary switches that were seen.
    pub involuntary_switches: u64,
    /// Minor faults that were seen.
    pub minor_faults: u64,
    /// Major faults that were seen.
    pub major_faults: u64,
    /// Involuntary switches to the idle task, of those above. Called `held_back` in earlier files.
    #[serde(alias = "held_back")]
    pub runnable_idle: u64,
    /// Waits in which a limit kept a thread from running: in none of the metrics.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub throttled: u64,
    /// Waits of which the kernel announced no wake: in none of the metrics. Called `unsplit` in earlier files.
    #[serde(alias = "unsplit")]
    pub unattributed_wait: u64,
    /// Switch-ins that the kernel did not announce.
    pub inferred_switch_ins: u64,
    /// By the metric's name: histograms whose buckets are empty.
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(with = crate::profile::random::by_metric))]
    pub metrics: BTreeMap<String, Histogram>,
    /// The kernel's own counters of these threads.
    pub kernel: KernelCounters,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
