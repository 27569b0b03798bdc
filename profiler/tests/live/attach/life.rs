//! Processes that start others, execute, and end; and the end of the recording, which is none of theirs.

use super::{Attachment, Running, attached_to};
use crate::attached::Attached;
use crate::support::{Scene, is_alive};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::profile::thread::Thread;
use nix::sys::signal::Signal;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        children_that_are_born_meanwhile_are_followed,
        children_are_left_out_if_they_are_not_to_be_followed,
        a_process_that_executes_another_program_and_ends_is_recorded,
        two_processes_are_recorded_until_both_have_ended,
        a_signal_ends_the_recording_and_nothing_else,
    ]
}

fn children_that_are_born_meanwhile_are_followed() {
    let mut running = Running::asleep("fork-when-told", &[]);
    running.tell();
    let (attachment, _scene) = Attachment::to(running.pid);
    running.tell();
    running.tell();
    let outcome = attachment.detach();
    outcome.assert_complete();
    let profile = outcome.profile();
    let of_children: Vec<&Thread> =
        profile.threads.iter().filter(|thread| thread.pid != running.pid).collect();
    assert_eq!(of_children.len(), 2 * (1 + 3), "{of_children:#?}");
    assert!(of_children.iter().all(|thread| thread.exited && thread.found.is_none()));
    assert_eq!(attached_to(&outcome), [running.pid]);
    running.finish();
}

fn children_are_left_out_if_they_are_not_to_be_followed() {
    let mut running = Running::asleep("fork-when-told", &[]);
    let scene = Scene::new().flags(&["--no-follow"]);
    let attachment = Attachment::of(&scene, &["--pid", &running.pid.to_string()]);
    running.tell();
    let outcome = attachment.detach();
    outcome.assert_complete();
    assert!(outcome.profile().threads.iter().all(|thread| thread.pid == running.pid));
    running.finish();
}

fn a_process_that_executes_another_program_and_ends_is_recorded() {
    let mut running = Running::asleep("exec-when-told", &[]);
    let (attachment, _scene) = Attachment::to(running.pid);
    running.go();
    // Nothing else ends it.
    let outcome = attachment.wait();
    outcome.assert_complete();
    let thread = outcome.only("sleep");
    assert_eq!((thread.pid, thread.exited, thread.open), (running.pid, true, None), "{thread:#?}");
    assert_eq!(thread.earlier_names.len(), 1, "{thread:#?}");
    assert!(thread.minor_faults > 0, "{thread:#?}");
    assert!(!is_alive(running.pid));
}

fn two_processes_are_recorded_until_both_have_ended() {
    let (first, second) =
        (Running::asleep("sleep-when-told", &["2", "1"]), Running::asleep("named", &["second"]));
    let scene = Scene::new();
    let pids = format!("{},{}", first.pid, second.pid);
    let attachment = Attachment::of(&scene, &["--pid", &pids]);
    let (one, other) = (first.pid, second.pid);
    first.finish();
    second.finish();
    let outcome = attachment.wait();
    outcome.assert_complete();
    let profile = outcome.profile();
    assert!(profile.threads.iter().all(|thread| thread.exited));
    for (pid, threads) in [(one, 3), (other, 1)] {
        assert_eq!(profile.threads.iter().filter(|thread| thread.pid == pid).count(), threads);
    }
    assert_eq!(attached_to(&outcome), [one, other]);
}

fn a_signal_ends_the_recording_and_nothing_else() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGSEGV] {
        let mut running = Running::asleep("sleep-when-told", &["2", "3"]);
        let (attachment, _scene) = Attachment::to(running.pid);
        let in_kernel = Attached::of(attachment.child.id());
        running.tell();
        attachment.signal(signal);
        let outcome = attachment.wait();
        outcome.assert_complete();
        assert!(outcome.stderr.contains("complete: 0 lost"), "{}", outcome.stderr);
        assert_eq!((outcome.profile().run.exit_code, outcome.profile().run.signal), (None, None));
        in_kernel.assert_gone();
        // It goes on as before.
        running.tell();
        running.finish();
    }
}
