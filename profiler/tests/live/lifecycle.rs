//! Threads and processes that are born, change and end.

use crate::support::{Scene, command, is_alive, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::profile::reconciliation::Rule;
use model::profile::thread::OpenState;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        twenty_thousand_short_lived_threads_are_all_recorded,
        four_thousand_threads_at_once_fit_the_defaults,
        every_process_of_a_tree_is_recorded,
        processes_that_only_fork_are_recorded,
        an_exec_from_a_thread_keeps_its_history,
        a_rename_keeps_the_earlier_names,
        a_child_killed_by_a_signal_passes_it_on,
        a_process_that_outlives_the_child_is_left_alone,
    ]
}

fn twenty_thousand_short_lived_threads_are_all_recorded() {
    const THREADS: usize = 20_000;
    let outcome = Scene::new().run(&target("short-lived", &[&THREADS.to_string()]));
    outcome.assert_complete();
    let threads = &outcome.profile().threads;
    assert_eq!(threads.len(), THREADS + 1);
    assert!(threads.iter().all(|thread| thread.exited));
    // A number is used again, a pair of number and start is not.
    let distinct: BTreeSet<_> = threads.iter().map(|thread| (thread.tid, thread.start_ns)).collect();
    assert_eq!(distinct.len(), THREADS + 1);
}

fn four_thousand_threads_at_once_fit_the_defaults() {
    const THREADS: usize = 4_000;
    let outcome = Scene::new().run(&target("at-once", &[&THREADS.to_string()]));
    outcome.assert_complete();
    let threads = &outcome.profile().threads;
    assert_eq!(threads.len(), THREADS + 1);
    assert!(threads.iter().all(|thread| thread.exited));
    let born = threads.iter().skip(1).map(|thread| thread.from_ns).max().unwrap();
    let ended = threads.iter().skip(1).map(|thread| thread.until_ns).min().unwrap();
    assert!(born < ended, "the last one was born before the first one ended");
}

fn every_process_of_a_tree_is_recorded() {
    let outcome = Scene::new().run(&target("tree", &["3", "3"]));
    outcome.assert_complete();
    let threads = &outcome.profile().threads;
    let pids: BTreeSet<u32> = threads.iter().map(|thread| thread.pid).collect();
    assert_eq!(pids.len(), 1 + 3 + 9 + 27);
    assert_eq!(threads.len(), pids.len(), "one thread each");
    assert!(threads.iter().all(|thread| thread.exited && thread.tid == thread.pid));
}

fn processes_that_only_fork_are_recorded() {
    let script = "for i in 1 2 3; do (for j in 1 2; do (:) & done; wait) & done; wait";
    let outcome = Scene::new().run(&command(&["sh", "-c", script]));
    outcome.assert_complete();
    assert_eq!(outcome.named("sh").len(), 1 + 3 + 6);
    assert_eq!(outcome.profile().threads.len(), 1 + 3 + 6);
}

fn an_exec_from_a_thread_keeps_its_history() {
    let outcome = Scene::new().run(&target("exec-from-thread", &[]));
    outcome.assert_complete();
    let pid = u32::try_from(outcome.told()["pid"].as_u64().unwrap()).unwrap();
    let threads = &outcome.profile().threads;
    assert_eq!(threads.len(), 3, "{threads:#?}");
    assert!(threads.iter().all(|thread| thread.exited && thread.pid == pid), "{threads:#?}");

    let was_executor = |name: &String| name == "executor";
    let found: Vec<_> =
        threads.iter().filter(|thread| thread.earlier_names.iter().any(was_executor)).collect();
    let [executor] = found[..] else { panic!("one thread was the executor: {threads:#?}") };
    // It has taken over the leader's number, and the name of what it executed.
    assert_eq!(executor.tid, pid, "{executor:#?}");
    assert_eq!(executor.name, threads[0].name, "{executor:#?}");
    assert_eq!(executor.renames, 2, "{executor:#?}");

    let bystander = outcome.only("bystander");
    assert_ne!(bystander.tid, pid);
    for ended in [&threads[0], bystander] {
        assert!(ended.until_ns < executor.until_ns, "the exec ended it: {ended:#?}");
    }
}

fn a_rename_keeps_the_earlier_names() {
    let outcome = Scene::new().run(&target("rename", &[]));
    outcome.assert_complete();
    let thread = outcome.only("third");
    // It is born with the name of the thread that starts it.
    let born = outcome.profile().threads[0].name.clone();
    assert_eq!(thread.earlier_names, [born, "first".to_owned(), "second".to_owned()]);
    assert_eq!(thread.renames, 3);
}

fn a_child_killed_by_a_signal_passes_it_on() {
    for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGABRT] {
        let number = signal as i32;
        let outcome = Scene::new().run(&target("raise", &[&number.to_string()]));
        assert_eq!(outcome.code, 128 + number, "{}", outcome.stderr);
        outcome.assert_proven();
        let profile = outcome.profile();
        assert_eq!((profile.run.exit_code, profile.run.signal), (None, Some(number)));
        assert!(profile.threads.iter().all(|thread| thread.exited));
    }
}

fn a_process_that_outlives_the_child_is_left_alone() {
    let outcome = Scene::new().run(&command(&["sh", "-c", "sleep 300 >&- 2>&- & sleep 0.2; echo $!"]));
    let pid: u32 = outcome.told().as_u64().unwrap().try_into().unwrap();
    let lives = is_alive(pid);
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
    assert!(lives, "it was not the profiler's to end");

    outcome.assert_complete();
    let orphan = outcome.profile().threads.iter().find(|thread| thread.pid == pid).unwrap();
    assert!(!orphan.exited);
    assert_eq!(orphan.open.unwrap().state, OpenState::Blocked);
    assert!(outcome.is_explained_by(Rule::NotWaitedFor));
}
