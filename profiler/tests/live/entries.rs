//! Threads that the kernel starts for a process, which no fork tells of, and calls by the 32-bit entry.

use crate::attach::{Attachment, Running};
use crate::support::{Outcome, Scene, assert_sleeps_in, blocked_on, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::profile::reconciliation::Quantity;
use model::profile::thread::Thread;
use std::process::Command;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        workers_of_a_ring_are_recorded_from_their_birth,
        workers_that_are_born_after_the_attach_are_recorded,
        a_call_by_the_32_bit_entry_has_the_name_of_its_own_table,
        a_call_is_known_by_the_half_of_the_register_that_the_kernel_reads,
    ]
}

/// The threads that the kernel has started: their names begin so (io_uring/io-wq.c, io_uring/sqpoll.c).
fn workers<'a>(outcome: &'a Outcome, name: &str) -> Vec<&'a Thread> {
    let threads = &outcome.profile().threads;
    let workers: Vec<&Thread> = threads.iter().filter(|thread| thread.name.starts_with(name)).collect();
    assert!(!workers.is_empty(), "no thread {name} among {:?}", names(threads));
    workers
}

fn names(threads: &[Thread]) -> Vec<&str> {
    threads.iter().map(|thread| thread.name.as_str()).collect()
}

/// Each read is waited for by a worker: no system call of its own.
fn assert_reads(outcome: &Outcome, reads: u64) {
    outcome.assert_complete();
    let readers = workers(outcome, "iou-wrk-");
    let waits: u64 = readers.iter().map(|thread| blocked_on(thread, "kernel_worker")).sum();
    assert!(waits >= reads, "{waits} of {reads}: {readers:#?}");
    let all = readers.iter().flat_map(|thread| &thread.blocked_on);
    assert!(all.clone().all(|entry| entry.syscall == "kernel_worker"), "{readers:#?}");
    assert!(all.map(|entry| entry.max_ns.0).max().unwrap() >= 10_000_000, "it waits for what comes later");
}

fn workers_of_a_ring_are_recorded_from_their_birth() {
    assert_reads(&Scene::new().run(&target("ring", &["3"])), 3);
    let outcome = Scene::new().run(&target("ring-with-submitter", &["3"]));
    assert_reads(&outcome, 3);
    workers(&outcome, "iou-sqp-");
}

fn workers_that_are_born_after_the_attach_are_recorded() {
    for name in ["ring-when-told", "ring-with-submitter-when-told"] {
        let mut running = Running::asleep(name, &[]);
        let (attachment, _scene) = Attachment::to(running.pid());
        running.go();
        assert_eq!(running.line(), "done");
        let outcome = attachment.detach();
        assert_reads(&outcome, 1);
        let living = outcome.profile().reconciliation.iter();
        let living = living.filter(|check| check.quantity == Quantity::LivingThreads);
        let counts: Vec<(u64, u64)> = living.map(|check| (check.kernel, check.measured)).collect();
        let threads = outcome.profile().threads.iter().filter(|thread| !thread.exited).count() as u64;
        assert_eq!(counts, [(threads, threads)], "{:?}", names(&outcome.profile().threads));
        running.finish();
    }
}

fn a_call_by_the_32_bit_entry_has_the_name_of_its_own_table() {
    let alone = target("sleep-by-32-bit-entry", &["1", "1"]);
    let served = Command::new(&alone[0]).args(&alone[1..]).status().unwrap();
    assert!(
        served.success(),
        "the kernel serves the 32-bit entry (CONFIG_IA32_EMULATION, ia32_emulation=1): {served}"
    );
    let outcome = Scene::new().run(&target("sleep-by-32-bit-entry", &["5", "5"]));
    outcome.assert_complete();
    let thread = &outcome.profile().threads[0];
    assert_eq!(blocked_on(thread, "sync"), 0, "{thread:#?}");
    assert_sleeps_in(thread, "ia32:nanosleep", 5);
}

fn a_call_is_known_by_the_half_of_the_register_that_the_kernel_reads() {
    let outcome = Scene::new().run(&target("sleep-by-wide-number", &["5", "5"]));
    outcome.assert_complete();
    assert_eq!(blocked_on(&outcome.profile().threads[0], "nanosleep"), 5, "{:#?}", outcome.profile().threads);
}
