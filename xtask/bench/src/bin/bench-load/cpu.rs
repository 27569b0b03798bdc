//! The CPU of a load.

use anyhow::{Context as _, Result};
use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};

/// The CPU of all loads that are pinned: every machine has it.
const CPU: usize = 0;

/// Keeps this process, and those it starts, on one CPU: what wandering between two costs would otherwise be
/// most of what varies.
pub(crate) fn pin() -> Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(CPU).and_then(|()| sched_setaffinity(Pid::from_raw(0), &cpus)).with_context(|| {
        format!("cannot stay on CPU {CPU} (is this process allowed to run there? see `taskset -p $$`)")
    })
}
