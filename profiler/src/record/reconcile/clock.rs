//! CPU time: by how much what was measured and the kernel's own may differ.

use super::{signed, sum_of};
use crate::figures;
use crate::record::assemble::kernel_growth;
use crate::record::{End, ThreadRecord};
use model::metric::Metric;
use model::profile::reconciliation::{Check, Rule};
use model::profile::thread::OpenState;
use model::profile::units::Nanos;
use std::ops::RangeInclusive;

/// The tracepoint stands a little behind the point where the kernel stamps a switch, and the distance varies
/// from switch to switch: averages of 0.02 to 2 µs a slice were seen, this is five times the largest.
pub(super) const STAMP_JITTER_NS: u64 = 10_000;

/// By how much `on_cpu` and the kernel's CPU time may differ.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClockSlack {
    /// Waits on a run queue: each may count as running from the moment on that the thread came there, woken or moved,
    /// since the kernel leaves its clock alone when a thread takes the CPU at once (kernel/sched/core.c
    /// `rq_clock_skip_update`).
    pub(super) waits_ns: u64,
    /// The distance between the kernel's stamps and the tracepoints.
    pub(super) stamps_ns: u64,
    /// The thread's last wait as it is shown, if the thread ran in it, since its switch-in was not announced and no later
    /// switch tells (see `inferred_switch_ins`); else 0.
    pub(super) last_ns: u64,
}

impl ClockSlack {
    pub(super) fn of(record: &ThreadRecord) -> Self {
        let slices = record.samples.get(&Metric::OnCpu).map_or(0, |samples| samples.count);
        let unattributed_wait =
            record.unattributed_wait.map_or(0, |unattributed_wait| unattributed_wait.sum_ns.0);
        // Found on a run queue, it may just have been woken.
        let found = record.found.filter(|found| found.state == OpenState::Preempted);
        let found = found.map_or(0, |found| found.for_ns.0);
        let waits_ns = sum_of(record, Metric::RunqueueWait) + unattributed_wait + moved_ns(record) + found;
        let stamps_ns = slices * STAMP_JITTER_NS;
        Self { waits_ns, stamps_ns, last_ns: ran_unannounced_ns(record, waits_ns + stamps_ns) }
    }

    /// That of all threads together.
    pub(super) fn sum(all: &[Self]) -> Self {
        all.iter().fold(Self::default(), |sum, one| Self {
            waits_ns: sum.waits_ns + one.waits_ns,
            stamps_ns: sum.stamps_ns + one.stamps_ns,
            last_ns: sum.last_ns + one.last_ns,
        })
    }

    /// Waits make the kernel's figure larger only; stolen time can lie on either side of a stamp.
    pub(super) fn explain(self, check: Check, stolen: Nanos) -> Check {
        let either = self.stamps_ns + stolen.0;
        let bounds = -signed(self.waits_ns + self.last_ns + either)..=signed(either);
        let text = format!("{CLOCK_POINTS}: {}", within(&bounds));
        if self.last_ns == 0 {
            return check.explained(bounds, &[Rule::ClockPoints], text);
        }
        let ran = "it ran in what is shown as the last wait, whose end the kernel did not announce";
        check.explained(bounds, &[Rule::ClockPoints, Rule::RunningAtClose], format!("{ran}; {text}"))
    }
}

/// The last wait of a thread whose record was closed, if the kernel's CPU time says that it ran in it: beyond `slack`,
/// and no longer than that wait.
fn ran_unannounced_ns(record: &ThreadRecord, slack: u64) -> u64 {
    let End::Open { state, since_ns, .. } = record.end else { return 0 };
    let last = record.until_ns.0.saturating_sub(since_ns.0);
    let Some(kernel) = kernel_growth(record).cpu_ns.filter(|_| state != OpenState::Newborn) else { return 0 };
    let beyond = kernel.0.saturating_sub(on_cpu_compared(record) + slack);
    if (1..=last).contains(&beyond) { last } else { 0 }
}

/// The `on_cpu` that the kernel's CPU time is compared with.
pub(super) fn on_cpu_compared(record: &ThreadRecord) -> u64 {
    sum_of(record, Metric::OnCpu).saturating_sub(record.first_slice_ns.map_or(0, |slice| slice.0))
}

/// The waits, at most, in which a thread that could run was moved to another CPU.
fn moved_ns(record: &ThreadRecord) -> u64 {
    let preempted = record.samples.get(&Metric::Preempted).map(|waits| (waits.sum_ns.0, waits.max_ns.0));
    let runnable_idle = record.runnable_idle.map(|waits| (waits.sum_ns.0, waits.max_ns.0));
    let throttled = record.throttled.map(|waits| (waits.sum_ns.0, waits.max_ns.0));
    let waits = || [preempted, runnable_idle, throttled].into_iter().flatten();
    let longest = waits().map(|(_, longest)| longest).max().unwrap_or(0);
    let sum: u64 = waits().map(|(sum, _)| sum).sum();
    sum.min(kernel_growth(record).migrations.saturating_mul(longest))
}

pub(super) const CLOCK_POINTS: &str = "the kernel may start a slice at the wake-up or move, and leaves out time stolen by \
                            interrupts or a hypervisor";

/// Bounds of a difference in time, in the unit in which the difference itself is shown.
pub(super) fn within(bounds: &RangeInclusive<i64>) -> String {
    let most = figures::signed(*bounds.end());
    match *bounds.start() {
        i64::MIN => format!("at most {most} ns"),
        least => format!("{} to {most} ns", figures::signed(least)),
    }
}
