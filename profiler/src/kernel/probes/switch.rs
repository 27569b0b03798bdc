//! Switches and wakes: the metrics on_cpu, blocked, runqueue_wait and preempted.

use super::{Hook, Probe, Program};

pub(super) static PROBE: Probe = Probe {
    programs: &[
        Program {
            name: "sched_switch",
            hook: Hook::Tracepoint { group: "sched", purpose: "on_cpu, blocked, preempted, runqueue_wait" },
        },
        Program {
            name: "sched_waking",
            hook: Hook::Tracepoint { group: "sched", purpose: "blocked, runqueue_wait" },
        },
    ],
    maps: &[],
    is_wanted: |_| true,
};
