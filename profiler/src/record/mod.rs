//! From what the kernel counted to a profile.
//!
//! A [`Source`] hands out finished records of threads, plain data; [`recording`] drives it while the target
//! runs; [`assemble`] makes the profile's threads of the records and [`reconcile`] compares them with the
//! kernel's own counters.

pub mod assemble;
mod counters;
pub mod deltas;
#[cfg(test)]
pub(crate) mod fixture;
mod intervals;
pub mod machine;
pub mod pages;
pub mod reconcile;
pub mod recording;
pub mod samples;
pub mod usage;

pub use counters::KernelCounters;

use anyhow::Result;
use model::losses::LossCounts;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::thread::{BlockedOn, Found, OpenState, Waits};
use model::profile::units::Nanos;
use samples::Samples;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The source of records: the kernel, or a script in tests.
pub trait Source {
    /// The threads that have exited since the last call.
    ///
    /// # Errors
    /// If the records can't be read.
    fn collect_exited(&mut self) -> Result<Vec<ThreadRecord>>;

    /// Looks at the threads that are being recorded, which go on.
    ///
    /// # Errors
    /// If they can't be read.
    fn snapshot(&mut self) -> Result<Snapshot>;

    /// Ends the recording and hands out what is left.
    ///
    /// # Errors
    /// If the recording can't be closed or the records can't be read.
    fn close(&mut self) -> Result<Rest>;
}

/// The threads that are being recorded, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The moment.
    pub at_ns: Nanos,
    /// Their records so far, each with what the thread was doing at that moment, or at a switch just after it.
    pub threads: Vec<ThreadRecord>,
}

/// Living threads of the target's processes, counted by walking all tasks of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Those with a record.
    pub recorded: u64,
    /// Those without: no event told of their birth.
    pub unrecorded: u64,
}

/// The rest of a recording, read when it is closed.
#[derive(Clone, Debug, Default)]
pub struct Rest {
    /// Threads not handed out before, those that still live among them.
    pub threads: Vec<ThreadRecord>,
    /// The threads that lived when the recording was about to be closed.
    pub census: Census,
    /// The sums of threads without a slot.
    pub without_slot: SlotlessRecord,
    /// The losses that no record tells of.
    pub lost: LossCounts,
}

/// The record of one thread.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadRecord {
    /// Tells the threads of a recording apart, whatever becomes of their ids.
    pub serial: u64,
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// The number of its family, where a machine is watched; 0 elsewhere.
    pub family: u16,
    /// The time at which the kernel created it.
    pub start_ns: Nanos,
    /// Its last name.
    pub name: String,
    /// Earlier names, oldest first.
    pub earlier_names: Vec<String>,
    /// The number of its renames.
    pub renames: u32,
    /// True if it was born during the recording, or was there before.
    pub newborn: bool,
    /// From here on it was recorded.
    pub from_ns: Nanos,
    /// Until here it was recorded.
    pub until_ns: Nanos,
    /// The end of the record.
    pub end: End,
    /// The kernel's counters at `from_ns`; zero for a newborn thread.
    pub kernel_at_start: KernelCounters,
    /// The kernel's counters at `until_ns`.
    pub kernel_at_end: KernelCounters,
    /// For the thread that executed the command, its first slice from then on, which is a sample: the kernel's CPU time
    /// is comparable only after it. Absent if it never left the CPU.
    pub first_slice_ns: Option<Nanos>,
    /// For a thread that joined while it lived, what it was doing then, which is no sample. Absent if it has done
    /// nothing else.
    pub found: Option<Found>,
    /// Involuntary switches to the idle task.
    pub runnable_idle: Option<Waits>,
    /// Waits in which a limit kept it from running.
    pub throttled: Option<Waits>,
    /// Those of them that began with a wake, not with an involuntary switch.
    pub throttled_wakes: u64,
    /// Waits whose wake was not announced, or that may have been throttled.
    pub unattributed_wait: Option<Waits>,
    /// Those of them that began with an involuntary switch.
    pub unattributed_wait_involuntary: u64,
    /// Switch-ins that were not announced.
    pub inferred_switch_ins: u64,
    /// Metrics that have samples.
    pub samples: BTreeMap<Metric, Samples>,
    /// The causes of its waits, largest sum first.
    pub blocked_on: Vec<BlockedOn>,
    /// Minor faults that were accounted without a recorded entry.
    pub minor_without_entry: u64,
    /// Major faults that were accounted without a recorded entry.
    pub major_without_entry: u64,
    /// Faults that were entered and never accounted: they ended in a signal or were tried again, or their event was lost.
    pub faults_never_accounted: u64,
    /// Intervals whose end was stamped before their start.
    pub clock_backwards: u64,
}

/// The end of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// With the thread's last switch, of the kind that leads to this state.
    Exited {
        /// The state that the switch would have led to.
        last_switch: OpenState,
    },
    /// While the thread lived.
    Open {
        /// Its state.
        state: OpenState,
        /// Since when.
        since_ns: Nanos,
        /// The time of its wake, if it had been woken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        woken_ns: Option<Nanos>,
        /// True if it was doing that already when it joined: no switch led there in the recording.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        found: bool,
    },
}

/// The sums of threads without a slot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlotlessRecord {
    /// The number of threads.
    pub threads: u64,
    /// Switches into each state that had no switch-in any more: last switches and open waits.
    pub unfinished_blocked: u64,
    /// Likewise for involuntary ones.
    pub unfinished_involuntary: u64,
    /// Metrics that have samples; the histograms have no buckets.
    pub metrics: BTreeMap<Metric, Histogram>,
    /// Involuntary switches to the idle task.
    pub runnable_idle: u64,
    /// Waits in which a limit kept a thread from running.
    pub throttled: u64,
    /// Those of them that began with a wake, not with an involuntary switch.
    pub throttled_wakes: u64,
    /// Waits whose wake was not announced, or that may have been throttled.
    pub unattributed_wait: u64,
    /// Those of them that began with an involuntary switch.
    pub unattributed_wait_involuntary: u64,
    /// Switch-ins that were not announced.
    pub inferred_switch_ins: u64,
    /// Faults that were accounted without a recorded entry.
    pub faults_without_entry: u64,
    /// Faults that were entered and never accounted.
    pub faults_never_accounted: u64,
    /// Intervals whose end was stamped before their start.
    pub clock_backwards: u64,
    /// The kernel's counters of these threads where each record begins.
    pub kernel_at_start: KernelCounters,
    /// The kernel's counters of these threads where each ends.
    pub kernel_at_end: KernelCounters,
}
