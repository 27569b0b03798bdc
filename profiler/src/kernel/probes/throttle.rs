//! Woken threads that a quota keeps waiting, on kernels that throttle a run queue as a whole (before 6.18). Elsewhere
//! the program is not loaded: it costs each wake of the machine.

use super::{Hook, Probe, Program};

pub(super) static PROBE: Probe = Probe {
    programs: &[Program {
        name: "sched_wakeup",
        hook: Hook::Tracepoint { group: "sched", purpose: "throttled, before Linux 6.18" },
    }],
    maps: &[],
    is_wanted: |wanted| wanted.throttles_queues,
};
