//! Hostile conditions, by machines and by users: each is a test, and the counts stay exact in all of them.

mod cpus;
mod disk;
mod exhausted;
mod identity;
mod killed;
pub(crate) mod namespaces;
mod outlived;
mod soak;
mod stopped;
mod throttled;
mod two_profilers;

use crate::support::{Outcome, eventually, ready_pid};
use libtest_mimic::Trial;
use model::metric::Metric;
use model::profile::reconciliation::{Check, Quantity, Scope};
use model::profile::thread::Thread;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) fn tests() -> Vec<Trial> {
    [
        killed::tests(),
        stopped::tests(),
        disk::tests(),
        two_profilers::tests(),
        identity::tests(),
        namespaces::tests(),
        throttled::tests(),
        cpus::tests(),
        exhausted::tests(),
        outlived::tests(),
        soak::tests(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Nothing lost, and every count and every lifetime equal to the kernel's: no rule explains any of them. Faults
/// that raise no event are told apart by name, so they too add up.
fn assert_exact(outcome: &Outcome) {
    outcome.assert_proven();
    outcome.profile().threads.iter().for_each(assert_thread_exact);
    assert_sums_exact(outcome);
}

/// The same of one thread, the lifetime apart.
fn assert_thread_exact(thread: &Thread) {
    assert_eq!(thread.voluntary_switches, thread.kernel.voluntary_switches, "{thread:#?}");
    assert_eq!(thread.involuntary_switches, thread.kernel.involuntary_switches, "{thread:#?}");
    let with_latency = thread.count(Metric::MinorFault) + thread.count(Metric::MajorFault);
    let faults = thread.kernel.minor_faults + thread.kernel.major_faults;
    assert_eq!(with_latency + thread.faults_without_latency, faults, "{thread:#?}");
}

/// The sums over all threads, those without a slot among them.
fn assert_sums_exact(outcome: &Outcome) {
    for quantity in EXACT {
        let mut checks = outcome.profile().reconciliation.iter();
        let sum = checks.find(|check| check.quantity == quantity && check.scope == Scope::Threads);
        assert!(sum.is_some_and(|sum| sum.kernel > 0 || quantity == Quantity::InvoluntarySwitches));
    }
    assert!(differing(outcome).is_empty(), "{:#?}", differing(outcome));
}

/// The figures that are equal to the kernel's, to the last one.
const EXACT: [Quantity; 3] =
    [Quantity::VoluntarySwitches, Quantity::InvoluntarySwitches, Quantity::LifetimeNs];

/// Those of these, of threads and of the sums, that differ.
fn differing(outcome: &Outcome) -> Vec<&Check> {
    let of_threads = |scope: Scope| matches!(scope, Scope::Threads | Scope::Thread { .. });
    outcome
        .profile()
        .reconciliation
        .iter()
        .filter(|check| EXACT.contains(&check.quantity) && of_threads(check.scope) && check.difference != 0)
        .collect()
}

/// Runs of [`again_and_again`], at most. Before record and counters were kept together, 2 to 8 of 150 differed.
const RUNS: usize = 30;

/// An emulated machine takes seconds for a run: it has at least so many, and no more after this time.
const ENOUGH: (usize, Duration) = (5, Duration::from_secs(20));

/// Records a kind of target again and again, as where exactly a recording meets its target is chance. Names every run
/// whose record is not the kernel's, and has `check` look at the others.
pub(crate) fn again_and_again(
    kind: &str,
    mut record: impl FnMut(usize) -> Outcome,
    mut check: impl FnMut(&Outcome),
) {
    let (begun, mut failures) = (Instant::now(), Vec::new());
    let (least, length) = ENOUGH;
    let runs = (0..RUNS).take_while(|&run| run < least || begun.elapsed() < length);
    for run in runs {
        let outcome = record(run);
        let differing = differing(&outcome);
        if differing.is_empty() {
            check(&outcome);
        } else {
            let lost = &outcome.profile().lost;
            failures.push(format!("run {run}: {differing:#?}, {lost:?}"));
        }
    }
    assert!(failures.is_empty(), "{kind}: {} runs differ: {failures:#?}", failures.len());
}

/// The own figures of a thread of a hand-to-and-fro target against the measured: its switches of both kinds.
fn assert_told_switches(outcome: &Outcome, name: &str) -> u64 {
    let told = outcome.told();
    let told = |kind: &str| told[name][kind].as_u64().expect("it tells");
    let thread = outcome.only(name);
    assert_eq!(thread.voluntary_switches, told("voluntary") + 1, "one more ends the thread: {thread:#?}");
    assert!(thread.involuntary_switches >= told("involuntary"), "{thread:#?}");
    told("voluntary") + told("involuntary")
}

fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().expect("a pid is small")), signal).expect("the process exists");
}

/// The letter for a process's state in /proc; `None` once it is gone.
fn state_of(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Waits until every thread of a process is in a state.
fn wait_for_state(pid: u32, state: char) {
    eventually(&format!("all threads of {pid} are in state {state}"), || {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
        let states: Vec<String> =
            threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("stat")).ok()).collect();
        let all =
            states.iter().all(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(state)));
        (all && !states.is_empty()).then_some(())
    });
}

/// Fails by name if a file that a test needs is not there.
fn require_file(path: &str, what: &str) {
    assert!(Path::new(path).exists(), "{path} is missing: this test needs {what}");
}
