//! The cost of the recording itself (`profiler run --measure-self`).

use super::units::{Bytes, Nanos};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cost of the recording, from before the BPF programs were loaded until the records were collected.
///
/// The kernel's statistics cost time themselves: two more readings of the clock for each run of a program, which
/// is about what the shorter programs take. A run that is measured is thus slower than one that is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct SelfCost {
    /// Each BPF program, by the kernel's statistics: it runs for every process of the machine, not only for the
    /// target's.
    pub programs: Vec<ProgramCost>,
    /// The profiler's own CPU time in user mode.
    pub user_ns: Nanos,
    /// Its CPU time in kernel mode: having the programs verified is most of it.
    pub system_ns: Nanos,
    /// The largest resident set of the profiler so far; the mapped memory that it has looked at counts in it.
    pub max_rss_bytes: Bytes,
    /// The memory of the BPF maps, by the kernel's account.
    pub map_bytes: Bytes,
}

/// The kernel's figures of one BPF program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct ProgramCost {
    /// The program.
    pub name: String,
    /// The number of its runs.
    pub runs: u64,
    /// The time of all its runs.
    pub run_time_ns: Nanos,
}
