//! The fields of the task, as [`super::World`] has them.

use super::with;
use profiler_ebpf::layout::KernelCounters;

/// A task by its number: 0 is the idle task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task(pub(crate) u32);

pub(crate) const IDLE: Task = Task(0);
pub(crate) const THREAD: Task = Task(1);
/// One that is not recorded.
pub(crate) const OTHER: Task = Task(2);

pub(crate) const TASK_DEAD: u32 = 0x80;
pub(crate) const TASK_RUNNING: u32 = 0;

pub(crate) fn now_ns() -> u64 {
    with(|world| world.now.get())
}

pub(crate) fn tid(task: Task) -> u32 {
    task.0
}

pub(crate) fn nvcsw(_task: Task) -> u64 {
    with(|world| world.nvcsw.get())
}

pub(crate) fn nivcsw(_task: Task) -> u64 {
    with(|world| world.nivcsw.get())
}

pub(crate) fn sum_exec_runtime(_task: Task) -> u64 {
    with(|world| world.cpu_ns.get())
}

pub(crate) fn counters(task: Task) -> KernelCounters {
    KernelCounters {
        voluntary_switches: nvcsw(task),
        involuntary_switches: nivcsw(task),
        minor_faults: 0,
        major_faults: 0,
        cpu_ns: sum_exec_runtime(task),
        migrations: 0,
    }
}

pub(crate) fn syscall_number(_task: Task) -> i32 {
    with(|world| world.syscall.get())
}

pub(crate) fn is_32bit_syscall(_task: Task) -> bool {
    false
}

pub(crate) fn watches() -> bool {
    false
}
