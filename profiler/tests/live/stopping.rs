//! The end of a run: by a signal, by the time limit; and that nothing stays behind.

use crate::attached::Attached;
use crate::support::{Outcome, Scene, command, eventually, is_alive, ready_pid, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        no_probe_stays_attached,
        no_probe_stays_attached_to_a_profiler_that_was_killed;
        here:
        a_signal_goes_to_the_child_and_the_report_is_written,
        a_child_that_heeds_the_signal_keeps_its_exit_code,
        a_second_interrupt_ends_a_child_that_ignores_the_first,
        the_time_limit_terminates,
        the_time_limit_kills_a_child_that_ignores_it,
    ]
}

fn a_signal_goes_to_the_child_and_the_report_is_written() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let scene = Scene::new();
        let run = scene.start(&command(&["sh", "-c", "echo ready $$; exec sleep 300"]));
        let child = ready_pid(&run.line);
        run.signal(signal);
        let outcome = run.finish();
        assert_ended_by(&outcome, signal);
        assert!(!is_alive(child));
    }
}

fn a_child_that_heeds_the_signal_keeps_its_exit_code() {
    let number = (Signal::SIGINT as i32).to_string();
    let scene = Scene::new();
    let run = scene.start(&target("wait-for", &[&number, "7"]));
    run.signal(Signal::SIGINT);
    let outcome = run.finish();
    assert_eq!(outcome.code, 7, "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "got SIGINT\n");
    assert_eq!(outcome.profile().run.exit_code, Some(7));
    outcome.assert_proven();
}

fn a_second_interrupt_ends_a_child_that_ignores_the_first() {
    let scene = Scene::new();
    let run = scene.start(&target("ignore-all", &[]));
    let child = ready_pid(&run.line);
    run.signal(Signal::SIGINT);
    // Two that are sent at once are one.
    std::thread::sleep(Duration::from_secs(1));
    assert!(is_alive(child));
    run.signal(Signal::SIGINT);
    let outcome = run.finish();
    assert_ended_by(&outcome, Signal::SIGKILL);
    assert!(!is_alive(child));
}

fn the_time_limit_terminates() {
    let started = Instant::now();
    let outcome = Scene::new().flags(&["--duration", "300ms"]).run(&command(&["sleep", "300"]));
    assert_ended_by(&outcome, Signal::SIGTERM);
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(outcome.profile().run.wall_ns.0 >= 300_000_000);
    assert_eq!(outcome.profile().run.options.duration_ns.unwrap().0, 300_000_000);
}

/// Its own child ignores it too.
fn the_time_limit_kills_a_child_that_ignores_it() {
    let script = "trap '' TERM; sleep 300 & echo ready $!; sleep 300";
    let scene = Scene::new().flags(&["--duration", "2s"]);
    let run = scene.start(&command(&["sh", "-c", script]));
    let grandchild = ready_pid(&run.line);
    let outcome = run.finish();
    assert_ended_by(&outcome, Signal::SIGKILL);
    assert!(outcome.profile().run.wall_ns.0 >= 4_000_000_000, "SIGKILL comes 2 s after SIGTERM");
    assert_eq!(outcome.profile().threads.len(), 3);
    for thread in &outcome.profile().threads {
        eventually("every process of the target has ended", || (!is_alive(thread.pid)).then_some(()));
    }
    assert!(!is_alive(grandchild));
}

fn no_probe_stays_attached() {
    let scene = Scene::new();
    let run = scene.start(&target("ignore-all", &[]));
    let attached = Attached::of(run.pid());
    run.signal(Signal::SIGINT);
    std::thread::sleep(Duration::from_secs(1));
    run.signal(Signal::SIGINT);
    run.finish().assert_proven();
    attached.assert_gone();
}

fn no_probe_stays_attached_to_a_profiler_that_was_killed() {
    let scene = Scene::new();
    let run = scene.start(&command(&["sh", "-c", "echo ready $$; exec sleep 3"]));
    let attached = Attached::of(run.pid());
    run.abandon();
    attached.assert_gone();
}

fn assert_ended_by(outcome: &Outcome, signal: Signal) {
    let number = signal as i32;
    assert_eq!(outcome.code, 128 + number, "{}", outcome.stderr);
    assert_eq!(outcome.profile().run.signal, Some(number));
    outcome.assert_proven();
}
