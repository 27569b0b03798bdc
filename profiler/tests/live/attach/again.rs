//! The recording begins, again and again, while threads switch and are born as fast as they can. Where exactly it meets
//! them is chance; what was measured agrees with the kernel's counters wherever that is.

use super::Attachment;
use crate::hostile::again_and_again;
use crate::support::{Outcome, Scene, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::losses::Loss;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        voluntary_switches_are_exact_wherever_the_recording_begins,
        involuntary_switches_are_exact_wherever_the_recording_begins,
        births_are_recorded_wherever_the_recording_begins,
        switches_without_a_slot_are_exact_wherever_the_recording_begins,
    ]
}

/// Attaches to a process that switches, or bears threads, as fast as it can, many times. `check` counts what was
/// recorded: in some runs the process has no CPU, in all together it has.
fn attached_again_and_again(kind: &str, flags: &[&str], check: impl Fn(&Outcome) -> u64) {
    let (mut recorded, mut running) = (0, GoingOn::start(kind));
    let record = |run| {
        if running.begun.elapsed() > LONG_AGO {
            running = GoingOn::start(kind);
        }
        // In the middle of whatever it does then.
        let time = format!("{}us", 3_000 + 617 * run);
        let scene = Scene::new().flags(&["--duration", &time]).flags(flags);
        Attachment::of(&scene, &["--pid", &running.child.id().to_string()]).wait()
    };
    again_and_again(kind, record, |outcome| recorded += check(outcome));
    assert!(recorded > 0, "{kind}: nothing was recorded");
}

/// Half of the time after which such a process ends by itself.
const LONG_AGO: Duration = Duration::from_secs(30);

/// A process that goes on until it is ended.
struct GoingOn {
    child: Child,
    begun: Instant,
}

impl GoingOn {
    fn start(kind: &str) -> Self {
        let line = target("go-on", &[kind]);
        let mut child = Command::new(&line[0])
            .args(&line[1..])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the target starts");
        let mut ready = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut ready).expect("it writes");
        assert_eq!(ready, "ready\n");
        Self { child, begun: Instant::now() }
    }
}

impl Drop for GoingOn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn voluntary_switches_are_exact_wherever_the_recording_begins() {
    attached_again_and_again("voluntary", &[], |outcome| {
        outcome.assert_complete();
        ["caller", "echo"].into_iter().map(|name| outcome.only(name).voluntary_switches).sum()
    });
}

fn involuntary_switches_are_exact_wherever_the_recording_begins() {
    attached_again_and_again("involuntary", &[], |outcome| {
        outcome.assert_complete();
        ["yielder-0", "yielder-1"].into_iter().map(|name| outcome.only(name).involuntary_switches).sum()
    });
}

fn births_are_recorded_wherever_the_recording_begins() {
    attached_again_and_again("births", &[], |outcome| {
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        outcome.assert_reconciled();
        // On a busy machine threads come faster than their slots are handed back: they are in the sums then.
        let mut lost = outcome.profile().lost;
        lost[Loss::ThreadsWithoutSlot] = 0;
        assert!(lost.is_nothing(), "{lost:?}");
        outcome.profile().threads.iter().filter(|thread| thread.exited).count() as u64
    });
}

fn switches_without_a_slot_are_exact_wherever_the_recording_begins() {
    for kind in ["voluntary", "involuntary"] {
        attached_again_and_again(kind, &["--max-threads", "1"], |outcome| {
            assert_eq!(outcome.code, 0, "{}", outcome.stderr);
            outcome.assert_reconciled();
            let rest = outcome.profile().without_slot.as_ref().expect("there is one slot");
            assert_eq!(rest.threads, 2);
            rest.voluntary_switches + rest.involuntary_switches
        });
    }
}
