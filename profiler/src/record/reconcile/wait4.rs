//! The run as a whole against what `wait4` reports of the child.
//!
//! `wait4` knows the child and those of its descendants that somebody waited for, from the child's creation on,
//! and each thread up to the moment where its counters are added to its process's (kernel/exit.c
//! `__exit_signal`), which is before the thread's last switch.

use super::clock::{CLOCK_POINTS, ClockSlack, within};
use super::{Check, Child, signed, sum_of};
use crate::figures::count;
use crate::record::ThreadRecord;
use crate::record::assemble::{Seen, kernel_growth};
use model::metric::Metric;
use model::profile::reconciliation::{Quantity, Rule, Scope};
use model::profile::thread::WithoutSlot;
use model::profile::units::Nanos;
use model::profile::usage::BeforeExec;

/// One quantity by the records, and the bounds within which `wait4` may differ.
#[derive(Default)]
struct Expected {
    measured: u64,
    /// Counted by the kernel while it executed the child's command.
    before_exec: u64,
    /// Counted by the kernel and not measured.
    without_event: u64,
    /// Counted after a thread's counters were added up, at most.
    late: u64,
    /// Measured in other processes than the child, which nobody may have waited for.
    descendants: u64,
}

impl Expected {
    /// Adds what threads did, as measured and as the kernel counted it.
    fn add(&mut self, measured: u64, kernel: u64, late: u64, is_child: bool) {
        self.measured += measured;
        self.without_event += kernel.saturating_sub(measured);
        self.late += late;
        self.descendants += if is_child { 0 } else { kernel };
    }

    fn check(&self, quantity: Quantity, kernel: u64, follow: bool) -> Check {
        let check = Check::new(quantity, Scope::Wait4, kernel, self.measured);
        // kernel = measured + before_exec + without_event - late - unwaited
        let exact = -signed(self.before_exec + self.without_event);
        let least = if follow { exact } else { i64::MIN };
        let bounds = least..=exact + signed(self.late + self.descendants);
        let (mut rules, mut texts) = (Vec::new(), Vec::new());
        let mut add = |applies: bool, rule, text: String| {
            if applies {
                rules.push(rule);
                texts.push(text);
            }
        };
        let beyond = check.difference > exact + signed(self.late);
        add(
            self.before_exec > 0,
            Rule::BeforeExec,
            format!("{} while the kernel executed the command", count(self.before_exec)),
        );
        add(self.without_event > 0, Rule::WithoutRegisters, without_event(self.without_event));
        add(
            self.late > 0 && check.difference > exact,
            Rule::LastSwitch,
            "a thread's last switch comes after its counters were added to its process's".to_owned(),
        );
        add(
            beyond,
            Rule::NotWaitedFor,
            "descendants that nobody waited for are not in wait4's figures".to_owned(),
        );
        add(check.difference < exact, Rule::NotFollowed, NOT_FOLLOWED.to_owned());
        check.explained(bounds, &rules, texts.join("; "))
    }
}

fn without_event(faults: u64) -> String {
    let raise = if faults == 1 { "raises" } else { "raise" };
    format!("{} taken without registers, which {raise} no event", count(faults))
}

const NOT_FOLLOWED: &str = "children that were waited for are in wait4's figures, and were not followed";

/// The quantities that are counted one by one, in the order of [`counts`].
const COUNTED: [Quantity; 4] = [
    Quantity::VoluntarySwitches,
    Quantity::InvoluntarySwitches,
    Quantity::MinorFaults,
    Quantity::MajorFaults,
];

/// The most of each that a thread may add after its counters were added to its process's: its last switch.
const LATE: [u64; 4] = [1, 1, 0, 0];

/// The counts of anything that has them, as [`COUNTED`] orders them.
macro_rules! counts {
    ($of:expr) => {{
        let of = $of;
        [of.voluntary_switches, of.involuntary_switches, of.minor_faults, of.major_faults]
    }};
}

pub(super) fn compare(
    records: &[ThreadRecord],
    without_slot: Option<&WithoutSlot>,
    reference: &Child<'_>,
    slack: ClockSlack,
    stolen: Nanos,
) -> Vec<Check> {
    let usage = reference.usage;
    let kernel = counts!(usage);
    let expected = expected(records, without_slot, reference.before_exec);
    let counted = COUNTED.into_iter().zip(kernel).zip(expected);
    let mut checks: Vec<Check> = counted
        .map(|((quantity, kernel), expected)| expected.check(quantity, kernel, reference.follow))
        .collect();
    checks.extend(cpu_time(records, without_slot, reference, slack, stolen));
    checks
}

/// The child's process: the one that was not born during the recording but executed its command in it.
fn child(records: &[ThreadRecord]) -> Option<u32> {
    records.iter().find(|record| !record.newborn).map(|record| record.pid)
}

/// In the order of [`COUNTED`].
fn expected(
    records: &[ThreadRecord],
    without_slot: Option<&WithoutSlot>,
    before_exec: &BeforeExec,
) -> [Expected; 4] {
    let mut all: [Expected; 4] = Default::default();
    let child = child(records);
    let before_exec = counts!(before_exec);
    for record in records {
        let (measured, kernel) = (counts!(Seen::of(record)), counts!(kernel_growth(record)));
        let at_start = counts!(&record.kernel_at_start);
        let is_child = Some(record.pid) == child;
        for (n, expected) in all.iter_mut().enumerate() {
            // The exec itself: what the thread had used when it was found, less what it had when it called exec.
            expected.before_exec += at_start[n].saturating_sub(before_exec[n]);
            expected.add(measured[n], kernel[n], LATE[n], is_child);
        }
    }
    if let Some(rest) = without_slot {
        let (measured, kernel) = (counts!(rest), counts!(&rest.kernel));
        for (n, expected) in all.iter_mut().enumerate() {
            // Their processes are not known.
            expected.add(measured[n], kernel[n], LATE[n] * rest.threads, false);
        }
    }
    all
}

/// The sum of all slices against user and system time.
fn cpu_time(
    records: &[ThreadRecord],
    without_slot: Option<&WithoutSlot>,
    reference: &Child<'_>,
    slack: ClockSlack,
    stolen: Nanos,
) -> Option<Check> {
    let kernel = reference.usage.total_cpu()?.0;
    let slotless = |metric: Metric| {
        without_slot
            .and_then(|rest| rest.metrics.get(metric.name()))
            .map_or(0, |histogram| histogram.sum_ns.0)
    };
    let measured =
        records.iter().map(|record| sum_of(record, Metric::OnCpu)).sum::<u64>() + slotless(Metric::OnCpu);
    // CPU time that a thread found running had used before, its first slice taken away, less its time when it
    // called exec.
    let before = records
        .iter()
        .filter_map(|record| Some(record.kernel_at_start.cpu_ns.0.saturating_sub(record.first_slice_ns?.0)))
        .sum::<u64>()
        .saturating_sub(reference.before_exec.user_ns.0 + reference.before_exec.system_ns.0);
    let child = child(records);
    let others = records.iter().filter(|record| Some(record.pid) != child);
    let descendants =
        others.map(|record| sum_of(record, Metric::OnCpu)).sum::<u64>() + slotless(Metric::OnCpu);
    let either = slack.stamps_ns + stolen.0;
    let waits = slack.waits_ns + slack.last_ns + slotless(Metric::RunqueueWait);
    // A last slice that ends after the counters were added up is not longer than all of the thread's slices.
    let last = records.iter().filter_map(last_slice_at_most).sum::<u64>();
    let least = if reference.follow { -signed(before + waits + either) } else { i64::MIN };
    let most = signed(either + last + descendants);
    let text = format!(
        "{} ns while the kernel executed the command; {CLOCK_POINTS}: in all {}",
        count(before),
        within(&(least..=most))
    );
    let check = Check::new(Quantity::CpuTimeNs, Scope::Wait4, kernel, measured);
    if !reference.follow && check.difference < -signed(before) {
        let rules = [Rule::BeforeExec, Rule::NotFollowed, Rule::ClockPoints];
        return Some(check.explained(least..=most, &rules, format!("{NOT_FOLLOWED}; {text}")));
    }
    Some(check.explained(least..=most, &[Rule::BeforeExec, Rule::LastSwitch, Rule::ClockPoints], text))
}

fn last_slice_at_most(record: &ThreadRecord) -> Option<u64> {
    Some(record.samples.get(&Metric::OnCpu)?.max_ns.0)
}
