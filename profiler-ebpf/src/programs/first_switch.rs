//! The first switch after attaching to a thread that lived already: it settles the thread's state at attach.
//!
//! The problem: a task iterator samples a thread that may be switched on another CPU meanwhile, so its sample is not certain.
//! The rule: the first switch after the sample is. A switch-out ends a slice, a switch-in ends a wait, and no other switch of
//! the thread is under way then. It also settles the counters that the record starts from.

use super::{
    slots::{inferred_switch_in, restart, slot, slotless_entry},
    states::{self, NO_SAMPLE},
    task::{self, TASK_RUNNING, Task},
};
use profiler_ebpf::{
    layout::{KernelCounters, SharedSlot, TaskState, state},
    metric::Metric,
};

/// Flag in the `switch` argument of [`settle_out`], next to the task's state: the switch was a preemption.
pub(crate) const PREEMPTION: u32 = 1 << 31;

/// The first switch of a thread that was attached to is a switch-out: it was on a CPU. Leaves it in a slice that is no sample;
/// `false` if it is being looked at, so that its record begins after this switch.
#[inline(never)]
pub(crate) fn settle_out(thread: &TaskState, prev: Task, now: u64, switch: u32) -> bool {
    let was = thread.state.get();
    if was == state::ATTACHING || !states::replace(thread, was, state::ON_CPU) {
        return false;
    }
    let mut counters = task::counters(prev);
    // The switch that is under way belongs to the record.
    if is_voluntary(thread, &counters, switch) {
        counters.voluntary_switches -= 1;
    } else {
        counters.involuntary_switches -= 1;
    }
    let ran = counters.cpu_ns - thread.cpu_ns.get();
    restart(thread, &counters, slotless_entry::TRACEPOINTS);
    let lasted = found_until(thread, now);
    // It was off CPU, and its switch-in was not announced.
    let is_hidden = was != state::ATTACHED_ON_CPU && lasted > ran;
    if is_hidden {
        inferred_switch_in(thread.slot.get());
    }
    found(thread.slot.get(), if is_hidden { was } else { state::ATTACHED_ON_CPU }, lasted);
    if thread.woken_ns() < thread.since_ns.get() {
        thread.waking_ns.set(0);
    }
    thread.since_ns.set(NO_SAMPLE);
    true
}

/// True if the kernel has counted the switch that is under way as a voluntary one.
#[inline(always)]
fn is_voluntary(thread: &TaskState, counters: &KernelCounters, switch: u32) -> bool {
    let voluntary = (counters.voluntary_switches as u32).wrapping_sub(thread.nvcsw.get());
    let involuntary = (counters.involuntary_switches as u16).wrapping_sub(thread.nivcsw.get());
    match (voluntary, involuntary) {
        (1, 0) => true,
        (0, 1) => false,
        // The counters held it at the sample already, or the thread was switched between samples: by the kernel's
        // own rule (kernel/sched/core.c `__schedule`).
        _ => switch & PREEMPTION == 0 && switch != TASK_RUNNING,
    }
}

/// The first switch of a thread that was attached to is a switch-in: it was off CPU. Leaves it in a wait for a CPU that is a
/// sample, or in one that is none; returns its state then, CLOSED if it is being looked at.
#[inline(never)]
pub(crate) fn settle_in(thread: &TaskState, next: Task, now: u64) -> u32 {
    let was = thread.state.get();
    let (from, woken) = (thread.since_ns.get(), thread.woken_ns());
    let is_whole = woken >= from && woken <= now;
    let to = if is_whole { state::NEWBORN } else { state::ON_CPU };
    if was == state::ATTACHING || !states::replace(thread, was, to) {
        return state::CLOSED;
    }
    restart(thread, &task::counters(next), slotless_entry::TRACEPOINTS);
    if is_whole {
        // The wait for a CPU began in the recording.
        found(thread.slot.get(), state::ATTACHED_ASLEEP, woken - from);
        thread.since_ns.set(woken);
    } else {
        let lasted = found_until(thread, now);
        found(
            thread.slot.get(),
            if was == state::ATTACHED_ON_CPU { state::ATTACHED_WAITING } else { was },
            lasted,
        );
    }
    to
}

/// Returns the time that a thread spent in its state at attach, in ns. If its first switch is stamped earlier than the
/// sample of that state, the record begins with the switch.
#[inline(always)]
fn found_until(thread: &TaskState, now: u64) -> u64 {
    let since = thread.since_ns.get();
    if now >= since {
        return now - since;
    }
    if let Some(slot) = slot(thread.slot.get()) {
        slot.from_ns.set(now);
    }
    0
}

/// Writes the state at attach, and the time spent in it, to the slot.
#[inline(always)]
fn found(number: u32, state: u32, ns: u64) {
    if let Some(slot) = slot(number) {
        slot.found_ns.set(ns);
        slot.found_state.set(state);
    }
}

/// Corrects the start of the record after the first fault of a thread that has not switched since attach. The sample may
/// have fallen between the kernel's count of this fault and its event: the record then starts before the fault.
#[inline(never)]
pub(crate) fn fault_accounted(slot: &SharedSlot, metric: u32) {
    let task = task::current();
    if metric == Metric::MinorFault as u32 {
        let measured =
            slot.metrics[Metric::MinorFault.index()].totals.count.get() + slot.minor_without_entry.get();
        let before = task::min_flt(task) - measured;
        if slot.start.minor_faults.get() > before {
            slot.start.minor_faults.set(before);
        }
    } else {
        let measured =
            slot.metrics[Metric::MajorFault.index()].totals.count.get() + slot.major_without_entry.get();
        let before = task::maj_flt(task) - measured;
        if slot.start.major_faults.get() > before {
            slot.start.major_faults.set(before);
        }
    }
}
