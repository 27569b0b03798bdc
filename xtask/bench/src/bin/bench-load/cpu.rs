//! Pins a load to one CPU.

use anyhow::{Context as _, Result};
use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};

/// The CPU of pinned loads: every machine has it.
const CPU: usize = 0;

/// Pins this process and its children to one CPU: migrations between two would otherwise dominate the variance.
pub(crate) fn pin() -> Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(CPU).and_then(|()| sched_setaffinity(Pid::from_raw(0), &cpus)).with_context(|| {
        format!("cannot stay on CPU {CPU} (is this process allowed to run there? see `taskset -p $$`)")
    })
}
