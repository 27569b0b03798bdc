//! The switch program on the host, behind a fake task: what it makes of the switches and wakes of a drawn timeline.
//!
//! One letter is one unit of time; a timeline begins with the thread's birth and ends with its last switch.
//!
//! ```text
//! =  on a CPU                             .  blocked
//! !  on a CPU, its start not announced    ?  blocked, its end not announced
//! ~  preempted by another thread          -  woken or born, waiting for a CPU
//! o  switched out for the idle task
//! ```

mod fake;

use fake::switch::{sched_switch, sched_wakeup, sched_waking};
use fake::task::{IDLE, OTHER, TASK_DEAD, TASK_RUNNING, THREAD};
use fake::with;
use profiler_ebpf::layout::{SharedTotals, blocked_key, state};
use profiler_ebpf::metric::Metric;
use proptest::prelude::*;

/// The time of the thread's birth, and the nanoseconds of a letter.
const BORN: u64 = 1_000_000;
const LETTER: u64 = 1_000;

const TASK_INTERRUPTIBLE: u32 = 1;

fn at(letters: u64) {
    with(|world| world.now.set(BORN + letters * LETTER));
}

fn is_on_cpu(letter: char) -> bool {
    matches!(letter, '=' | '!')
}

fn switch_in() {
    sched_switch(0, OTHER, THREAD, TASK_RUNNING);
}

/// A voluntary switch-out, which the kernel has counted already.
fn leave(prev_state: u32) {
    with(|world| world.nvcsw.set(world.nvcsw.get() + 1));
    sched_switch(0, THREAD, IDLE, prev_state);
}

/// By the waker, and then on the run queue.
fn wake() {
    sched_waking(THREAD);
    sched_wakeup(THREAD);
}

fn preempted_by(next: fake::task::Task) {
    with(|world| world.nivcsw.set(world.nivcsw.get() + 1));
    sched_switch(1, THREAD, next, TASK_RUNNING);
}

/// Fires what the kernel fires between two letters.
fn change(from: char, to: Option<char>) {
    match (from, to) {
        ('=' | '!', None) => leave(TASK_DEAD),
        ('=' | '!', Some('.' | '?')) => leave(TASK_INTERRUPTIBLE),
        ('=' | '!', Some('~')) => preempted_by(OTHER),
        ('=' | '!', Some('o')) => preempted_by(IDLE),
        ('.', Some('-' | '!')) => wake(),
        ('.', Some('=')) => {
            wake();
            switch_in();
        }
        ('-' | '~' | 'o' | '?', Some('=')) => switch_in(),
        ('-' | '~' | 'o' | '?', Some('!')) => {}
        (from, to) => unreachable!("{from} is not followed by {to:?}"),
    }
}

fn run(timeline: &str, has_slot: bool) {
    with(|world| world.begin(BORN, has_slot));
    let letters: Vec<char> = timeline.chars().collect();
    for (place, &letter) in letters.iter().enumerate() {
        let next = letters.get(place + 1).copied();
        if is_on_cpu(letter) {
            with(|world| world.cpu_ns.set(world.cpu_ns.get() + LETTER));
        }
        at(place as u64 + 1);
        if next != Some(letter) {
            change(letter, next);
        }
    }
    assert!(with(|world| world.announced.get()), "{timeline}: its end was not told");
}

/// The number, and letters in all.
type Amount = (u64, u64);

fn amount(totals: &SharedTotals) -> Amount {
    let sum_ns = totals.sum_ns.get();
    assert_eq!(sum_ns % LETTER, 0);
    (totals.count.get(), sum_ns / LETTER)
}

#[derive(Debug, Default, PartialEq)]
struct Amounts {
    on_cpu: Amount,
    runqueue_wait: Amount,
    blocked: Amount,
    preempted: Amount,
    runnable_idle: Amount,
    unattributed_wait: Amount,
    inferred: u64,
}

impl Amounts {
    fn in_slot() -> Self {
        let slot = with(fake::World::slot);
        let metric = |metric: Metric| amount(&slot.metrics[metric.index()].totals);
        let waits = slot.blocked_on.iter().map(|entry| entry.sum_ns.get()).sum::<u64>();
        assert_eq!(waits, slot.metrics[Metric::Blocked.index()].totals.sum_ns.get(), "each wait has a cause");
        assert_eq!(slot.clock_backwards.get(), 0);
        Self {
            on_cpu: metric(Metric::OnCpu),
            runqueue_wait: metric(Metric::RunqueueWait),
            blocked: metric(Metric::Blocked),
            preempted: metric(Metric::Preempted),
            runnable_idle: amount(&slot.runnable_idle),
            unattributed_wait: amount(&slot.unattributed_wait),
            inferred: slot.inferred_switch_ins.get(),
        }
    }

    fn without_slot() -> Self {
        let sums = with(fake::World::slotless);
        let metric = |metric: Metric| amount(&sums.metrics[metric.index()]);
        Self {
            on_cpu: metric(Metric::OnCpu),
            runqueue_wait: metric(Metric::RunqueueWait),
            blocked: metric(Metric::Blocked),
            preempted: metric(Metric::Preempted),
            runnable_idle: amount(&sums.runnable_idle),
            unattributed_wait: amount(&sums.unattributed_wait),
            inferred: sums.inferred_switch_ins.get(),
        }
    }

    /// The time in all states.
    fn letters(&self) -> u64 {
        let all = [
            self.on_cpu,
            self.runqueue_wait,
            self.blocked,
            self.preempted,
            self.runnable_idle,
            self.unattributed_wait,
        ];
        all.iter().map(|amount| amount.1).sum()
    }
}

/// With and without a slot the same.
fn amounts(timeline: &str) -> Amounts {
    run(timeline, false);
    let without = Amounts::without_slot();
    run(timeline, true);
    let amounts = Amounts::in_slot();
    assert_eq!(amounts, without, "{timeline}: without a slot");
    amounts
}

#[test]
fn slices_and_waits_are_measured_from_switch_to_switch() {
    let expected = Amounts {
        on_cpu: (3, 9),
        runqueue_wait: (2, 5),
        blocked: (1, 6),
        preempted: (1, 4),
        ..Amounts::default()
    };
    assert_eq!(amounts("--====......---===~~~~=="), expected);
}

#[test]
fn a_switch_to_the_idle_task_is_no_preemption() {
    let expected = Amounts {
        on_cpu: (3, 6),
        runqueue_wait: (1, 1),
        preempted: (1, 2),
        runnable_idle: (1, 3),
        ..Amounts::default()
    };
    assert_eq!(amounts("-==ooo==~~=="), expected);
}

#[test]
fn a_wait_without_an_announced_wake_is_not_split() {
    let expected = Amounts {
        on_cpu: (3, 4),
        runqueue_wait: (2, 3),
        blocked: (1, 4),
        unattributed_wait: (1, 5),
        ..Amounts::default()
    };
    assert_eq!(amounts("-=?????==....--="), expected);
}

#[test]
fn a_switch_in_that_was_not_announced_is_found_by_the_cpu_time() {
    let expected = Amounts {
        on_cpu: (3, 9),
        runqueue_wait: (2, 4),
        blocked: (1, 3),
        preempted: (1, 2),
        inferred: 2,
        ..Amounts::default()
    };
    assert_eq!(amounts("--==...--!!!~~!!!!"), expected);
}

#[test]
fn a_waker_between_dequeue_and_switch_out_leaves_no_blocked_time() {
    with(|world| world.begin(BORN, true));
    at(1);
    switch_in();
    at(3);
    sched_waking(THREAD);
    at(4);
    leave(TASK_INTERRUPTIBLE);
    at(9);
    switch_in();
    let expected = Amounts { on_cpu: (1, 3), runqueue_wait: (2, 6), blocked: (1, 0), ..Amounts::default() };
    assert_eq!(Amounts::in_slot(), expected);
}

#[test]
fn a_thread_that_meant_to_sleep_and_had_a_signal_waits_for_a_cpu_only() {
    with(|world| world.begin(BORN, true));
    at(1);
    switch_in();
    at(2);
    leave(TASK_RUNNING);
    at(7);
    switch_in();
    let expected = Amounts { on_cpu: (1, 1), runqueue_wait: (2, 6), blocked: (1, 0), ..Amounts::default() };
    assert_eq!(Amounts::in_slot(), expected);
}

#[test]
fn an_end_before_its_start_is_counted_and_not_measured() {
    with(|world| world.begin(BORN, true));
    at(5);
    switch_in();
    at(4);
    preempted_by(OTHER);
    let slot = with(fake::World::slot);
    assert_eq!((slot.clock_backwards.get(), slot.metrics[Metric::OnCpu.index()].totals.count.get()), (1, 0));
}

#[test]
fn a_wait_is_put_down_to_the_system_call_that_it_was_in() {
    with(|world| world.begin(BORN, true));
    switch_in();
    for (number, key) in [(7, blocked_key::SYSCALL_0 + 7), (-1, blocked_key::NO_SYSCALL)] {
        with(|world| world.syscall.set(number));
        leave(TASK_INTERRUPTIBLE);
        with(|world| world.now.set(world.now.get() + LETTER));
        wake();
        switch_in();
        let slot = with(fake::World::slot);
        let entry = slot.blocked_on.iter().find(|entry| entry.key.get() == key).unwrap();
        assert_eq!((entry.count.get(), entry.sum_ns.get(), entry.max_ns.get()), (1, LETTER, LETTER));
    }
}

#[test]
fn the_last_switch_closes_the_record() {
    run("-===", true);
    let slot = with(fake::World::slot);
    assert_eq!((slot.until_ns.get(), slot.open_state.get()), (BORN + 4 * LETTER, state::BLOCKED));
    assert_eq!(with(fake::World::state).state.get(), state::CLOSED);
}

/// Timelines as the kernel makes them: slices, and between them one of the ways to be off the CPU.
fn timelines() -> impl Strategy<Value = String> {
    let times = |letter: &'static str| (1..6_usize).prop_map(move |times| letter.repeat(times));
    let slice = || prop_oneof![4 => times("="), 1 => times("!")];
    let wait = prop_oneof![
        (times("."), 0..5_usize).prop_map(|(blocked, wait)| blocked + &"-".repeat(wait)),
        times("?"),
        times("~"),
        times("o"),
    ];
    let rest = prop::collection::vec((wait, slice()), 0..20);
    (times("-"), slice(), rest).prop_map(|(birth, first, rest)| {
        rest.into_iter().fold(birth + &first, |line, (wait, slice)| line + &wait + &slice)
    })
}

proptest! {
    /// No time is lost, and none is counted twice: the states add up to the time from the first event to the last.
    #[test]
    fn states_add_up_to_the_time_recorded(timeline in timelines()) {
        let amounts = amounts(&timeline);
        let letters = |of: &str| timeline.chars().filter(|letter| of.contains(*letter)).count() as u64;
        prop_assert_eq!(amounts.letters(), timeline.len() as u64);
        prop_assert_eq!(amounts.on_cpu.1, letters("=!"));
        prop_assert_eq!(amounts.runqueue_wait.1, letters("-"));
        prop_assert_eq!(amounts.blocked.1, letters("."));
        prop_assert_eq!(amounts.preempted.1, letters("~"));
        prop_assert_eq!(amounts.runnable_idle.1, letters("o"));
        prop_assert_eq!(amounts.unattributed_wait.1, letters("?"));
    }
}
