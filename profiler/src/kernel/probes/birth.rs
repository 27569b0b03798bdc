//! Threads that are born, processes that are forked and execute programs, and the names of both.

use super::{Hook, Probe, Program};

const fn tracepoint(name: &'static str, group: &'static str, purpose: &'static str) -> Program {
    Program { name, hook: Hook::Tracepoint { group, purpose } }
}

pub(super) static PROBE: Probe = Probe {
    programs: &[
        tracepoint("sched_wakeup_new", "sched", "first runqueue_wait of a thread"),
        tracepoint("task_rename", "task", "names of threads"),
        tracepoint("sched_process_fork", "sched", "threads and processes that are born"),
        tracepoint("sched_process_exec", "sched", "the target's start"),
    ],
    maps: &[],
    is_wanted: |_| true,
};
