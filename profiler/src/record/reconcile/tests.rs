//! Records whose every figure is known, and what becomes of them.

use super::*;
use crate::profile::histogram::Histogram;
use crate::profile::units::Bytes;
use crate::record::fixture::{exited, usage};

fn check(checks: &[Check], quantity: Quantity, scope: Scope) -> Check {
    let found = checks.iter().find(|check| check.quantity == quantity && check.scope == scope);
    found.cloned().unwrap_or_else(|| panic!("no check of {quantity:?} over {scope:?}"))
}

fn of_thread(record: &ThreadRecord) -> Scope {
    Scope::Thread { pid: record.pid, tid: record.tid }
}

#[test]
fn a_thread_that_was_seen_whole_agrees() {
    let record = exited(100, 101);
    let checks = reconcile(std::slice::from_ref(&record), None, None);
    assert_eq!(checks.len(), QUANTITIES.len(), "only the sums: {checks:?}");
    assert!(checks.iter().all(|check| check.difference == 0), "{checks:?}");
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
fn a_wait_without_a_wake_keeps_counts_and_lifetime() {
    let mut record = exited(100, 101);
    // One of the two waits was not announced: it moves from the histograms to `unsplit`, whole.
    let blocked = record.histograms.insert(Metric::Blocked, Histogram::of([Nanos(1_000)]).unwrap()).unwrap();
    let waits =
        record.histograms.insert(Metric::RunqueueWait, Histogram::of([Nanos(10), Nanos(20)]).unwrap());
    let gone = blocked.sum_ns.0 - 1_000 + waits.unwrap().sum_ns.0 - 30;
    record.unsplit =
        Some(crate::profile::thread::Waits { count: 1, sum_ns: Nanos(gone), max_ns: Nanos(gone) });
    let checks = reconcile(std::slice::from_ref(&record), None, None);
    assert!(checks.iter().all(|check| check.difference == 0), "{checks:?}");
}

#[test]
fn wait4_leaves_out_last_switches_and_knows_what_was_before() {
    let mut leader = exited(100, 100);
    leader.newborn = false;
    leader.first_slice_ns = Some(Nanos(100));
    leader.kernel_at_start.minor_faults = 140;
    leader.kernel_at_end.minor_faults += 140;
    let records = [leader, exited(100, 101)];
    // Each thread: 3 voluntary switches, the worker's last is not in the kernel's sum; 2 faults, 140 before.
    let usage = usage(5, 2, 4 + 140);
    let reference = Reference { usage: &usage, pid: 100, follow: true, stolen_ns: Nanos(0) };
    let checks = reconcile(&records, None, Some(&reference));
    let switches = check(&checks, Quantity::VoluntarySwitches, Scope::Wait4);
    assert_eq!((switches.difference, switches.explanation.unwrap().rules), (1, vec![Rule::LastSwitch]));
    let faults = check(&checks, Quantity::MinorFaults, Scope::Wait4);
    assert_eq!((faults.difference, faults.explanation.unwrap().rules), (-140, vec![Rule::BeforeExec]));
}

#[test]
fn wait4_may_not_know_more_than_was_measured() {
    let records = [exited(100, 100)];
    let mut usage = usage(9, 1, 2);
    usage.max_rss_bytes = Bytes(1);
    let reference = Reference { usage: &usage, pid: 100, follow: true, stolen_ns: Nanos(0) };
    let checks = reconcile(&records, None, Some(&reference));
    assert!(!check(&checks, Quantity::VoluntarySwitches, Scope::Wait4).holds());
}

#[test]
fn descendants_that_nobody_waited_for_are_explained() {
    let records = [exited(100, 100), exited(200, 200)];
    let usage = usage(3, 1, 2);
    let reference = Reference { usage: &usage, pid: 100, follow: true, stolen_ns: Nanos(0) };
    let checks = reconcile(&records, None, Some(&reference));
    let faults = check(&checks, Quantity::MinorFaults, Scope::Wait4);
    assert_eq!((faults.difference, faults.explanation.unwrap().rules), (2, vec![Rule::NotWaitedFor]));
}

#[test]
fn children_that_were_not_followed_are_explained() {
    let records = [exited(100, 100)];
    let usage = usage(9, 9, 9);
    let reference = Reference { usage: &usage, pid: 100, follow: false, stolen_ns: Nanos(0) };
    let checks = reconcile(&records, None, Some(&reference));
    let faults = check(&checks, Quantity::MinorFaults, Scope::Wait4);
    assert_eq!((faults.difference, faults.explanation.unwrap().rules), (-7, vec![Rule::NotFollowed]));
}
