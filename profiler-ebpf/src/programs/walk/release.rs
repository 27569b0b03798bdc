//! The end of families while a daemon goes on. In: a task of a task iterator. Out: closed records, forgotten threads.

use super::close::close_thread;
use crate::programs::{families, global::global, states, task::TaskIterator};
use profiler_ebpf::layout::{rule, state};

/// Closes the record of one task if its process tree is released, or leaves it to the next pass; forgets it in the end.
#[inline(always)]
pub(crate) fn release(iterator: *mut TaskIterator) {
    let Some(global) = global() else { return };
    let Some(task) = TaskIterator::task(iterator) else { return };
    let Some(thread) = states::of(task) else { return };
    let rules = families::rules(families::of(thread));
    if rules & rule::FORGOTTEN != 0 {
        if thread.state.get() == state::CLOSED {
            if families::left(thread) {
                states::forget(task);
            }
            states::take_out(task);
        }
        return;
    }
    if rules & rule::RELEASED != 0 {
        close_thread(task, thread, global, rules & rule::IMPATIENT != 0);
    }
}
