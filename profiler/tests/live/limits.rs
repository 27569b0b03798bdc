//! Limits: totals stay exact when memory runs out, and the report says so.

use crate::attached::{Attached, in_storage, in_table};
use crate::control_group::ControlGroup;
use crate::support::{Outcome, Scene, assert_sleeps, command, eventually, ready_pid, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::losses::Loss;
use model::metric::Metric;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use profiler::target::tree;
use std::process::Command;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        threads_beyond_the_slots_are_summed,
        slots_are_used_again,
        samples_beyond_the_memory_are_counted,
        a_place_is_shared_only_while_its_threads_live,
        a_control_group_without_room_is_named;
        here:
        ten_thousand_threads_at_once_fit_ten_thousand_slots,
    ]
}

fn threads_beyond_the_slots_are_summed() {
    const THREADS: u64 = 50;
    const SLEEPS: u64 = 5;
    let scene = Scene::new().flags(&["--max-threads", "1"]);
    let outcome = scene.run(&target("sleepers", &[&THREADS.to_string(), &SLEEPS.to_string(), "2"]));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    outcome.assert_reconciled();

    let profile = outcome.profile();
    assert_eq!(profile.threads.len(), 1);
    assert_eq!(profile.lost[Loss::ThreadsWithoutSlot], THREADS);
    let rest = profile.without_slot.as_ref().unwrap();
    assert_eq!(rest.threads, THREADS);
    assert_eq!(rest.voluntary_switches, rest.kernel.voluntary_switches);
    assert_eq!(rest.involuntary_switches, rest.kernel.involuntary_switches);
    assert_eq!(rest.minor_faults, rest.kernel.minor_faults);
    // Each thread has one more, which ends it. A few waits may not be announced. Some are for the address space, about
    // one a thread where its holder is preempted. A timer that expires while its thread is preempted makes none.
    let waits = THREADS * SLEEPS;
    let least = waits.saturating_sub(rest.involuntary_switches);
    assert!((least + THREADS..waits + 2 * THREADS).contains(&rest.voluntary_switches), "{rest:#?}");
    let blocked = &rest.metrics[Metric::Blocked.name()];
    assert!((least.saturating_sub(10)..waits + THREADS).contains(&blocked.count), "{rest:#?}");
    assert_eq!(blocked.bucketed(), 0);
    assert_eq!(rest.metrics[Metric::RunqueueWait.name()].count, THREADS + blocked.count);
    assert_incomplete(&outcome, "50 threads without a slot (raise --max-threads)");
}

/// Far more threads than slots, but never as many at the same time.
fn slots_are_used_again() {
    let outcome = Scene::new().flags(&["--max-threads", "1500"]).run(&target("short-lived", &["5000"]));
    outcome.assert_complete();
    assert_eq!(outcome.profile().threads.len(), 5_001);
}

fn samples_beyond_the_memory_are_counted() {
    const THREADS: u64 = 4;
    const SLEEPS: u64 = 20;
    let scene = Scene::new().flags(&["--histogram-memory", "4KiB"]);
    let outcome = scene.run(&target("sleepers", &[&THREADS.to_string(), &SLEEPS.to_string(), "2"]));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    outcome.assert_reconciled();

    let profile = outcome.profile();
    let missing: u64 = profile
        .threads
        .iter()
        .flat_map(|thread| thread.histograms.values())
        .map(|histogram| histogram.without_bucket())
        .sum();
    assert!(missing > 0);
    assert_eq!(profile.lost[Loss::SamplesWithoutBucket], missing);
    for index in 0..THREADS {
        let thread = outcome.only(&format!("sleeper-{index}"));
        assert_sleeps(thread, SLEEPS);
    }
    assert_incomplete(&outcome, "without a bucket (raise --histogram-memory)");
}

/// Room for one thread is two places. Of six threads those that find theirs taken are counted at it, until they end.
fn a_place_is_shared_only_while_its_threads_live() {
    const CHILDREN: usize = 5;
    let scene = Scene::new().flags(&["--max-threads", "1"]);
    let script = "for n in 1 2 3 4 5; do sleep 300 & done; echo ready $$; wait; exec sleep 300";
    let run = scene.start(&command(&["sh", "-c", script]));
    let attached = Attached::of(run.pid());
    let shared = attached.places();
    assert!(in_table(&shared) <= 2, "{shared:?}");
    assert_eq!(in_table(&shared) + in_storage(&shared), 1 + CHILDREN as u64, "{shared:?}");
    let children = tree::descendants(ready_pid(&run.line));
    assert_eq!(children.len(), CHILDREN);
    for child in children {
        let child = Pid::from_raw(child.try_into().expect("a pid is small"));
        kill(child, Signal::SIGKILL).expect("the child runs");
    }
    // The shell was there before them.
    eventually("the shell has a place, and nobody is in storage", || {
        let left = attached.places();
        (in_table(&left) == 1 && in_storage(&left) == 0).then_some(())
    });
    run.signal(Signal::SIGTERM);
    run.finish().assert_reconciled();
}

/// Fewer threads fit into it.
fn a_control_group_without_room_is_named() {
    let limit = (64 << 20).to_string();
    let group = ControlGroup::new("memory", &[("memory.max", &limit)], &[("memory.limit_in_bytes", &limit)]);
    let run = |flags: &[&str]| {
        let scene = Scene::new().flags(flags);
        let inner = scene.run_command(&command(&["true"]));
        let mut outer = Command::new("sh");
        outer.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]).arg(group.procs());
        outer.arg(inner.get_program()).args(inner.get_args());
        outer.current_dir(scene.folder()).env_remove("SUDO_UID").env_remove("SUDO_GID");
        Outcome::of(outer.output().expect("sh starts"), &scene.file())
    };
    let refused = run(&[]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    let folder = group.procs();
    let folder = folder.parent().unwrap().to_str().unwrap();
    for part in ["memory: ", folder, "--max-threads"] {
        assert!(refused.stderr.contains(part), "{part:?} in {}", refused.stderr);
    }
    assert!(!refused.has_profile());
    run(&["--max-threads", "100"]).assert_complete();
}

fn assert_incomplete(outcome: &Outcome, reason: &str) {
    let verdict = outcome.stderr.lines().find(|line| line.starts_with("INCOMPLETE: "));
    let verdict = verdict.unwrap_or_else(|| panic!("no such verdict in {}", outcome.stderr));
    assert!(verdict.contains(reason), "{verdict}");
}

fn ten_thousand_threads_at_once_fit_ten_thousand_slots() {
    let scene = Scene::new().flags(&["--max-threads", "10000"]);
    let outcome = scene.run(&target("at-once", &["9999"]));
    outcome.assert_complete();
    assert_eq!(outcome.profile().threads.len(), 10_000);
}
