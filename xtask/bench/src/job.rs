//! Jobs: a load and its parameters.

/// The event that a load repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Context switches.
    Switch,
    /// Minor page faults.
    Fault,
}

/// Round trips of the ping-pong before timing starts.
const WARM_UP_TRIPS: u32 = 1_000;

/// Switches in a round trip: each of two processes waits once.
pub(super) const SWITCHES_PER_TRIP: u32 = 2;

/// Default limit of threads of `profiler run`.
const DEFAULT_THREADS: u32 = 4_096;

/// Spare threads for a load, besides those that it is about.
const SPARE_THREADS: u32 = 10;

/// A load of `bench-load` that waits before its timed part. It prints the nanoseconds of one piece of its work.
pub(super) struct Job {
    /// The load's arguments.
    pub(super) load: Vec<String>,
    /// The event that it repeats.
    pub(super) event: Event,
    /// The least number of events from start to end.
    pub(super) events: u64,
    /// Options of `profiler run` that it needs.
    pub(super) options: Vec<String>,
}

impl Job {
    /// The fewest laps of a ring: one in each timed part (`bench-load/parts.rs`).
    pub(super) const LEAST_LAPS: u32 = 9;

    /// A ping-pong: a piece of work is a round trip, with `work` multiplications before each.
    pub(super) fn ping_pong(trips: u32, work: u32) -> Self {
        Self {
            load: gated("ping-pong", [format!("--trips={trips}"), format!("--work={work}")]),
            event: Event::Switch,
            events: u64::from(SWITCHES_PER_TRIP) * u64::from(trips + WARM_UP_TRIPS),
            options: Vec::new(),
        }
    }

    /// A ring: a piece of work is a pass, which is one switch, in a ring with `threads` threads besides the
    /// first.
    pub(super) fn ring(threads: u32, passes: u32) -> Self {
        let limit = threads + SPARE_THREADS;
        Self {
            load: gated("ring", [format!("--count={threads}"), format!("--passes={passes}")]),
            event: Event::Switch,
            events: passes.into(),
            options: (limit > DEFAULT_THREADS)
                .then(|| format!("--max-threads={limit}"))
                .into_iter()
                .collect(),
        }
    }

    /// A page toucher: a piece of work is a fault.
    pub(super) fn touch(pages: u32) -> Self {
        Self {
            load: gated("touch", [format!("--pages={pages}")]),
            event: Event::Fault,
            events: pages.into(),
            options: Vec::new(),
        }
    }
}

fn gated<const N: usize>(load: &str, arguments: [String; N]) -> Vec<String> {
    [load.to_owned(), "--gated".to_owned()].into_iter().chain(arguments).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiler_gets_room_only_where_its_own_does_not_do() {
        assert!(Job::ring(1_000, 5).options.is_empty());
        assert_eq!(Job::ring(10_000, 5).options, ["--max-threads=10010"]);
    }

    #[test]
    fn the_warm_up_switches_too() {
        assert_eq!(Job::ping_pong(40_000, 0).events, 82_000);
    }
}
