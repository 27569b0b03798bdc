//! The recording is closed while threads of the target switch, are born and end as fast as they can. Where exactly
//! it meets them is chance; what was measured agrees with the kernel's counters wherever that is.

use super::{again_and_again, send};
use crate::support::{Outcome, Scene, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::losses::Loss;
use model::profile::thread::Thread;
use nix::sys::signal::Signal;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        voluntary_switches_are_exact_wherever_the_recording_ends,
        involuntary_switches_are_exact_wherever_the_recording_ends,
        switches_without_a_slot_are_exact_wherever_the_recording_ends,
        births_are_recorded_wherever_the_recording_ends,
    ]
}

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
            assert_eq!(outcome.profile().lost[Loss::ThreadsUnfinished], 0);
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
        let mut lost = outcome.profile().lost;
        lost[Loss::ThreadsWithoutSlot] = 0;
        assert!(lost.is_nothing(), "{lost:?}");
    });
}

/// Profiles a process that ends while another goes on, many times.
fn closed_again_and_again(kind: &str, flags: &[&str], check: impl Fn(&Outcome)) {
    let record = |_| {
        let outcome = Scene::new().flags(flags).run(&target("outlived-by", &[kind]));
        let pid = outcome.told()["pid"].as_u64().expect("it tells");
        send(pid.try_into().expect("a pid is small"), Signal::SIGKILL);
        outcome
    };
    again_and_again(kind, record, check);
}
