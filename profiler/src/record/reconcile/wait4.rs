//! The run as a whole against what `wait4` reports of the child.
//!
//! `wait4` knows the child and those of its descendants that somebody waited for, from the child's creation on,
//! and each thread up to the moment where its counters are added to its process's (kernel/exit.c
//! `__exit_signal`), which is before the thread's last switch.

use super::{CLOCK_POINTS, Check, ClockSlack, Reference, signed, sum_of};
use crate::profile::reconciliation::{Quantity, Rule, Scope};
use crate::profile::thread::WithoutSlot;
use crate::profile::usage::BeforeExec;
use crate::record::ThreadRecord;
use crate::record::assemble::{Seen, kernel_growth};
use profiler_ebpf::metric::Metric;

/// What the records say of one quantity, and by how much `wait4` may differ.
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
            format!("{} while the kernel executed the command", self.before_exec),
        );
        add(
            self.without_event > 0,
            Rule::WithoutRegisters,
            format!("{} taken without registers, which raise no event", self.without_event),
        );
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

const NOT_FOLLOWED: &str = "children that were waited for are in wait4's figures, and were not followed";

pub(super) fn compare(
    records: &[ThreadRecord],
    without_slot: Option<&WithoutSlot>,
    reference: &Reference<'_>,
) -> Vec<Check> {
    let usage = reference.usage;
    let [voluntary, involuntary, minor, major] = expected(records, without_slot, reference.before_exec);
    vec![
        voluntary.check(Quantity::VoluntarySwitches, usage.voluntary_switches, reference.follow),
        involuntary.check(Quantity::InvoluntarySwitches, usage.involuntary_switches, reference.follow),
        minor.check(Quantity::MinorFaults, usage.minor_faults, reference.follow),
        major.check(Quantity::MajorFaults, usage.major_faults, reference.follow),
        cpu_time(records, without_slot, reference),
    ]
}

/// The child's process: the one that was not born during the recording but executed its command in it.
fn child(records: &[ThreadRecord]) -> Option<u32> {
    records.iter().find(|record| !record.newborn).map(|record| record.pid)
}

/// In the order voluntary switches, involuntary switches, minor faults, major faults.
fn expected(
    records: &[ThreadRecord],
    without_slot: Option<&WithoutSlot>,
    before_exec: &BeforeExec,
) -> [Expected; 4] {
    let mut all: [Expected; 4] = Default::default();
    let child = child(records);
    for record in records {
        let (seen, kernel) = (Seen::of(record), kernel_growth(record));
        // The exec itself: what the thread had used when it was found, less what it had when it called exec.
        let start = &record.kernel_at_start;
        let during_exec = |at_start: u64, before: u64| at_start.saturating_sub(before);
        let rows = [
            (
                seen.voluntary_switches,
                kernel.voluntary_switches,
                during_exec(start.voluntary_switches, before_exec.voluntary_switches),
                1,
            ),
            (
                seen.involuntary_switches,
                kernel.involuntary_switches,
                during_exec(start.involuntary_switches, before_exec.involuntary_switches),
                1,
            ),
            (
                seen.minor_faults,
                kernel.minor_faults,
                during_exec(start.minor_faults, before_exec.minor_faults),
                0,
            ),
            (
                seen.major_faults,
                kernel.major_faults,
                during_exec(start.major_faults, before_exec.major_faults),
                0,
            ),
        ];
        for (expected, (measured, kernel, before, late)) in all.iter_mut().zip(rows) {
            expected.measured += measured;
            expected.before_exec += before;
            expected.without_event += kernel.saturating_sub(measured);
            expected.late += late;
            expected.descendants += if Some(record.pid) == child { 0 } else { kernel };
        }
    }
    if let Some(rest) = without_slot {
        let rows = [
            (rest.voluntary_switches, rest.kernel.voluntary_switches, rest.threads),
            (rest.involuntary_switches, rest.kernel.involuntary_switches, rest.threads),
            (rest.minor_faults, rest.kernel.minor_faults, 0),
            (rest.major_faults, rest.kernel.major_faults, 0),
        ];
        for (expected, (measured, kernel, late)) in all.iter_mut().zip(rows) {
            expected.measured += measured;
            expected.without_event += kernel.saturating_sub(measured);
            expected.late += late;
            // Which processes they belong to is not known.
            expected.descendants += kernel;
        }
    }
    all
}

/// The sum of all slices against user and system time.
fn cpu_time(
    records: &[ThreadRecord],
    without_slot: Option<&WithoutSlot>,
    reference: &Reference<'_>,
) -> Check {
    let kernel = reference.usage.user_ns.0 + reference.usage.system_ns.0;
    let slotless = |metric: Metric| {
        without_slot
            .and_then(|rest| rest.metrics.get(metric.name()))
            .map_or(0, |histogram| histogram.sum_ns.0)
    };
    let measured =
        records.iter().map(|record| sum_of(record, Metric::OnCpu)).sum::<u64>() + slotless(Metric::OnCpu);
    // What a thread that was found running had used before, its first slice taken away, less what it had when it
    // called exec.
    let before = records
        .iter()
        .filter_map(|record| Some(record.kernel_at_start.cpu_ns.saturating_sub(record.first_slice_ns?.0)))
        .sum::<u64>()
        .saturating_sub(reference.before_exec.user_ns.0 + reference.before_exec.system_ns.0);
    let child = child(records);
    let others = records.iter().filter(|record| Some(record.pid) != child);
    let descendants =
        others.map(|record| sum_of(record, Metric::OnCpu)).sum::<u64>() + slotless(Metric::OnCpu);
    let slack = records.iter().map(ClockSlack::of).fold(ClockSlack::default(), ClockSlack::plus);
    let either = slack.stamps_ns + reference.stolen_ns.0;
    let waits = slack.waits_ns + slotless(Metric::RunqueueWait);
    // A last slice that ends after the counters were added up is not longer than all of the thread's slices.
    let last = records.iter().filter_map(last_slice_at_most).sum::<u64>();
    let least = if reference.follow { -signed(before + waits + either) } else { i64::MIN };
    let most = signed(either + last + descendants);
    let before_us = before / 1000;
    let text = format!("{before_us} µs while the kernel executed the command; {CLOCK_POINTS}");
    let check = Check::new(Quantity::CpuTimeNs, Scope::Wait4, kernel, measured);
    if !reference.follow && check.difference < -signed(before) {
        let rules = [Rule::BeforeExec, Rule::NotFollowed, Rule::ClockPoints];
        return check.explained(least..=most, &rules, format!("{NOT_FOLLOWED}; {text}"));
    }
    check.explained(least..=most, &[Rule::BeforeExec, Rule::LastSwitch, Rule::ClockPoints], text)
}

fn last_slice_at_most(record: &ThreadRecord) -> Option<u64> {
    Some(record.histograms.get(&Metric::OnCpu)?.max_ns.0)
}
