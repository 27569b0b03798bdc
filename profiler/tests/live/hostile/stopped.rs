//! SIGSTOP and SIGCONT: of the target, of the profiler.

use super::{assert_exact, assert_sums_exact, assert_thread_exact, ready_pid, send, wait_for_state};
use crate::support::{Outcome, Scene, eventually, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::losses::Loss;
use model::metric::Metric;
use nix::sys::signal::Signal;
use std::thread::sleep;
use std::time::Duration;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        a_stopped_target_waits,
        a_stopped_profiler_misses_nothing,
        a_profiler_stopped_for_too_long_sums_what_finds_no_slot,
    ]
}

const STOP: Duration = Duration::from_millis(300);

fn a_stopped_target_waits() {
    let scene = Scene::new();
    let run = scene.start(&target("busy", &[]));
    let child = ready_pid(&run.line);
    sleep(Duration::from_millis(50));
    send(child, Signal::SIGSTOP);
    wait_for_state(child, 'T');
    sleep(STOP);
    send(child, Signal::SIGCONT);
    sleep(Duration::from_millis(50));
    send(child, Signal::SIGTERM);
    let outcome = run.finish();
    assert_eq!(outcome.code, 128 + Signal::SIGTERM as i32, "{}", outcome.stderr);
    assert_exact(&outcome);
    for name in ["caller", "echo", "toucher", "sleeper"] {
        let thread = outcome.only(name);
        let longest = thread.histogram(Metric::Blocked).map_or(0, |blocked| blocked.max_ns.0);
        let unannounced = thread.unattributed_wait.map_or(0, |waits| waits.max_ns.0);
        assert!(longest.max(unannounced) >= STOP.as_nanos() as u64, "{thread:#?}");
        // The call that the stop interrupted is not what it waited for.
        let mut calls = thread.blocked_on.iter().filter(|entry| entry.syscall != "no_syscall");
        assert!(calls.all(|entry| entry.max_ns.0 < STOP.as_nanos() as u64), "{thread:#?}");
    }
}

const THREADS: u64 = 1000;

/// A profiler that does not run while a thousand threads come and go, and the target ends.
fn stopped_meanwhile(scene: &Scene) -> Outcome {
    let run = scene.start(&target("short-lived-after-signal", &[&THREADS.to_string()]));
    let child = ready_pid(&run.line);
    run.signal(Signal::SIGSTOP);
    wait_for_state(run.pid(), 'T');
    send(child, Signal::SIGUSR1);
    eventually("the target has ended", || (super::state_of(child) == Some('Z')).then_some(()));
    sleep(STOP);
    run.signal(Signal::SIGCONT);
    run.finish()
}

fn a_stopped_profiler_misses_nothing() {
    let outcome = stopped_meanwhile(&Scene::new());
    outcome.assert_complete();
    assert_exact(&outcome);
    assert_eq!(outcome.profile().threads.len() as u64, THREADS + 1);
    // The target's time is its own: it ended before the profiler went on.
    let profile = outcome.profile();
    let end = profile.threads.iter().map(|thread| thread.until_ns).max().unwrap();
    let lived = end.0 - profile.run.started_ns.0;
    assert!(profile.run.wall_ns.0 < lived + STOP.as_nanos() as u64, "{:?}", profile.run);
}

fn a_profiler_stopped_for_too_long_sums_what_finds_no_slot() {
    const SLOTS: u64 = 100;
    let outcome = stopped_meanwhile(&Scene::new().flags(&["--max-threads", &SLOTS.to_string()]));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    outcome.assert_reconciled();
    assert_sums_exact(&outcome);
    let profile = outcome.profile();
    profile.threads.iter().for_each(assert_thread_exact);
    assert_eq!(profile.threads.len() as u64, SLOTS);
    assert_eq!(profile.lost[Loss::ThreadsWithoutSlot], THREADS + 1 - SLOTS);
    assert!(
        outcome.stderr.contains("901 threads without a slot (raise --max-threads)"),
        "{}",
        outcome.stderr
    );
}
