//! The census: living threads of the target's processes, and those of them that have no record. In: a task of a task
//! iterator. Out: two counters of [`Global`].
//!
//! It proves that no thread was missed, whatever hook should have told of its birth. A process is known by its leader: one
//! whose leader has ended, or is not in the table of states, is passed over.

use crate::programs::{
    atomic, states,
    task::{self, TASK_DEAD, TASK_NEW, Task},
};
use profiler_ebpf::layout::{SharedGlobal, state};

/// Counts one task if it is a living thread of the target or of one of its processes.
///
/// A thread may be born or end on another CPU meanwhile, so the order matters: a thread that had run before the lookup has
/// joined by then if any event reported it, and a thread that was forgotten before the lookup is marked dead by then. A
/// thread that has never run is passed over, which hides nothing: it has done nothing.
#[inline(always)]
pub(crate) fn count(task: Task, global: &SharedGlobal) {
    let had_run = task::has_run(task);
    if let Some(thread) = states::of(task) {
        if thread.state.get() != state::CLOSED {
            atomic::add(&global.recorded, 1);
        }
        return;
    }
    if !had_run || task::run_state(task) & (TASK_DEAD | TASK_NEW) != 0 {
        return;
    }
    if task::leader(task).is_some_and(states::is_recorded_at) {
        atomic::add(&global.unrecorded, 1);
    }
}
