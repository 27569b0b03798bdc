//! The usage by getrusage.

use super::units::{Bytes, Nanos};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kernel's account of a child and of those descendants it waited for, as `wait4(2)` hands it out, less what the
/// child had used when it called exec. Of processes that ran already: by how much the kernel's counters of the target's
/// threads grew over the recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Usage {
    /// From the child's release to its end, or from the beginning of the recording to its end.
    pub wall_ns: Nanos,
    /// CPU time in user mode (the kernel's figure, microseconds); absent if the target was not a child.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_ns: Option<Nanos>,
    /// CPU time in kernel mode; likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_ns: Option<Nanos>,
    /// CPU time in both where the two are not known: of each thread the kernel's count, or where that is not up to date,
    /// since the thread was on a CPU as the recording began or ended, what was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ns: Option<Nanos>,
    /// CPU time / wall time, in percent.
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(with = crate::profile::random::finite))]
    pub cpu_percent: f64,
    /// The largest resident set that any one process has ever had; absent if that is not known of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rss_bytes: Option<Bytes>,
    /// The resident set that the child had, at most, before it executed the command. The kernel keeps the larger of
    /// both, so a `max_rss_bytes` up to this is an upper bound.
    pub max_rss_floor_bytes: Option<Bytes>,
    /// Voluntary switches.
    pub voluntary_switches: u64,
    /// Involuntary switches.
    pub involuntary_switches: u64,
    /// Minor faults.
    pub minor_faults: u64,
    /// Major faults.
    pub major_faults: u64,
}

impl Usage {
    /// CPU time in user and kernel mode.
    #[must_use]
    pub fn total_cpu(&self) -> Option<Nanos> {
        self.user_ns.zip(self.system_ns).map(|(user, system)| user + system).or(self.cpu_ns)
    }
}

/// The usage of the child itself when it called exec: the profiler's, not the command's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeforeExec {
    /// CPU time in user mode.
    pub user_ns: Nanos,
    /// CPU time in kernel mode.
    pub system_ns: Nanos,
    /// Voluntary switches.
    pub voluntary_switches: u64,
    /// Involuntary switches.
    pub involuntary_switches: u64,
    /// Minor faults.
    pub minor_faults: u64,
    /// Major faults.
    pub major_faults: u64,
    /// The largest resident set it had had.
    pub max_rss_bytes: Bytes,
}
