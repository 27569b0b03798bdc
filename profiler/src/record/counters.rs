//! The kernel's own counters of a thread, as they stood at one moment.

use model::profile::units::Nanos;

/// Counters of a `task_struct`; none ever falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KernelCounters {
    /// Voluntary switches (`nvcsw`).
    pub voluntary_switches: u64,
    /// Involuntary switches (`nivcsw`).
    pub involuntary_switches: u64,
    /// Minor faults (`min_flt`).
    pub minor_faults: u64,
    /// Major faults (`maj_flt`).
    pub major_faults: u64,
    /// CPU time (`se.sum_exec_runtime`).
    pub cpu_ns: Nanos,
    /// Moves to another CPU (`se.nr_migrations`).
    pub migrations: u64,
}
