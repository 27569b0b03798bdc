//! The counts of threads that are attached to: nothing of what had begun before, all that comes after.

use super::{Attachment, Running};
use crate::intervals::assert_intervals_are_the_whole;
use crate::support::{Outcome, Scene, assert_sleeps, unannounced};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::losses::Loss;
use model::metric::Metric;
use model::profile::reconciliation::{Quantity, Rule, Scope};
use model::profile::thread::{OpenState, Thread};
use std::process::{Command, Stdio};
use std::time::Duration;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        threads_that_sleep_through_it_all_show_their_open_wait,
        what_threads_do_meanwhile_is_counted_as_the_kernel_does,
        a_spinner_has_an_open_slice_and_no_sample,
        a_found_spinner_is_preempted_without_a_sample_of_its_first_slice,
        found_threads_without_a_slot_are_summed_exactly,
        faults_of_a_found_thread_are_counted,
        intervals_add_up,
    ]
}

fn threads_that_sleep_through_it_all_show_their_open_wait() {
    const THREADS: usize = 5;
    let running = Running::asleep("sleep-when-told", &[&THREADS.to_string(), "1"]);
    let scene = Scene::new().flags(&["--duration", "200ms"]);
    let outcome = Attachment::of(&scene, &["--pid", &running.pid.to_string()]).wait();
    outcome.assert_complete();
    let profile = outcome.profile();
    assert_eq!(profile.threads.len(), THREADS + 1);
    for thread in &profile.threads {
        let open = thread.open.expect("it still sleeps");
        assert_eq!((open.state, open.found), (OpenState::Blocked, true), "{thread:#?}");
        assert_eq!(open.for_ns.0, thread.until_ns.0 - thread.from_ns.0);
        assert!(open.for_ns.0 >= 200_000_000, "{thread:#?}");
        assert!(thread.histograms.is_empty() && thread.blocked_on.is_empty(), "{thread:#?}");
        assert_eq!((thread.found, thread.voluntary_switches, thread.involuntary_switches), (None, 0, 0));
        assert_eq!(thread.kernel.cpu_ns.map(|cpu| cpu.0), Some(0));
    }
    let usage = profile.usage.as_ref().unwrap();
    assert_eq!((usage.user_ns, usage.system_ns, usage.voluntary_switches), (None, None, 0));
    assert!(usage.wall_ns.0 >= 200_000_000 && usage.max_rss_bytes.unwrap().0 > 0, "{usage:?}");
    assert!(outcome.stderr.contains("blocked ≥"), "{}", outcome.stderr);
    running.finish();
}

fn what_threads_do_meanwhile_is_counted_as_the_kernel_does() {
    const THREADS: u64 = 3;
    const SLEEPS: u64 = 40;
    let mut running = Running::asleep("sleep-when-told", &[&THREADS.to_string(), &SLEEPS.to_string()]);
    // Its counters are not zero when it is found.
    running.tell();
    let before = running.switches();
    let (attachment, _scene) = Attachment::to(running.pid);
    running.tell();
    let after = running.switches();
    let outcome = attachment.detach();
    outcome.assert_complete();
    for thread in &outcome.profile().threads {
        let growth = [0, 1].map(|kind| after[&thread.tid][kind] - before[&thread.tid][kind]);
        assert_eq!([thread.voluntary_switches, thread.involuntary_switches], growth, "{thread:#?}");
        let found = thread.found.expect("it was woken");
        assert_eq!(found.state, OpenState::Blocked, "{thread:#?}");
        let open = thread.open.expect("it lives");
        assert_eq!((open.state, open.found), (OpenState::Blocked, false), "{thread:#?}");
        // The rest of the wait at attach is a whole wait for a CPU, if its end was announced.
        let blocked = thread.count(Metric::Blocked) + unannounced(thread);
        assert_eq!(blocked + 1, thread.voluntary_switches, "the last is open: {thread:#?}");
    }
    for index in 0..THREADS {
        let worker = outcome.only(&format!("worker-{index}"));
        let waits = assert_sleeps(worker, SLEEPS);
        assert!(worker.count(Metric::RunqueueWait) + unannounced(worker) >= waits, "{worker:#?}");
    }
    running.finish();
}

fn spinner(outcome: &Outcome) -> &Thread {
    outcome.only("spinner")
}

/// Its time on a CPU, in samples or not.
fn on_cpu(thread: &Thread) -> u64 {
    let found = thread.found.filter(|found| found.state == OpenState::OnCpu);
    let open = thread.open.filter(|open| open.state == OpenState::OnCpu);
    thread.sum(Metric::OnCpu).0
        + found.map_or(0, |found| found.for_ns.0)
        + open.map_or(0, |open| open.for_ns.0)
}

/// `on_cpu` includes interrupts and what a hypervisor takes.
const SLACK_NS: u64 = 50_000_000;

fn a_spinner_has_an_open_slice_and_no_sample() {
    let running = Running::start("spin-until-told", &[]);
    let tid = *running.threads().iter().max().unwrap();
    let around = running.cpu_ns(tid);
    let (attachment, _scene) = Attachment::to(running.pid);
    let within = running.cpu_ns(tid);
    std::thread::sleep(Duration::from_millis(400));
    let within = running.cpu_ns(tid) - within;
    let outcome = attachment.detach();
    let around = running.cpu_ns(tid) - around;
    outcome.assert_complete();
    let thread = spinner(&outcome);
    assert_eq!(thread.tid, tid);
    // The thread ran in its last wait as it is shown, if the kernel did not announce its last switch-in.
    let hidden = thread.open.filter(|_| outcome.is_explained_by(Rule::RunningAtClose));
    let measured = on_cpu(thread) + hidden.map_or(0, |open| open.for_ns.0);
    assert!(measured + SLACK_NS >= within, "{measured} ns of at least {within}: {thread:#?}");
    assert!(measured <= around + around / 10 + SLACK_NS, "{measured} ns of at most {around}: {thread:#?}");
    assert_eq!(thread.count(Metric::Blocked), 0, "{thread:#?}");
    match (thread.found, thread.open) {
        // It was never switched: all of it is the slice that it was found in.
        (None, Some(open)) => assert!(open.found && thread.histograms.is_empty(), "{thread:#?}"),
        // The state at attach is in no histogram.
        (Some(_), Some(open)) => assert!(!open.found, "{thread:#?}"),
        other => panic!("{other:?}: {thread:#?}"),
    }
    running.finish();
}

/// Two on one CPU take turns.
fn a_found_spinner_is_preempted_without_a_sample_of_its_first_slice() {
    let pair = [Running::start("spin-until-told", &[]), Running::start("spin-until-told", &[])];
    for running in &pair {
        let pid = running.pid.to_string();
        let pinned = Command::new("taskset").args(["-a", "-p", "1", &pid]).stdout(Stdio::null()).status();
        assert!(pinned.expect("taskset starts").success());
    }
    let scene = Scene::new().flags(&["--duration", "500ms"]);
    let pids = format!("{},{}", pair[0].pid, pair[1].pid);
    let outcome = Attachment::of(&scene, &["--pid", &pids]).wait();
    outcome.assert_complete();
    let threads = outcome.named("spinner");
    assert_eq!(threads.len(), 2);
    for thread in threads {
        let found = thread.found.expect("it is preempted sooner or later");
        assert!(matches!(found.state, OpenState::OnCpu | OpenState::Preempted), "{thread:#?}");
        let preempted = thread.count(Metric::Preempted) + thread.runnable_idle.map_or(0, |held| held.count);
        let open = u64::from(thread.open.is_some_and(|open| open.state != OpenState::OnCpu));
        assert_eq!(preempted + open, thread.involuntary_switches, "{thread:#?}");
        assert_eq!(thread.voluntary_switches, 0, "{thread:#?}");
    }
    pair.into_iter().for_each(Running::finish);
}

fn found_threads_without_a_slot_are_summed_exactly() {
    const THREADS: u64 = 4;
    let mut running = Running::asleep("sleep-when-told", &[&THREADS.to_string(), "20"]);
    running.tell();
    let before = running.switches();
    let scene = Scene::new().flags(&["--max-threads", "1"]);
    let attachment = Attachment::of(&scene, &["--pid", &running.pid.to_string()]);
    running.tell();
    let after = running.switches();
    let outcome = attachment.detach();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    outcome.assert_reconciled();
    let profile = outcome.profile();
    assert_eq!((profile.threads.len(), profile.lost[Loss::ThreadsWithoutSlot]), (1, THREADS));
    let rest = profile.without_slot.as_ref().expect("there is one slot");
    let with_slot = profile.threads[0].tid;
    let growth = |kind: usize| -> u64 {
        let others = after.iter().filter(|(tid, _)| **tid != with_slot);
        others.map(|(tid, counts)| counts[kind] - before[tid][kind]).sum()
    };
    assert_eq!([rest.kernel.voluntary_switches, rest.kernel.involuntary_switches], [growth(0), growth(1)]);
    assert_eq!(rest.voluntary_switches, growth(0));
    assert_eq!(rest.involuntary_switches, growth(1));
    running.finish();
}

/// It touches its pages when it is told, in the slice that follows.
fn faults_of_a_found_thread_are_counted() {
    const PAGES: u64 = 500;
    let running = Running::start("touch-for-ever", &[&PAGES.to_string()]);
    let scene = Scene::new().flags(&["--duration", "300ms"]);
    for _ in 0..5 {
        let scene_flags = &scene;
        let outcome = Attachment::of(scene_flags, &["--pid", &running.pid.to_string()]).wait();
        outcome.assert_complete();
        let thread = outcome.only("toucher");
        assert!(thread.count(Metric::MinorFault) > PAGES, "{thread:#?}");
        let checks = &outcome.profile().reconciliation;
        let faults = checks
            .iter()
            .find(|check| check.quantity == Quantity::MinorFaults && check.scope == Scope::Threads)
            .expect("it is compared");
        assert!(faults.difference <= 1, "{faults:?}");
    }
    running.finish();
}

fn intervals_add_up() {
    let mut running = Running::asleep("sleep-when-told", &["3", "60"]);
    let scene = Scene::new().flags(&["--interval", "10ms"]);
    let attachment = Attachment::of(&scene, &["--pid", &running.pid.to_string()]);
    running.tell();
    running.tell();
    let outcome = attachment.detach();
    outcome.assert_complete();
    assert_intervals_are_the_whole(outcome.profile());
    running.finish();
}
