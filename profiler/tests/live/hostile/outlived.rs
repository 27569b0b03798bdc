//! The recording is closed while threads of the target switch, are born and end as fast as they can. Where exactly
//! it meets them is chance; what was measured agrees with the kernel's counters wherever that is.

use super::{differing, send};
use crate::support::{Outcome, Scene, target, trials};
use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use profiler::profile::Lost;
use profiler::profile::thread::Thread;
use std::time::{Duration, Instant};

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        voluntary_switches_are_exact_wherever_the_recording_ends,
        involuntary_switches_are_exact_wherever_the_recording_ends,
        switches_without_a_slot_are_exact_wherever_the_recording_ends,
        births_are_recorded_wherever_the_recording_ends,
    ]
}

/// How often each is tried, at most. Before record and counters were kept together, 2 to 8 of 150 runs differed.
const RUNS: usize = 30;

/// An emulated machine takes seconds for a run: it tries less often.
const ENOUGH: (usize, Duration) = (5, Duration::from_secs(15));

fn voluntary_switches_are_exact_wherever_the_recording_ends() {
    closed_again_and_again("voluntary", &[], |outcome| {
        outcome.assert_complete();
        for name in ["caller", "echo"] {
            assert_open(outcome.only(name), |thread| thread.voluntary_switches);
        }
    });
}

fn involuntary_switches_are_exact_wherever_the_recording_ends() {
    closed_again_and_again("involuntary", &[], |outcome| {
        outcome.assert_complete();
        for name in ["yielder-0", "yielder-1"] {
            assert_open(outcome.only(name), |thread| thread.involuntary_switches);
        }
    });
}

fn assert_open(thread: &Thread, switches: impl Fn(&Thread) -> u64) {
    assert!(!thread.exited, "{thread:#?}");
    assert!(switches(thread) > 0, "{thread:#?}");
}

fn switches_without_a_slot_are_exact_wherever_the_recording_ends() {
    for kind in ["voluntary", "involuntary"] {
        closed_again_and_again(kind, &["--max-threads", "1"], |outcome| {
            assert_eq!(outcome.code, 0, "{}", outcome.stderr);
            assert_eq!(outcome.profile().lost.threads_unfinished, 0);
            let rest = outcome.profile().without_slot.as_ref().expect("there is one slot");
            assert!(rest.voluntary_switches + rest.involuntary_switches > 0, "{rest:#?}");
        });
    }
}

fn births_are_recorded_wherever_the_recording_ends() {
    closed_again_and_again("births", &[], |outcome| {
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        outcome.assert_reconciled();
        // On a busy machine threads come faster than their slots are handed back: they are in the sums then.
        let lost = Lost { threads_without_slot: 0, ..outcome.profile().lost };
        assert!(lost.is_nothing(), "{lost:?}");
    });
}

/// Profiles a process that ends while another goes on, many times, and names every run whose record of the latter
/// is not the kernel's.
fn closed_again_and_again(kind: &str, flags: &[&str], check: impl Fn(&Outcome)) {
    let (begun, mut failures) = (Instant::now(), Vec::new());
    let (least, length) = ENOUGH;
    let runs = (0..RUNS).take_while(|&run| run < least || begun.elapsed() < length);
    for run in runs {
        let outcome = Scene::new().flags(flags).run(&target("outlived-by", &[kind]));
        let pid = outcome.told()["pid"].as_u64().expect("it tells");
        send(pid.try_into().expect("a pid is small"), Signal::SIGKILL);
        match differing(&outcome) {
            Some(differing) => failures.push(format!("run {run}: {differing:?}")),
            None => check(&outcome),
        }
    }
    assert!(failures.is_empty(), "{kind}: {} runs differ: {failures:#?}", failures.len());
}
