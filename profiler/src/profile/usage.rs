//! What getrusage reports.

use super::units::{Bytes, Nanos};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kernel's account of a child and of those descendants it waited for, as `wait4(2)` hands it out, less what the
/// child had used when it called exec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "fuzzing"), derive(arbitrary::Arbitrary))]
pub struct Usage {
    /// From the child's release to its end.
    pub wall_ns: Nanos,
    /// CPU time in user mode (the kernel's figure, microseconds).
    pub user_ns: Nanos,
    /// CPU time in kernel mode.
    pub system_ns: Nanos,
    /// `(user + system) / wall`, in percent.
    #[cfg_attr(any(test, feature = "fuzzing"), arbitrary(with = crate::fuzzing::profiles::finite))]
    pub cpu_percent: f64,
    /// The largest resident set of any one process.
    pub max_rss_bytes: Bytes,
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

/// What the child itself had used when it called exec: the profiler's, not the command's.
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
