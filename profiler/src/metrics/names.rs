//! Names of the metrics, for both protocols.
//!
//! OpenMetrics puts [`PREFIX`] and `_` before a name and the unit after it, `_total` after a counter; OTLP has the
//! unit apart, and a dot after the prefix.

use model::metric::Metric;

/// Before every name.
pub(super) const PREFIX: &str = "profiler";

/// After that, before the names of what is summed by selector.
pub(super) const SELECTOR: &str = "selector";

/// The states, in the order of [`States::all`](model::profile::interval::States::all).
pub(super) const STATES: [&str; model::profile::interval::States::COUNT] =
    ["on_cpu", "runqueue_wait", "blocked", "preempted", "runnable_idle", "throttled", "unattributed_wait"];

/// A name, and what it means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    pub(super) name: &'static str,
    /// A sentence.
    pub(super) help: &'static str,
}

/// Time by state.
pub(super) const STATE: Name =
    Name { name: "state", help: "Time of the threads by state, unfinished waits and slices included." };

/// The threads of the last interval.
pub(super) const THREADS: Name =
    Name { name: "threads", help: "Threads that were recorded in the last interval." };

/// The losses.
pub(super) const LOST: Name = Name {
    name: "lost",
    help: "What was not recorded, or not in full, by kind: all 0 on a machine that is not overloaded.",
};

/// The name of a measured duration.
pub(super) const fn histogram(metric: Metric) -> Name {
    match metric {
        Metric::OnCpu => {
            Name { name: "on_cpu", help: "How long slices on a CPU lasted: switch-in to switch-out." }
        }
        Metric::RunqueueWait => {
            Name { name: "runqueue_wait", help: "How long threads waited for a CPU: woken to switch-in." }
        }
        Metric::Blocked => {
            Name { name: "blocked", help: "How long threads were blocked: voluntary switch-out to woken." }
        }
        Metric::Preempted => Name {
            name: "preempted",
            help: "How long others had the CPU: involuntary switch-out to switch-in.",
        },
        Metric::MinorFault => Name { name: "minor_fault", help: "How long page faults without I/O lasted." },
        Metric::MajorFault => Name { name: "major_fault", help: "How long page faults with I/O lasted." },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_metrics() {
        for metric in Metric::ALL {
            assert_eq!(histogram(metric).name, metric.name());
        }
    }
}
