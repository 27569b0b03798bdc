//! A snapshot: the state of each thread now, written into its slot, where user space reads it for an interval.

use super::census;
use crate::programs::{
    global::global,
    slots::{self, slot},
    states,
    task::{self, TaskIterator},
};
use profiler_ebpf::layout::state;

/// Samples one task, if it belongs to the target. The thread may be switched at the same moment on another CPU; user
/// space sees by the sums of its slot whether what is written here goes with them.
#[inline(always)]
pub(crate) fn sample(iterator: *mut TaskIterator) {
    let Some(task) = TaskIterator::task(iterator) else { return };
    if let Some(global) = global() {
        census::count(task, global);
    }
    let Some(thread) = states::of(task) else { return };
    if thread.state.get() == state::CLOSED {
        return;
    }
    if let Some(slot) = slot(thread.slot.get()) {
        slots::saw(slot, thread, states::shown(thread.state.get(), thread, task));
        // Since it joined it may have got another one; most threads of a pool do just after their birth.
        task::read_name(task, &slot.name);
    }
}
