//! Compares what was measured with what the kernel itself counted: every thread, the sum over the threads, and
//! the run as a whole. A difference that no rule of the kernel explains is a defect.

mod clock;
#[cfg(test)]
mod tests;
mod wait4;

use super::assemble::{Seen, kernel_growth};
use super::{Census, End, ThreadRecord};
use crate::figures::count;
use clock::{ClockSlack, on_cpu_compared};
use model::metric::Metric;
use model::profile::reconciliation::{Check, Explanation, Quantity, Rule, Scope};
use model::profile::thread::{OpenState, WithoutSlot};
use model::profile::units::Nanos;
use model::profile::usage::{BeforeExec, Usage};
use std::collections::BTreeSet;

/// The kernel's figures of the run as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    /// Its figures of the child, if the target was one.
    pub child: Option<Child<'a>>,
    /// CPU time that interrupts took or a hypervisor stole during the run, at most, all CPUs together.
    pub stolen_ns: Nanos,
}

/// The kernel's figures of a child that was waited for.
#[derive(Clone, Copy, Debug)]
pub struct Child<'a> {
    /// Its usage from its exec on.
    pub usage: &'a Usage,
    /// Its usage when it called exec, which `usage` leaves out.
    pub before_exec: &'a BeforeExec,
    /// True if its children were followed.
    pub follow: bool,
}

/// Compares everything. The result holds the sums, and the threads that differ.
#[must_use]
pub fn reconcile(
    records: &[ThreadRecord],
    without_slot: Option<&WithoutSlot>,
    reference: Option<&Reference<'_>>,
) -> Vec<Check> {
    let stolen = reference.map_or(Nanos(0), |reference| reference.stolen_ns);
    let slacks: Vec<ClockSlack> = records.iter().map(ClockSlack::of).collect();
    let slack = ClockSlack::sum(&slacks);
    let threads: Vec<Vec<Check>> =
        records.iter().zip(&slacks).map(|(record, slack)| thread(record, *slack, stolen)).collect();
    let mut checks = Vec::new();
    for quantity in QUANTITIES {
        let of_threads = threads.iter().flatten().filter(|check| check.quantity == quantity);
        let of_rest = without_slot.and_then(|rest| slotless(rest, quantity));
        let sum = sum(quantity, of_threads.cloned().chain(of_rest).collect());
        checks.extend(sum.map(|sum| match quantity {
            Quantity::CpuTimeNs => cpu_time_of_all(sum, slack, stolen),
            Quantity::MinorFaults | Quantity::MajorFaults => faults_of_all(sum, records, &threads),
            _ => sum,
        }));
    }
    if let Some(child) = reference.and_then(|reference| reference.child) {
        checks.extend(wait4::compare(records, without_slot, &child, slack, stolen));
    }
    checks.extend(threads.into_iter().flatten().filter(|check| check.difference != 0));
    checks
}

/// The threads that lived at the end against the records that were open then; `None` if none lived.
#[must_use]
pub(super) fn living_threads(census: Census) -> Option<Check> {
    let Census { recorded, unrecorded } = census;
    let living = recorded + unrecorded;
    (living > 0).then(|| Check::new(Quantity::LivingThreads, Scope::Threads, living, recorded))
}

const QUANTITIES: [Quantity; 6] = [
    Quantity::VoluntarySwitches,
    Quantity::InvoluntarySwitches,
    Quantity::MinorFaults,
    Quantity::MajorFaults,
    Quantity::CpuTimeNs,
    Quantity::LifetimeNs,
];

/// The comparisons of one thread.
fn thread(record: &ThreadRecord, slack: ClockSlack, stolen: Nanos) -> Vec<Check> {
    let scope = Scope::Thread { pid: record.pid, tid: record.tid };
    let (seen, kernel) = (Seen::of(record), kernel_growth(record));
    let switch = |quantity, kernel, measured| Check::new(quantity, scope, kernel, measured);
    let running = matches!(record.end, End::Open { state: OpenState::OnCpu, .. });
    let fault = |quantity, kernel, measured| {
        let check = Check::new(quantity, scope, kernel, measured);
        if running && check.difference == 1 {
            return check.explained(1..=1, &[Rule::RunningAtClose], RUNNING_AT_CLOSE);
        }
        without_registers(check, record.faults_never_accounted)
    };
    let mut checks = vec![
        switch(Quantity::VoluntarySwitches, kernel.voluntary_switches, seen.voluntary_switches),
        switch(Quantity::InvoluntarySwitches, kernel.involuntary_switches, seen.involuntary_switches),
        fault(Quantity::MinorFaults, kernel.minor_faults, seen.minor_faults),
        fault(Quantity::MajorFaults, kernel.major_faults, seen.major_faults),
    ];
    checks.extend(kernel.cpu_ns.map(|cpu| cpu_time(record, scope, cpu, slack, stolen)));
    checks.push(lifetime(record, scope));
    checks
}

fn cpu_time(record: &ThreadRecord, scope: Scope, kernel: Nanos, slack: ClockSlack, stolen: Nanos) -> Check {
    slack.explain(Check::new(Quantity::CpuTimeNs, scope, kernel.0, on_cpu_compared(record)), stolen)
}

/// The threads share what was stolen: their sum has it once.
fn cpu_time_of_all(sum: Check, slack: ClockSlack, stolen: Nanos) -> Check {
    if !sum.holds() {
        return sum;
    }
    slack.explain(Check { explanation: None, ..sum }, stolen)
}

/// The threads' explanations in one: it says once how many faults were never accounted, of all whose figures differ.
fn faults_of_all(mut sum: Check, records: &[ThreadRecord], threads: &[Vec<Check>]) -> Check {
    let (mut never_accounted, mut doubtful) = (0, 0);
    for (record, checks) in records.iter().zip(threads) {
        let differs = |check: &&Check| check.quantity == sum.quantity && check.difference < 0;
        if let Some(check) = checks.iter().find(differs) {
            never_accounted += record.faults_never_accounted;
            doubtful += in_doubt(check, record.faults_never_accounted);
        }
    }
    if let Some(Explanation { rules, text }) = &mut sum.explanation {
        let texts = rules.iter().map(|rule| match rule {
            Rule::WithoutRegisters => taken_without_registers(never_accounted, doubtful),
            _ => RUNNING_AT_CLOSE.to_owned(),
        });
        *text = texts.collect::<Vec<_>>().join("; ");
    }
    sum
}

const RUNNING_AT_CLOSE: &str =
    "a fault ended between the reading of the counters and the closing of the record";

/// Everything a thread did against its lifetime: from its creation, or from where it was found.
fn lifetime(record: &ThreadRecord, scope: Scope) -> Check {
    let (begin, creation) = if record.newborn {
        (record.start_ns.0, record.from_ns.0.saturating_sub(record.start_ns.0))
    } else {
        (record.from_ns.0, 0)
    };
    let metrics = [Metric::OnCpu, Metric::RunqueueWait, Metric::Blocked, Metric::Preempted];
    let measured = metrics.into_iter().map(|metric| sum_of(record, metric)).sum::<u64>();
    let waits = [record.runnable_idle, record.throttled, record.unattributed_wait]
        .into_iter()
        .flatten()
        .map(|waits| waits.sum_ns.0)
        .sum::<u64>();
    let open = match record.end {
        End::Exited { .. } => 0,
        End::Open { since_ns, .. } => record.until_ns.0.saturating_sub(since_ns.0),
    };
    let found = record.found.map_or(0, |found| found.for_ns.0);
    let kernel = record.until_ns.0.saturating_sub(begin);
    Check::new(Quantity::LifetimeNs, scope, kernel, creation + found + measured + waits + open)
}

fn sum_of(record: &ThreadRecord, metric: Metric) -> u64 {
    record.samples.get(&metric).map_or(0, |samples| samples.sum_ns.0)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The counts of the threads without a slot; times are not compared, since each thread's are not known.
fn slotless(rest: &WithoutSlot, quantity: Quantity) -> Option<Check> {
    let new = |kernel, measured| Check::new(quantity, Scope::Threads, kernel, measured);
    let kernel = &rest.kernel;
    match quantity {
        Quantity::VoluntarySwitches => Some(new(kernel.voluntary_switches, rest.voluntary_switches)),
        Quantity::InvoluntarySwitches => Some(new(kernel.involuntary_switches, rest.involuntary_switches)),
        Quantity::MinorFaults => Some(without_registers(new(kernel.minor_faults, rest.minor_faults), 0)),
        Quantity::MajorFaults => Some(without_registers(new(kernel.major_faults, rest.major_faults), 0)),
        Quantity::CpuTimeNs | Quantity::LifetimeNs | Quantity::LivingThreads | Quantity::Unknown(_) => None,
    }
}

/// Explains faults that the kernel counted and that raised no event. While every fault that was entered was
/// accounted, a missing event can only be one that was never raised; else the text says how many it can't tell apart.
fn without_registers(check: Check, never_accounted: u64) -> Check {
    let text = taken_without_registers(never_accounted, in_doubt(&check, never_accounted));
    check.explained(i64::MIN..=0, &[Rule::WithoutRegisters], text)
}

/// Of the faults without an event, those that may have been entered and have lost it, at most.
fn in_doubt(check: &Check, never_accounted: u64) -> u64 {
    never_accounted.min(check.difference.unsigned_abs())
}

fn taken_without_registers(never_accounted: u64, in_doubt: u64) -> String {
    const REASON: &str =
        "taken by the kernel itself during a system call, without registers: such a fault raises no event";
    let doubt = match never_accounted {
        0 => return REASON.to_owned(),
        1 => "1 more was entered and not counted, as one is that ends in a signal or is tried again; that it was \
              counted and lost its event can't be ruled out"
            .to_owned(),
        more => format!(
            "{} more were entered and not counted, as those are that end in a signal or are tried again; that up to {} \
             of them were counted and lost their event can't be ruled out",
            count(more),
            count(in_doubt)
        ),
    };
    format!("{REASON}. {doubt}")
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
