//! The metrics: measured durations, each with a stable name.

/// One measured duration of a thread, in nanoseconds of CLOCK_MONOTONIC.
///
/// The discriminant is the metric's index in [`crate::layout::Slot::metrics`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Metric {
    /// Switch-in to switch-out: how long a slice lasted.
    OnCpu = 0,
    /// Woken (`sched_waking`, for a newborn thread `sched_wakeup_new`) to switch-in.
    RunqueueWait = 1,
    /// Voluntary switch-out to woken.
    Blocked = 2,
    /// Involuntary switch-out to switch-in, another thread having taken the CPU.
    Preempted = 3,
    /// Fault entry to fault accounted, no I/O needed.
    MinorFault = 4,
    /// Fault entry to fault accounted, I/O was needed.
    MajorFault = 5,
}

impl Metric {
    /// The number of metrics.
    pub const COUNT: usize = 6;

    /// Every metric, in the order of its index.
    pub const ALL: [Self; Self::COUNT] =
        [Self::OnCpu, Self::RunqueueWait, Self::Blocked, Self::Preempted, Self::MinorFault, Self::MajorFault];

    /// The stable name used in files, columns and flags.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnCpu => "on_cpu",
            Self::RunqueueWait => "runqueue_wait",
            Self::Blocked => "blocked",
            Self::Preempted => "preempted",
            Self::MinorFault => "minor_fault",
            Self::MajorFault => "major_fault",
        }
    }

    /// The index in [`crate::layout::Slot::metrics`].
    #[must_use]
    #[inline(always)]
    pub const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Metric;

    #[test]
    fn index_and_order_agree() {
        for (index, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric.index(), index);
        }
    }
}
