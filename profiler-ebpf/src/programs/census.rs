//! Every living thread of the target's processes, counted by walking all tasks, and those of them that have no record.
//!
//! It proves that no thread was missed, whatever hook should have told of its birth. In: a task; out: two counters of
//! [`Global`]. A process is known by its leader: one whose leader has ended, or is not in the table of states, is passed over.

use super::{
    met::TASK_NEW,
    slots::add_shared,
    states,
    switch::TASK_DEAD,
    task::{self, Task, now_ns},
};
use profiler_ebpf::layout::{Global, state};

/// A thread that has lived for less may be between its wake and the program that has it join (100 ms: a hypervisor may stop
/// the CPU in between).
const SETTLED_NS: u64 = 100_000_000;

/// Counts one task if it is a living thread of the target or of one of its processes.
#[inline(always)]
pub(crate) fn count(task: Task, global: &mut Global) {
    if let Some(thread) = states::of(task) {
        if thread.state != state::CLOSED {
            add_shared(&mut global.recorded);
        }
        return;
    }
    if task::run_state(task) & (TASK_DEAD | TASK_NEW) != 0 {
        return;
    }
    if now_ns().saturating_sub(task::start_ns(task)) < SETTLED_NS {
        return;
    }
    if task::leader(task).is_some_and(states::is_recorded_at) {
        add_shared(&mut global.unrecorded);
    }
}
