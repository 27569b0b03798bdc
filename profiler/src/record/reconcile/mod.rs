//! Compares what was measured with what the kernel itself counted: every thread, the sum over the threads, and
//! the run as a whole. A difference that no rule of the kernel explains is a defect.

use super::assemble::{Seen, kernel_growth};
use super::{End, ThreadRecord};
use crate::profile::reconciliation::{Check, Explanation, Quantity, Rule, Scope};
use crate::profile::thread::{OpenState, WithoutSlot};
use crate::profile::units::Nanos;
use crate::profile::usage::Usage;
use profiler_ebpf::metric::Metric;
use std::collections::BTreeSet;

/// The tracepoint stands a little behind the point where the kernel stamps a switch, and the distance varies
/// from switch to switch: averages of 0.02 to 2 µs a slice were seen, this is five times the largest.
const STAMP_JITTER_NS: u64 = 10_000;

/// A hypervisor can stop the CPU between the two stamps. /proc/stat tells how much it took, in steps of 10 ms
/// (`USER_HZ`); both ends of the two columns that matter may be off by one.
const STOLEN_RESOLUTION_NS: u64 = 40_000_000;

/// What the kernel says of the run as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    /// The child's usage.
    pub usage: &'a Usage,
    /// The child's process id as in the records.
    pub pid: u32,
    /// Whether its children were followed.
    pub follow: bool,
    /// CPU time that interrupts took or a hypervisor stole during the run, all CPUs together (/proc/stat).
    pub stolen_ns: Nanos,
}

/// Compares everything. The result holds the sums, and the threads that differ.
#[must_use]
pub fn reconcile(
    records: &[ThreadRecord],
    without_slot: Option<&WithoutSlot>,
    reference: Option<&Reference<'_>>,
) -> Vec<Check> {
    let stolen = reference.map_or(Nanos(0), |reference| reference.stolen_ns);
    let threads: Vec<Vec<Check>> = records.iter().map(|record| thread(record, stolen)).collect();
    let mut checks = Vec::new();
    for quantity in QUANTITIES {
        let of_threads = threads.iter().flatten().filter(|check| check.quantity == quantity);
        let of_rest = without_slot.and_then(|rest| slotless(rest, quantity));
        checks.extend(sum(quantity, of_threads.cloned().chain(of_rest).collect()));
    }
    if let Some(reference) = reference {
        checks.extend(wait4::compare(records, without_slot, reference));
    }
    checks.extend(threads.into_iter().flatten().filter(|check| check.difference != 0));
    checks
}

const QUANTITIES: [Quantity; 6] = [
    Quantity::VoluntarySwitches,
    Quantity::InvoluntarySwitches,
    Quantity::MinorFaults,
    Quantity::MajorFaults,
    Quantity::CpuTimeNs,
    Quantity::LifetimeNs,
];

impl Check {
    /// A comparison whose difference nothing explains yet.
    fn new(quantity: Quantity, scope: Scope, kernel: u64, measured: u64) -> Self {
        let difference = i64::try_from(i128::from(measured) - i128::from(kernel)).unwrap_or(i64::MAX);
        Self { quantity, scope, kernel, measured, difference, explanation: None }
    }

    /// Adds an explanation, if there is a difference and it lies within `bounds`.
    fn explained(
        mut self,
        bounds: std::ops::RangeInclusive<i64>,
        rules: &[Rule],
        text: impl Into<String>,
    ) -> Self {
        if self.difference != 0 && bounds.contains(&self.difference) {
            self.explanation = Some(Explanation { rules: rules.to_vec(), text: text.into() });
        }
        self
    }
}

/// The comparisons of one thread.
fn thread(record: &ThreadRecord, stolen: Nanos) -> Vec<Check> {
    let scope = Scope::Thread { pid: record.pid, tid: record.tid };
    let (seen, kernel) = (Seen::of(record), kernel_growth(record));
    let running = matches!(record.end, End::Open { state: OpenState::OnCpu, .. });
    // One event may lie between the closing of a running thread's record and the reading of its counters.
    let close = i64::from(running);
    let switch = |quantity, kernel, measured| {
        Check::new(quantity, scope, kernel, measured).explained(
            -close..=close,
            &[Rule::RunningAtClose],
            "the thread was running while its record was closed",
        )
    };
    let fault = |quantity, kernel, measured| {
        Check::new(quantity, scope, kernel, measured).explained(
            i64::MIN..=close,
            &[Rule::WithoutRegisters],
            "taken by the kernel itself during a system call, without registers: such a fault raises no event",
        )
    };
    let mut checks = vec![
        switch(Quantity::VoluntarySwitches, kernel.voluntary_switches, seen.voluntary_switches),
        switch(Quantity::InvoluntarySwitches, kernel.involuntary_switches, seen.involuntary_switches),
        fault(Quantity::MinorFaults, kernel.minor_faults, seen.minor_faults),
        fault(Quantity::MajorFaults, kernel.major_faults, seen.major_faults),
    ];
    checks.extend(kernel.cpu_ns.map(|cpu| cpu_time(record, scope, cpu, stolen)));
    checks.push(lifetime(record, scope));
    checks
}

fn cpu_time(record: &ThreadRecord, scope: Scope, kernel: Nanos, stolen: Nanos) -> Check {
    let measured =
        sum_of(record, Metric::OnCpu).saturating_sub(record.first_slice_ns.map_or(0, |slice| slice.0));
    let bound = signed(clock_slack(record) + stolen.0 + STOLEN_RESOLUTION_NS);
    Check::new(Quantity::CpuTimeNs, scope, kernel.0, measured).explained(
        -bound..=bound,
        &[Rule::ClockPoints],
        CLOCK_POINTS,
    )
}

const CLOCK_POINTS: &str =
    "the kernel may start a slice at the wake-up, and leaves out time stolen by interrupts or a hypervisor";

/// By how much the kernel's CPU time of a thread may exceed its `on_cpu`: each wait may count as running from
/// the wake-up on (kernel/sched/core.c `rq_clock_skip_update`), and stamps differ a little.
fn clock_slack(record: &ThreadRecord) -> u64 {
    let slices = record.histograms.get(&Metric::OnCpu).map_or(0, |histogram| histogram.count);
    let unsplit = record.unsplit.map_or(0, |unsplit| unsplit.sum_ns.0);
    sum_of(record, Metric::RunqueueWait) + unsplit + slices * STAMP_JITTER_NS
}

/// Everything a thread did against its lifetime: from its creation, or from where it was found.
fn lifetime(record: &ThreadRecord, scope: Scope) -> Check {
    let (begin, creation) = if record.newborn {
        (record.start_ns.0, record.from_ns.0.saturating_sub(record.start_ns.0))
    } else {
        (record.from_ns.0, 0)
    };
    let metrics = [Metric::OnCpu, Metric::RunqueueWait, Metric::Blocked, Metric::Preempted];
    let measured = metrics.into_iter().map(|metric| sum_of(record, metric)).sum::<u64>();
    let waits =
        [record.held_back, record.unsplit].into_iter().flatten().map(|waits| waits.sum_ns.0).sum::<u64>();
    let open = match record.end {
        End::Exited { .. } => 0,
        End::Open { since_ns, .. } => record.until_ns.0.saturating_sub(since_ns.0),
    };
    let kernel = record.until_ns.0.saturating_sub(begin);
    Check::new(Quantity::LifetimeNs, scope, kernel, creation + measured + waits + open)
}

fn sum_of(record: &ThreadRecord, metric: Metric) -> u64 {
    record.histograms.get(&metric).map_or(0, |histogram| histogram.sum_ns.0)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The counts of the threads without a slot; times are not compared, since each thread's are not known.
fn slotless(rest: &WithoutSlot, quantity: Quantity) -> Option<Check> {
    let new = |kernel, measured| Check::new(quantity, Scope::Threads, kernel, measured);
    let faults = rest.kernel.minor_faults + rest.kernel.major_faults;
    match quantity {
        Quantity::VoluntarySwitches => Some(new(rest.kernel.voluntary_switches, rest.voluntary_switches)),
        Quantity::InvoluntarySwitches => {
            Some(new(rest.kernel.involuntary_switches, rest.involuntary_switches))
        }
        Quantity::MinorFaults => Some(new(rest.kernel.minor_faults, rest.minor_faults)),
        Quantity::MajorFaults => Some(new(rest.kernel.major_faults, rest.major_faults)),
        Quantity::CpuTimeNs | Quantity::LifetimeNs => None,
    }
    .map(|check| {
        check.explained(
            -signed(faults)..=0,
            &[Rule::WithoutRegisters],
            "taken by the kernel without registers",
        )
    })
}

/// The sum of comparisons: explained if each of them holds.
fn sum(quantity: Quantity, parts: Vec<Check>) -> Option<Check> {
    if parts.is_empty() {
        return None;
    }
    let kernel = parts.iter().map(|part| part.kernel).sum();
    let measured = parts.iter().map(|part| part.measured).sum();
    let mut total = Check::new(quantity, Scope::Threads, kernel, measured);
    if total.difference != 0 && parts.iter().all(Check::holds) {
        let explanations = || parts.iter().filter_map(|part| part.explanation.as_ref());
        let rules: BTreeSet<Rule> =
            explanations().flat_map(|explanation| explanation.rules.clone()).collect();
        let texts: BTreeSet<&str> = explanations().map(|explanation| explanation.text.as_str()).collect();
        let text = texts.into_iter().collect::<Vec<_>>().join("; ");
        total.explanation = Some(Explanation { rules: rules.into_iter().collect(), text });
    }
    Some(total)
}

mod wait4;

#[cfg(test)]
mod tests;
