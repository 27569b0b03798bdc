//! The usage of a target that was no child: what the kernel's counters of its threads grew by.

use super::recording::Recorded;
use model::metric::Metric;
use model::profile::thread::{KernelCounters, OpenState, Thread};
use model::profile::units::{Bytes, Nanos};
use model::profile::usage::Usage;

/// Adds up all threads. Which part of their time was in user mode nobody counted, and `max_rss` is known to others.
#[must_use]
pub fn of_threads(recorded: &Recorded, wall: Nanos, max_rss: Option<Bytes>) -> Usage {
    let slotless = recorded.without_slot.as_ref().map(|rest| &rest.kernel);
    let counters = || recorded.threads.iter().map(|thread| &thread.kernel).chain(slotless);
    let sum = |of: fn(&KernelCounters) -> u64| counters().map(of).sum::<u64>();
    let cpu = recorded.threads.iter().map(cpu_time).sum::<Nanos>()
        + slotless.and_then(|kernel| kernel.cpu_ns).unwrap_or_default();
    Usage {
        wall_ns: wall,
        user_ns: None,
        system_ns: None,
        cpu_ns: Some(cpu),
        cpu_percent: if wall.0 == 0 { 0.0 } else { 100.0 * cpu.0 as f64 / wall.0 as f64 },
        max_rss_bytes: max_rss,
        max_rss_floor_bytes: None,
        voluntary_switches: sum(|kernel| kernel.voluntary_switches),
        involuntary_switches: sum(|kernel| kernel.involuntary_switches),
        minor_faults: sum(|kernel| kernel.minor_faults),
        major_faults: sum(|kernel| kernel.major_faults),
    }
}

/// The kernel's count, which begins with the first switch of a thread that was found on a CPU; or what was measured,
/// where it is not up to date.
fn cpu_time(thread: &Thread) -> Nanos {
    let found = thread.found.filter(|found| found.state == OpenState::OnCpu);
    let found = found.map_or(Nanos(0), |found| found.for_ns);
    let measured = || {
        let open = thread.open.filter(|open| open.state == OpenState::OnCpu);
        thread.sum(Metric::OnCpu) + open.map_or(Nanos(0), |open| open.for_ns)
    };
    found + thread.kernel.cpu_ns.unwrap_or_else(measured)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Script, exited};
    use super::super::recording::Recording;
    use super::super::{End, Rest};
    use super::*;
    use model::profile::thread::Found;

    #[test]
    fn a_thread_on_a_cpu_counts_with_what_was_measured() {
        let mut found = exited(1, 2);
        (found.newborn, found.found) = (false, Some(Found { state: OpenState::OnCpu, for_ns: Nanos(70) }));
        let mut running = exited(1, 3);
        running.until_ns.0 += 500;
        running.end = End::Open {
            state: OpenState::OnCpu,
            since_ns: Nanos(running.until_ns.0 - 500),
            woken_ns: None,
            found: false,
        };
        let rest = Rest { threads: vec![exited(1, 1), found, running], ..Rest::default() };
        let recorded = Recording::new(Script { rest, ..Script::default() }).finish(None).unwrap();
        let usage = of_threads(&recorded, Nanos(10_000), None);
        assert_eq!(usage.cpu_ns, Some(Nanos(1_000 + 70 + 1_000 + 1_500)));
        assert_eq!((usage.voluntary_switches, usage.involuntary_switches), (9, 3));
        assert_eq!((usage.user_ns, usage.max_rss_bytes), (None, None));
        assert!((usage.cpu_percent - 35.7).abs() < 1e-9);
    }
}
