//! Waits and switches: sleepers, spinners and a byte that goes to and fro.

use crate::disturbance::undisturbed;
use crate::support::{Outcome, Scene, assert_sleeps, blocked_on, target, unannounced};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::metric::Metric;
use model::profile::thread::Thread;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        sleepers_block_once_a_sleep,
        spinners_on_one_cpu_preempt_each_other,
        a_thread_that_never_blocks_has_no_blocked_samples,
        pipe_round_trips_are_counted_as_the_kernel_does,
    ]
}

const THREADS: u64 = 4;
const SLEEPS: u64 = 25;
const SLEEP_NS: u64 = 4_000_000;

/// In every run each wait is in its histogram or known as one that was not announced, and one run without the
/// latter shows the exact counts.
fn sleepers_block_once_a_sleep() {
    let arguments = [THREADS, SLEEPS, SLEEP_NS / 1_000_000].map(|number| number.to_string());
    let target = target("sleepers", &arguments.each_ref().map(String::as_str));
    undisturbed(|| {
        let outcome = Scene::new().run(&target);
        outcome.assert_complete();
        let threads: Vec<&Thread> =
            (0..THREADS).map(|index| outcome.only(&format!("sleeper-{index}"))).collect();
        if let Some(thread) = threads.iter().find(|thread| thread.voluntary_switches < SLEEPS + 1) {
            assert_sleeps(thread, SLEEPS);
            return Err("a timer had expired before its thread could wait".to_owned());
        }
        for thread in &threads {
            assert_slept(thread);
        }
        match threads.iter().find(|thread| thread.voluntary_switches != SLEEPS + 1 || unannounced(thread) > 0)
        {
            None => Ok(()),
            Some(thread) => {
                Err(format!("{:?} not announced; {:?}", thread.unattributed_wait, thread.blocked_on))
            }
        }
    });
}

fn assert_slept(thread: &Thread) {
    /// The timer is set a moment before the switch-out, and `blocked` begins with the latter. The thread may be
    /// preempted in between.
    const BEFORE_SWITCH_NS: u64 = 1_000_000;

    assert!(thread.exited);
    let unannounced = unannounced(thread);
    assert_eq!(blocked_on(thread, "clock_nanosleep") + unannounced, SLEEPS, "{thread:#?}");
    // On top of the sleeps only a wait for the lock of the address space, which undisturbed runs do not have.
    let blocked = thread.histogram(Metric::Blocked).unwrap();
    let others = thread.voluntary_switches - 1 - SLEEPS;
    assert_eq!(blocked.count + unannounced, SLEEPS + others, "the last switch ends it: {thread:#?}");
    assert_eq!(blocked.count, thread.blocked_on.iter().map(|entry| entry.count).sum::<u64>());
    if others == 0 {
        assert_eq!(thread.blocked_on.len(), 1, "{:?}", thread.blocked_on);
        let preempted_ns = thread.histogram(Metric::Preempted).map_or(0, |histogram| histogram.max_ns.0);
        assert!(blocked.min_ns.0 + BEFORE_SWITCH_NS + preempted_ns >= SLEEP_NS, "{thread:#?}");
    }
    assert!(blocked.quantile(0.5).unwrap().value.0 >= SLEEP_NS, "{thread:#?}");

    // One more for its birth. A wake takes time: none is 0.
    let wait = thread.histogram(Metric::RunqueueWait).unwrap();
    assert_eq!(wait.count, blocked.count + 1, "{thread:#?}");
    assert!(wait.min_ns.0 > 0, "{thread:#?}");
}

fn spinners_on_one_cpu_preempt_each_other() {
    let spin = || {
        let outcome = Scene::new().run(&target("spinners", &["2", "400"]));
        outcome.assert_complete();
        let told = outcome.told();
        for spinner in told.as_array().unwrap() {
            let thread = outcome.only(spinner["name"].as_str().unwrap());
            never_blocked(thread)?;
            assert!(thread.count(Metric::Preempted) > 0, "{thread:#?}");
            assert_eq!(thread.count(Metric::Blocked), 0, "{thread:#?}");
            assert_on_cpu(thread, spinner["cpu_ns"].as_u64().unwrap());
        }
        Ok(())
    };
    undisturbed(spin);
}

/// By the kernel's own counter a spinner leaves its CPU by itself only as it ends. It may have to wait for the lock
/// of the address space, or for a page of its program to come from the disk.
fn never_blocked(thread: &Thread) -> Result<(), String> {
    match thread.kernel.voluntary_switches {
        1 => Ok(()),
        switches => Err(format!("{switches} voluntary switches, {:?}", thread.blocked_on)),
    }
}

/// `on_cpu` includes interrupts and what a hypervisor takes, and the thread's own clock was read a little
/// before its end: generously, 10 % and 20 ms.
fn assert_on_cpu(thread: &Thread, cpu_ns: u64) {
    let on_cpu = thread.sum(Metric::OnCpu).0;
    let slack = cpu_ns / 10 + 20_000_000;
    assert!(on_cpu.abs_diff(cpu_ns) <= slack, "{on_cpu} ns on CPU, {cpu_ns} ns of CPU time: {thread:#?}");
}

fn a_thread_that_never_blocks_has_no_blocked_samples() {
    let spin = || {
        let outcome = Scene::new().run(&target("spinners", &["1", "200"]));
        outcome.assert_complete();

        let thread = outcome.only("spinner-0");
        never_blocked(thread)?;
        // Absent, not zero.
        assert_eq!(thread.histogram(Metric::Blocked), None, "{thread:#?}");
        assert!(thread.blocked_on.is_empty(), "{thread:#?}");
        assert_eq!(thread.count(Metric::RunqueueWait), 1, "of its birth: {thread:#?}");
        assert_eq!(thread.voluntary_switches, 1, "the one that ends it: {thread:#?}");
        assert_on_cpu(thread, outcome.told()[0]["cpu_ns"].as_u64().unwrap());
        Ok(())
    };
    undisturbed(spin);
}

fn pipe_round_trips_are_counted_as_the_kernel_does() {
    const TRIPS: u64 = 100_000;
    let outcome = Scene::new().run(&target("round-trips", &[&TRIPS.to_string()]));
    outcome.assert_complete();

    let counted: u64 = ["caller", "echo"].into_iter().map(|name| assert_counted(&outcome, name)).sum();
    // The byte changes threads twice a round trip, each time by a switch of one kind or the other.
    assert!(counted >= 2 * TRIPS, "{counted} switches");
}

/// Returns the switches of both kinds, by the thread's own account.
fn assert_counted(outcome: &Outcome, name: &str) -> u64 {
    let told = outcome.told();
    let told = |kind: &str| told[name][kind].as_u64().unwrap();
    let thread = outcome.only(name);
    assert_eq!(thread.voluntary_switches, told("voluntary") + 1, "one more ends the thread: {thread:#?}");
    // On its way out it can be preempted, even more than once.
    let late = thread.involuntary_switches.checked_sub(told("involuntary")).expect("not fewer");
    assert!(late <= 5, "{late} involuntary switches in a thread that only had to exit: {thread:#?}");
    assert_eq!(thread.involuntary_switches, thread.kernel.involuntary_switches);

    let blocked = thread.count(Metric::Blocked);
    assert_eq!(blocked + unannounced(thread), told("voluntary"), "{thread:#?}");
    // A write can wait too: for the pipe's lock, whose holder was preempted (fs/pipe.c).
    let waits = blocked_on(thread, "read") + blocked_on(thread, "write");
    assert_eq!(waits, blocked, "{:?}", thread.blocked_on);
    told("voluntary") + told("involuntary")
}
