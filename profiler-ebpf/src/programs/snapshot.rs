//! What each thread is doing now: written into its slot, where user space reads it for an interval.

use super::{
    census,
    lifecycle::TaskIterator,
    met,
    slots::{global, slot},
    states, task,
};
use profiler_ebpf::layout::{Slot, TaskState, state};

/// Looks at one task, if it belongs to the target. The thread may be switched at the same moment on another CPU; user
/// space sees by the sums of its slot whether what is written here goes with them.
#[inline(always)]
pub(crate) fn look(iterator: *mut TaskIterator) {
    let Some(task) = TaskIterator::task(iterator) else { return };
    if let Some(global) = global() {
        census::count(task, global);
    }
    let Some(thread) = states::of(task) else { return };
    if thread.state == state::CLOSED {
        return;
    }
    if let Some(slot) = slot(thread.slot) {
        saw(slot, thread, met::shown(thread.state, thread, task));
        // Since it joined it may have got another one; most threads of a pool do just after their birth.
        task::read_name(task, &mut slot.name);
    }
}

/// Writes down what a thread is doing.
#[inline(always)]
pub(crate) fn saw(slot: &mut Slot, thread: &TaskState, state: u32) {
    slot.seen_state = state;
    slot.seen_since_ns = thread.since_ns;
    slot.seen_waking_ns = thread.woken_ns();
}
