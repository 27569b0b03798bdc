//! Probes, one file each: the programs and their hooks, the maps and their sizes, and when the probe is wanted.
//! Loading, attaching, `doctor` and the list of programs follow from [`ALL`].
//!
//! To add one: a file with a `PROBE`, its place in [`ALL`], and its programs in `profiler-ebpf/src/main.rs` under the
//! same names.

pub(super) mod attach;
mod birth;
pub(super) mod daemon;
mod fault;
pub(super) mod records;
pub(super) mod snapshot;
mod switch;
mod throttle;

use crate::settings::limits::Limits;
use aya::programs::perf_event::SoftwareEvent;

/// Everything that there is. The order is that of attaching: a thread can't be born before its switches are seen, nor
/// attached to before its faults are.
pub(super) static ALL: [&Probe; 8] = [
    &records::PROBE,
    &switch::PROBE,
    &throttle::PROBE,
    &fault::PROBE,
    &birth::PROBE,
    &snapshot::PROBE,
    &attach::PROBE,
    &daemon::PROBE,
];

/// Programs and maps that measure one thing and can be left out together.
pub(super) struct Probe {
    /// In the order of attaching.
    pub(super) programs: &'static [Program],
    /// Those whose size depends on what is wanted.
    pub(super) maps: &'static [Map],
    /// True if a recording needs it.
    pub(super) is_wanted: fn(&Wanted) -> bool,
}

/// A program of the BPF object.
#[derive(Clone, Copy)]
pub(super) struct Program {
    /// Its name in the object; a tracepoint's program is called after the tracepoint.
    pub(super) name: &'static str,
    pub(super) hook: Hook,
}

/// The hook of a program.
#[derive(Clone, Copy)]
pub(super) enum Hook {
    /// A tracepoint, by the kernel's type information (`tp_btf`).
    Tracepoint {
        /// The folder it is in below tracefs' `events`.
        group: &'static str,
        /// The metrics that it serves, as `doctor` says it.
        purpose: &'static str,
    },
    /// A software event of perf, on each CPU.
    Software(SoftwareEvent),
    /// An iterator over all tasks of the machine, run when the profiler asks for it.
    TaskIterator,
}

/// A map, by its name in the object.
pub(super) struct Map {
    pub(super) name: &'static str,
    /// Entries, or bytes of a ring buffer; called whether its probe is wanted or not, as the object always has the map.
    pub(super) entries: fn(&Wanted) -> u32,
}

/// A recording's demands on the kernel, and the facts about that kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) limits: Limits,
    /// Child processes join.
    pub(super) follow: bool,
    /// Processes that live already, whose threads are attached to.
    pub(super) living: u32,
    /// Records are read while their threads go on.
    pub(super) snapshots: bool,
    /// Processes come and go all the time: the daemon.
    pub(super) watches: bool,
    /// The kernel throttles a run queue as a whole, and not one thread after another.
    pub(super) throttles_queues: bool,
}

impl Wanted {
    /// Every probe, for lists of all programs.
    pub(super) fn everything(limits: Limits) -> Self {
        Self { limits, follow: true, living: 1, snapshots: true, watches: true, throttles_queues: true }
    }

    /// True if threads of processes that live already are attached to.
    pub(super) fn joins(&self) -> bool {
        self.watches || self.living > 0
    }
}

/// Those of some probes that are wanted.
pub(super) fn wanted<'a>(
    probes: &'a [&'static Probe],
    wanted: &'a Wanted,
) -> impl Iterator<Item = &'static Probe> + 'a {
    probes.iter().copied().filter(|probe| (probe.is_wanted)(wanted))
}

/// The programs of some probes, in the order of attaching.
pub(super) fn programs<'a>(
    probes: impl IntoIterator<Item = &'a Probe>,
) -> impl Iterator<Item = &'static Program> {
    probes.into_iter().flat_map(|probe| probe.programs)
}

/// The programs of some probes that hang on each CPU, with their events.
pub(super) fn on_each_cpu(probes: &[&'static Probe]) -> impl Iterator<Item = (&'static str, SoftwareEvent)> {
    programs(probes.iter().copied()).filter_map(|program| match program.hook {
        Hook::Software(event) => Some((program.name, event)),
        Hook::Tracepoint { .. } | Hook::TaskIterator => None,
    })
}

/// The maps of some probes and their sizes.
pub(super) fn map_sizes(probes: &[&Probe], wanted: &Wanted) -> Vec<(&'static str, u32)> {
    let maps = probes.iter().flat_map(|probe| probe.maps);
    maps.map(|map| (map.name, (map.entries)(wanted))).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A probe that no kernel has.
    pub(in crate::kernel) static FAKE: Probe = Probe {
        programs: &[Program {
            name: "no_such_tracepoint",
            hook: Hook::Tracepoint { group: "fake", purpose: "a test" },
        }],
        maps: &[Map { name: "FAKE", entries: |wanted| wanted.limits.max_threads }],
        is_wanted: |wanted| wanted.snapshots,
    };

    const LIMITS: Limits = Limits { max_threads: 77, histogram_memory: 1 << 20 };

    const LEAST: Wanted = Wanted {
        limits: LIMITS,
        follow: true,
        living: 0,
        snapshots: false,
        watches: false,
        throttles_queues: false,
    };

    fn names(probes: &[&'static Probe], of: &Wanted) -> Vec<&'static str> {
        programs(wanted(probes, of)).map(|program| program.name).collect()
    }

    #[test]
    fn an_added_probe_is_loaded_sized_and_left_out() {
        let probes = [&records::PROBE, &FAKE];
        let snapshots = Wanted { snapshots: true, ..LEAST };
        assert_eq!(names(&probes, &snapshots), [records::CLOSE, "no_such_tracepoint"]);
        assert_eq!(names(&probes, &LEAST), [records::CLOSE]);
        assert!(map_sizes(&probes, &LEAST).contains(&("FAKE", 77)));
    }

    /// One that is not loaded can't be attached to a CPU that comes online, and would keep the others from it.
    #[test]
    fn a_cpu_that_comes_online_gets_the_programs_of_the_probes_that_are_loaded() {
        let names = |probes: &[&'static Probe]| on_each_cpu(probes).map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(&[&records::PROBE, &FAKE]), [""; 0]);
        assert_eq!(names(&[&FAKE, &fault::PROBE]), ["minor_fault", "major_fault"]);
    }

    #[test]
    fn a_run_loads_the_least_and_a_daemon_everything_but_what_its_kernel_spares() {
        let run = names(&ALL, &LEAST);
        for left_out in ["snapshot", "join_chosen", "release", "sched_wakeup"] {
            assert!(!run.contains(&left_out), "{run:?}");
        }
        let everything = Wanted::everything(LIMITS);
        let daemon = names(&ALL, &Wanted { living: 0, throttles_queues: false, ..everything });
        let all: BTreeSet<&str> = names(&ALL, &everything).into_iter().collect();
        assert_eq!(
            all.len(),
            daemon.len() + 1,
            "each program once, all but sched_wakeup in the daemon: {daemon:?}"
        );
        assert!(all.contains("sched_wakeup") && !daemon.contains(&"sched_wakeup"));
    }

    #[test]
    fn maps_are_small_where_nobody_needs_them() {
        let size = |name: &str, of: &Wanted| {
            map_sizes(&ALL, of).into_iter().find(|(map, _)| *map == name).map(|(_, entries)| entries)
        };
        assert_eq!((size("CHOSEN", &LEAST), size("FAMILIES", &LEAST)), (Some(1), Some(1)));
        assert_eq!(size("CHOSEN", &Wanted { living: 12, ..LEAST }), Some(12));
        assert_eq!(size("SLOTS", &LEAST), Some(77));
        assert!(size("EXECS", &Wanted { watches: true, ..LEAST }) > size("EXECS", &LEAST));
    }
}
