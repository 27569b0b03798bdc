//! The end of a recording: closes each record. In: a task of a task iterator. Out: slots in the phase CLOSED.

use super::census;
use crate::programs::{
    atomic,
    global::global,
    slots::{self, slot},
    states,
    task::{self, Task, TaskIterator, now_ns},
};
use profiler_ebpf::layout::{SharedGlobal, TaskState, phase, state};

/// Force-close after this many passes. A switch under way is over when the next pass begins, so that even a thread that
/// always switches is soon found between two switches; if not, its record is one switch off, and the reconciliation says so.
const PATIENCE: u64 = 16;

/// Closes the record of one task, if it belongs to the target, or leaves it to the next pass. The first pass closes nothing: it
/// takes the census, while every newborn thread still joins.
///
/// The thread may be switched meanwhile on another CPU. Its record is left open while a switch is under way, so that
/// it holds what the counters hold. What is at work already when the state becomes CLOSED does not see that, and sets
/// another one: the next pass closes the record again.
#[inline(always)]
pub(crate) fn close(iterator: *mut TaskIterator) {
    let Some(global) = global() else { return };
    let Some(task) = TaskIterator::task(iterator) else {
        atomic::add(&global.walks, 1);
        return;
    };
    if global.walks.get() == 0 {
        census::count(task, global);
        return;
    }
    let Some(thread) = states::of(task) else { return };
    close_thread(task, thread, global, global.walks.get() >= PATIENCE);
}

/// Closes the record of a thread, unless that is done already or, while there is patience, a switch is under way.
#[inline(always)]
pub(crate) fn close_thread(task: Task, thread: &TaskState, global: &SharedGlobal, is_impatient: bool) {
    let was = thread.state.get();
    if was == state::CLOSED {
        return;
    }
    atomic::add(&global.closings, 1);
    let mut counters = task::counters(task);
    if !states::agrees(thread, &counters) && !is_impatient {
        return;
    }
    let open_state = states::shown(was, thread, task);
    if !states::replace(thread, was, state::CLOSED) {
        return;
    }
    if !states::agrees(thread, &counters) {
        // It went through the same state again in between.
        counters = task::counters(task);
    }
    match slot(thread.slot.get()) {
        Some(slot) => {
            slots::saw(slot, thread, open_state);
            slots::finish(task, slot, &counters, now_ns(), open_state, thread.since_ns.get());
            slot.phase.set(phase::CLOSED);
        }
        None => slots::finish_slotless(&counters, slots::slotless_entry::WALKS, open_state),
    }
}
