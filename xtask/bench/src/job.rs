//! Jobs: a load and the way it is run.

/// The event that a load makes many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Context switches.
    Switch,
    /// Minor page faults.
    Fault,
}

/// Round trips that the ping-pong makes before it is timed.
const WARM_UP_TRIPS: u32 = 1_000;

/// Two processes, each of which waits once a round trip.
pub(super) const SWITCHES_PER_TRIP: u32 = 2;

/// Threads that `profiler run` has room for by default.
const DEFAULT_ROOM: u32 = 4_096;

/// Room for the threads of a load besides those that it is about.
const SPARE_ROOM: u32 = 10;

/// A load of `bench-load` that waits before its timed part. It says the nanoseconds of one piece of its work.
pub(super) struct Job {
    /// Its arguments.
    pub(super) load: Vec<String>,
    /// The event that it makes many of.
    pub(super) event: Event,
    /// The least number of events from its start to its end.
    pub(super) events: u64,
    /// The options of `profiler run` that it needs.
    pub(super) options: Vec<String>,
}

impl Job {
    /// A ring makes at least one lap in each part that it is timed in (`bench-load/parts.rs`).
    pub(super) const LEAST_LAPS: u32 = 9;

    /// A piece of its work is a round trip; before each comes so much work.
    pub(super) fn ping_pong(trips: u32, work: u32) -> Self {
        Self {
            load: gated("ping-pong", [format!("--trips={trips}"), format!("--work={work}")]),
            event: Event::Switch,
            events: u64::from(SWITCHES_PER_TRIP) * u64::from(trips + WARM_UP_TRIPS),
            options: Vec::new(),
        }
    }

    /// A piece of its work is a pass, which is one switch, in a ring with so many threads besides the first.
    pub(super) fn ring(threads: u32, passes: u32) -> Self {
        let room = threads + SPARE_ROOM;
        Self {
            load: gated("ring", [format!("--count={threads}"), format!("--passes={passes}")]),
            event: Event::Switch,
            events: passes.into(),
            options: (room > DEFAULT_ROOM).then(|| format!("--max-threads={room}")).into_iter().collect(),
        }
    }

    /// A piece of its work is a fault.
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
