//! Notes on the events that contenders count, from their sources and manuals, not measured.

use crate::contender::Contender;

/// The event that a contender counts, and how it reports losses; `None` if there is nothing to say.
pub(super) fn counts(contender: Contender) -> Option<&'static str> {
    Some(match contender {
        Contender::Nothing
        | Contender::Empty
        | Contender::ProfilerBefore
        | Contender::ProfilerOfItself
        | Contender::ProfilerOfOthers
        | Contender::ProfilerOfMany => return None,
        Contender::Profiler => {
            "every switch and fault of the load's processes; `lost` in the profile names all that is missing"
        }
        Contender::Runqlat => {
            "each wait for a CPU, from wake-up or preemption to switch-in, on the whole machine. It does not look \
             whether its maps took an entry (10 240 threads); lost are runs of its BPF programs that the \
             kernel left out"
        }
        Contender::Cpudist => {
            "slices whose thread can still run as they end (`get_task_state(prev) == TASK_RUNNING` in \
             cpudist.bpf.c), on the whole machine: those that end in a wait are not in its histogram. Lost: as \
             for runqlat-libbpf"
        }
        Contender::CpudistOff => {
            "each time off a CPU, waits and preemptions together, on the whole machine. Lost: as for runqlat-libbpf"
        }
        Contender::Offcputime => {
            "microseconds off a CPU by stack, on the whole machine, and no number of events. Lost: as for \
             runqlat-libbpf; stacks that it could not store are in its sums without a stack"
        }
        Contender::Bpftrace => {
            "as runqlat-libbpf. It says what did not fit into its map and what was lost of its output; it also warns \
             whenever the script deletes what is not in the map, which loses nothing"
        }
        Contender::PerfSched => {
            "each `sched_switch` record of the whole machine. Lost are records of any kind, by perf.data's own account"
        }
        Contender::PerfTrace => {
            "each fault of the load's processes, a line of text each. Lost: its lines `LOST n events!`. Its \
             performance events belong to the processes, so that the kernel exchanges them at each switch"
        }
    })
}
