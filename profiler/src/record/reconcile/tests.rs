//! Records whose every figure is known, and what becomes of them.

use super::clock::STAMP_JITTER_NS;
use super::*;
use crate::record::fixture::{exited, found, usage};
use crate::record::samples::Samples;
use model::profile::thread::Found;
use model::profile::units::Bytes;
use model::profile::usage::BeforeExec;
use std::collections::BTreeMap;

fn check(checks: &[Check], quantity: Quantity, scope: Scope) -> Check {
    let found = checks.iter().find(|check| check.quantity == quantity && check.scope == scope);
    found.cloned().unwrap_or_else(|| panic!("no check of {quantity:?} over {scope:?}"))
}

fn of_thread(record: &ThreadRecord) -> Scope {
    Scope::Thread { pid: record.pid, tid: record.tid }
}

fn reference<'a>(
    usage: &'a Usage,
    before_exec: &'a BeforeExec,
    follow: bool,
    stolen_ns: Nanos,
) -> Reference<'a> {
    Reference { child: Some(Child { usage, before_exec, follow }), stolen_ns }
}

#[test]
fn a_thread_that_was_seen_whole_agrees() {
    let record = exited(100, 101);
    let checks = reconcile(std::slice::from_ref(&record), None, None);
    assert_eq!(checks.len(), QUANTITIES.len(), "only the sums: {checks:?}");
    assert!(checks.iter().all(|check| check.difference == 0), "{checks:?}");
}

/// Its counters were not zero, and what it was doing had begun before.
#[test]
fn a_thread_that_was_met_agrees_from_there_on() {
    let mut record = exited(100, 101);
    record.newborn = false;
    record.from_ns.0 -= 400;
    record.found = Some(Found { state: OpenState::Blocked, for_ns: Nanos(400) });
    for counters in [&mut record.kernel_at_start, &mut record.kernel_at_end] {
        counters.voluntary_switches += 70;
        counters.minor_faults += 9;
        counters.cpu_ns.0 += 5_000;
    }
    let checks = reconcile(std::slice::from_ref(&record), None, None);
    assert_eq!(checks.len(), QUANTITIES.len(), "only the sums: {checks:?}");
    assert!(checks.iter().all(|check| check.difference == 0), "{checks:?}");
}

#[test]
fn a_wait_that_had_begun_before_is_no_switch() {
    let mut record = exited(100, 101);
    (record.newborn, record.samples) = (false, BTreeMap::new());
    record.kernel_at_start = record.kernel_at_end;
    let end =
        |found| End::Open { state: OpenState::Blocked, since_ns: record.from_ns, woken_ns: None, found };
    let switches = |found| {
        let record = ThreadRecord { end: end(found), ..record.clone() };
        let checks = reconcile(&[record], None, None);
        (
            check(&checks, Quantity::VoluntarySwitches, Scope::Threads).difference,
            check(&checks, Quantity::LifetimeNs, Scope::Threads).difference,
        )
    };
    assert_eq!(switches(true), (0, 0));
    assert_eq!(switches(false), (1, 0));
}

#[test]
fn a_missed_switch_is_a_defect() {
    let mut record = exited(100, 101);
    record.kernel_at_end.voluntary_switches += 1;
    let checks = reconcile(std::slice::from_ref(&record), None, None);
    for scope in [of_thread(&record), Scope::Threads] {
        let check = check(&checks, Quantity::VoluntarySwitches, scope);
        assert_eq!((check.difference, check.holds()), (-1, false), "{check:?}");
    }
}

#[test]
fn a_running_thread_may_be_one_fault_ahead_and_no_switch() {
    let mut record = exited(100, 101);
    record.end =
        End::Open { state: OpenState::OnCpu, since_ns: record.until_ns, woken_ns: None, found: false };
    let (seen, kernel) = (Seen::of(&record), &mut record.kernel_at_end);
    kernel.voluntary_switches = seen.voluntary_switches;
    kernel.minor_faults = seen.minor_faults - 1;
    let checks = reconcile(std::slice::from_ref(&record), None, None);
    let faults = check(&checks, Quantity::MinorFaults, of_thread(&record));
    assert_eq!(faults.explanation.unwrap().rules, [Rule::RunningAtClose]);

    record.kernel_at_end.voluntary_switches += 1;
    record.kernel_at_end.minor_faults -= 1;
    let checks = reconcile(std::slice::from_ref(&record), None, None);
    for quantity in [Quantity::VoluntarySwitches, Quantity::MinorFaults] {
        assert!(!check(&checks, quantity, of_thread(&record)).holds(), "{checks:?}");
    }
}

#[test]
fn time_that_is_missing_is_a_defect() {
    let mut record = exited(100, 101);
    record.until_ns.0 += 1;
    let checks = reconcile(std::slice::from_ref(&record), None, None);
    assert!(!check(&checks, Quantity::LifetimeNs, of_thread(&record)).holds());
}

#[test]
fn a_fault_without_registers_is_explained_and_a_surplus_is_not() {
    let mut record = exited(100, 101);
    record.kernel_at_end.minor_faults += 2;
    let checks = reconcile(std::slice::from_ref(&record), None, None);
    let explanation = check(&checks, Quantity::MinorFaults, Scope::Threads).explanation.unwrap();
    assert_eq!(explanation.rules, [Rule::WithoutRegisters]);

    record.kernel_at_end.minor_faults -= 3;
    let checks = reconcile(std::slice::from_ref(&record), None, None);
    assert!(!check(&checks, Quantity::MinorFaults, Scope::Threads).holds());
}

#[test]
fn a_slice_may_start_as_the_thread_is_moved_and_only_then() {
    let mut record = exited(100, 101);
    let waits = Samples::of([1_000_000, 2_000_000]);
    record.samples.insert(Metric::Preempted, waits.unwrap());
    let holds = |record: &ThreadRecord| {
        let checks = reconcile(std::slice::from_ref(record), None, None);
        check(&checks, Quantity::CpuTimeNs, of_thread(record)).holds()
    };
    record.kernel_at_end.cpu_ns.0 += 2_000_000;
    assert!(holds(&record), "moved once, in the longer of the two");
    record.kernel_at_end.cpu_ns.0 += 1_000_000;
    assert!(!holds(&record), "in the one or the other");
    record.kernel_at_end.migrations = 2;
    assert!(holds(&record));
    record.kernel_at_end.migrations = 0;
    assert!(!holds(&record));
}

#[test]
fn a_thread_may_run_unannounced_in_its_last_wait_and_no_longer_than_that() {
    let mut record = exited(100, 101);
    let since_ns = record.until_ns;
    record.until_ns = since_ns + Nanos(1_000_000);
    record.end = End::Open { state: OpenState::Preempted, since_ns, woken_ns: None, found: false };
    let explanation = |record: &ThreadRecord| {
        let checks = reconcile(std::slice::from_ref(record), None, None);
        let (one, all) = (of_thread(record), Scope::Threads);
        let found = [one, all].map(|scope| check(&checks, Quantity::CpuTimeNs, scope).explanation);
        assert_eq!(found[0].is_some(), found[1].is_some());
        found[0].clone()
    };
    record.kernel_at_end.cpu_ns.0 += 900_000;
    assert_eq!(explanation(&record).unwrap().rules, [Rule::ClockPoints, Rule::RunningAtClose]);
    record.kernel_at_end.cpu_ns.0 += 200_000;
    assert_eq!(explanation(&record), None, "more than the wait");
}

#[test]
fn a_wait_without_a_wake_keeps_counts_and_lifetime() {
    let mut record = exited(100, 101);
    // One of the two waits was not announced: it moves from the histograms to `unattributed_wait`, whole.
    let blocked = record.samples.insert(Metric::Blocked, Samples::of([1_000]).unwrap()).unwrap();
    let waits = record.samples.insert(Metric::RunqueueWait, Samples::of([10, 20]).unwrap());
    let gone = blocked.sum_ns.0 - 1_000 + waits.unwrap().sum_ns.0 - 30;
    record.unattributed_wait =
        Some(model::profile::thread::Waits { count: 1, sum_ns: Nanos(gone), max_ns: Nanos(gone) });
    let checks = reconcile(std::slice::from_ref(&record), None, None);
    assert!(checks.iter().all(|check| check.difference == 0), "{checks:?}");
}

#[test]
fn wait4_leaves_out_last_switches_and_knows_what_was_before() {
    let mut leader = found(100);
    leader.kernel_at_start.minor_faults = 140;
    leader.kernel_at_end.minor_faults += 140;
    let records = [leader, exited(100, 101)];
    // Each thread: 3 voluntary switches, the worker's last is not in the kernel's sum; 2 faults, and 140 before, of
    // which 120 before the exec, which are not in the usage.
    let usage = usage(5, 2, 4 + 20);
    let before_exec = BeforeExec { minor_faults: 120, ..BeforeExec::default() };
    let reference = reference(&usage, &before_exec, true, Nanos(0));
    let checks = reconcile(&records, None, Some(&reference));
    let switches = check(&checks, Quantity::VoluntarySwitches, Scope::Wait4);
    assert_eq!((switches.difference, switches.explanation.unwrap().rules), (1, vec![Rule::LastSwitch]));
    let faults = check(&checks, Quantity::MinorFaults, Scope::Wait4);
    assert_eq!((faults.difference, faults.explanation.unwrap().rules), (-20, vec![Rule::BeforeExec]));
}

#[test]
fn wait4_may_not_know_more_than_was_measured() {
    let records = [found(100)];
    let mut usage = usage(9, 1, 2);
    usage.max_rss_bytes = Some(Bytes(1));
    let before_exec = BeforeExec::default();
    let reference = reference(&usage, &before_exec, true, Nanos(0));
    let checks = reconcile(&records, None, Some(&reference));
    assert!(!check(&checks, Quantity::VoluntarySwitches, Scope::Wait4).holds());
}

#[test]
fn descendants_that_nobody_waited_for_are_explained() {
    let records = [found(100), exited(200, 200)];
    let usage = usage(3, 1, 2);
    let before_exec = BeforeExec::default();
    let reference = reference(&usage, &before_exec, true, Nanos(0));
    let checks = reconcile(&records, None, Some(&reference));
    let faults = check(&checks, Quantity::MinorFaults, Scope::Wait4);
    assert_eq!((faults.difference, faults.explanation.unwrap().rules), (2, vec![Rule::NotWaitedFor]));
}

#[test]
fn children_that_were_not_followed_are_explained() {
    let records = [found(100)];
    let usage = usage(9, 9, 9);
    let before_exec = BeforeExec::default();
    let reference = reference(&usage, &before_exec, false, Nanos(0));
    let checks = reconcile(&records, None, Some(&reference));
    let faults = check(&checks, Quantity::MinorFaults, Scope::Wait4);
    assert_eq!((faults.difference, faults.explanation.unwrap().rules), (-7, vec![Rule::NotFollowed]));
}

#[test]
fn time_on_the_cpu_that_the_kernel_does_not_know_of_is_a_defect() {
    let mut record = exited(100, 101);
    let within = 4 * STAMP_JITTER_NS;
    record.kernel_at_end.cpu_ns.0 = 500_000;
    let slices = [400_000, 100_000, 10_000, 10_000].map(|ns| ns + within / 4);
    record.samples.insert(Metric::OnCpu, Samples::of(slices).unwrap());
    let scope = of_thread(&record);
    let cpu = |record: &ThreadRecord| {
        check(&reconcile(std::slice::from_ref(record), None, None), Quantity::CpuTimeNs, scope)
    };
    assert_eq!(cpu(&record).difference, 60_000);
    assert!(!cpu(&record).holds(), "more than stamps can differ");
    record.kernel_at_end.cpu_ns.0 += 20_000;
    assert!(cpu(&record).holds());
}

#[test]
fn half_of_the_time_on_the_cpu_missing_is_a_defect() {
    let mut record = exited(100, 101);
    // The waits on the run queue take 60 ns: no more than that can be the kernel's.
    record.kernel_at_end.cpu_ns.0 = 2 * (1_000 + 60 + 4 * STAMP_JITTER_NS);
    let checks = reconcile(std::slice::from_ref(&record), None, None);
    for scope in [of_thread(&record), Scope::Threads] {
        assert!(!check(&checks, Quantity::CpuTimeNs, scope).holds());
    }
}

#[test]
fn threads_share_what_was_stolen() {
    let stolen = 1_000_000;
    let mut records = [exited(100, 101), exited(100, 102)];
    for record in &mut records {
        record.kernel_at_end.cpu_ns.0 += stolen;
    }
    let usage = usage(6, 2, 4);
    let before_exec = BeforeExec::default();
    let reference = reference(&usage, &before_exec, true, Nanos(stolen));
    let checks = reconcile(&records, None, Some(&reference));
    assert!(records.iter().all(|record| check(&checks, Quantity::CpuTimeNs, of_thread(record)).holds()));
    assert!(!check(&checks, Quantity::CpuTimeNs, Scope::Threads).holds(), "twice as much as was stolen");
}

#[test]
fn faults_do_not_explain_switches() {
    let rest = WithoutSlot {
        threads: 1,
        voluntary_switches: 3,
        involuntary_switches: 0,
        minor_faults: 5,
        major_faults: 0,
        runnable_idle: 0,
        throttled: 0,
        unattributed_wait: 0,
        inferred_switch_ins: 0,
        metrics: std::collections::BTreeMap::new(),
        kernel: model::profile::thread::KernelCounters {
            voluntary_switches: 4,
            involuntary_switches: 0,
            minor_faults: 6,
            major_faults: 0,
            cpu_ns: None,
            migrations: 0,
        },
    };
    let checks = reconcile(&[], Some(&rest), None);
    assert!(!check(&checks, Quantity::VoluntarySwitches, Scope::Threads).holds());
    assert!(check(&checks, Quantity::MinorFaults, Scope::Threads).holds());
}

#[test]
fn a_fault_that_was_never_accounted_is_named() {
    let mut record = exited(100, 101);
    record.kernel_at_end.minor_faults += 1;
    record.faults_never_accounted = 3;
    let checks = reconcile(std::slice::from_ref(&record), None, None);
    let explanation = check(&checks, Quantity::MinorFaults, Scope::Threads).explanation.unwrap();
    assert!(explanation.text.contains("3 more were entered"), "{}", explanation.text);
}

#[test]
fn a_sum_explains_once_what_explains_its_threads() {
    let mut records = [exited(100, 101), exited(100, 102), exited(100, 103), exited(100, 104)];
    for (record, never_accounted) in records.iter_mut().zip([1_000, 1, 0]) {
        record.kernel_at_end.minor_faults += 5;
        record.faults_never_accounted = never_accounted;
    }
    // This one's figures agree, so nothing of it is explained.
    records[3].faults_never_accounted = 7;
    let checks = reconcile(&records, None, None);
    let text = |scope| check(&checks, Quantity::MinorFaults, scope).explanation.unwrap().text;
    let sum = text(Scope::Threads);
    assert!(sum.contains(". 1,001 more were entered and not counted, "), "{sum}");
    assert!(sum.contains(" up to 6 of them "), "5 of the first and 1 of the second: {sum}");
    assert_eq!(sum.matches("without registers").count(), 1, "{sum}");
    let one = text(of_thread(&records[1]));
    assert!(one.contains(". 1 more was entered and not counted, "), "{one}");
}

#[test]
fn the_bounds_of_cpu_time_are_given_in_the_unit_of_the_difference() {
    let mut record = found(100);
    record.kernel_at_end.cpu_ns.0 += 50;
    let mut usage = usage(3, 1, 2);
    let checks = |usage: &Usage, follow| {
        let child = Child { usage, before_exec: &BeforeExec::default(), follow };
        let reference = Reference { child: Some(child), stolen_ns: Nanos(1_234_567) };
        reconcile(std::slice::from_ref(&record), None, Some(&reference))
    };
    let text = |checks: &[Check], scope| check(checks, Quantity::CpuTimeNs, scope).explanation.unwrap().text;
    let followed = checks(&usage, true);
    // Four slices, waits of 60 ns and a move within 50 ns; the child's last slice, of 400 ns at most, may count late.
    let of_threads = text(&followed, Scope::Threads);
    assert!(of_threads.ends_with(": −1,274,677 to +1,274,567 ns"), "{of_threads}");
    let of_wait4 = text(&followed, Scope::Wait4);
    assert!(of_wait4.ends_with(": in all −1,274,677 to +1,274,967 ns"), "{of_wait4}");
    usage.user_ns = Some(Nanos(90_000_000));
    let of_wait4 = text(&checks(&usage, false), Scope::Wait4);
    assert!(of_wait4.ends_with(": in all at most +1,274,967 ns"), "{of_wait4}");
}
