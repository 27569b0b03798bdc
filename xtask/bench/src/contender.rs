//! The contenders: none, empty programs, the profiler, and its peers.

use super::{
    job::{Event, Job},
    load::Build,
    measure::Settings,
    observer::Ready,
    peers::{BPFTRACE, CPUDIST, OFFCPUTIME, PERF, Peer, RUNQLAT, RUNQLAT_BT},
};
use anyhow::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, process::Command};

/// A contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Contender {
    /// The load alone.
    Nothing,
    /// Empty BPF programs on the profiler's hooks.
    Empty,
    /// `profiler run`.
    Profiler,
    /// `profiler run` of the build that `--against` names.
    ProfilerBefore,
    /// `profiler run --measure-self`.
    ProfilerOfItself,
    /// `profiler run` of two sleeping threads, concurrently with the load.
    ProfilerOfOthers,
    /// `profiler run` of so many sleeping threads that some collide in the table of states.
    ProfilerOfMany,
    /// Run-queue latency.
    Runqlat,
    /// Time on a CPU.
    Cpudist,
    /// Time off a CPU.
    CpudistOff,
    /// Time off a CPU by stack.
    Offcputime,
    /// bpftrace's script for run-queue latency.
    Bpftrace,
    /// Every scheduling event, in a file.
    PerfSched,
    /// Every fault, in a text.
    PerfTrace,
}

/// The combination of a contender and a load.
pub(super) enum Way {
    /// The load alone.
    Alone(Command),
    /// The contender runs concurrently with the load, which starts once the contender has attached.
    Observed {
        /// The contender.
        contender: Command,
        /// The sign that it has attached.
        ready: Ready,
        /// The load.
        load: Command,
    },
    /// The contender starts the load itself.
    Around {
        /// Both of them.
        command: Command,
        /// The file of the contender's output.
        record: PathBuf,
    },
}

/// The format of a contender's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// Nothing.
    Nothing,
    /// Text without a count of events.
    Sums,
    /// A profile.
    Profile,
    /// Printed histograms.
    Histogram,
    /// A perf.data file.
    PerfData,
    /// A line for each event.
    PerfText,
}

/// Sleeping threads besides the first. Of n in the m = 8,192 entries of the default table about n²/2m = 16
/// collide.
const MANY_THREADS: u32 = 512;

/// The name by which the object with the empty programs is passed to the measuring half.
pub(super) const EMPTY_PROGRAMS: &str = "empty-programs";

impl Contender {
    /// Contenders of the comparison with the peers, in the order of the tables; the first is the baseline.
    pub(super) const ALL: [Self; 11] = [
        Self::Nothing,
        Self::Empty,
        Self::Profiler,
        Self::ProfilerOfItself,
        Self::Runqlat,
        Self::Cpudist,
        Self::CpudistOff,
        Self::Offcputime,
        Self::Bpftrace,
        Self::PerfSched,
        Self::PerfTrace,
    ];

    /// The name in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "no profiler",
            Self::Empty => "empty BPF programs",
            Self::Profiler => "profiler run",
            Self::ProfilerBefore => "profiler run of --against",
            Self::ProfilerOfItself => "profiler run --measure-self",
            Self::ProfilerOfOthers => "profiler run of another program",
            Self::ProfilerOfMany => "profiler run of another program with many threads",
            Self::Runqlat => "runqlat-libbpf",
            Self::Cpudist => "cpudist-libbpf",
            Self::CpudistOff => "cpudist-libbpf -O",
            Self::Offcputime => "offcputime-libbpf",
            Self::Bpftrace => "bpftrace runqlat.bt",
            Self::PerfSched => "perf sched record",
            Self::PerfTrace => "perf trace -F all",
        }
    }

    /// True if it hooks this event.
    pub(super) fn watches(self, event: Event) -> bool {
        match self {
            Self::Nothing => false,
            Self::Empty | Self::Profiler | Self::ProfilerBefore | Self::ProfilerOfItself => true,
            Self::ProfilerOfOthers | Self::ProfilerOfMany => true,
            Self::PerfTrace => event == Event::Fault,
            _ => event == Event::Switch,
        }
    }

    /// True if it is also measured by number of threads and by switch rate: contenders that hook switches, one
    /// of the profiler's variants, and the baseline.
    pub(super) fn is_followed(self) -> bool {
        self == Self::Nothing || self.watches(Event::Switch) && self != Self::ProfilerOfItself
    }

    /// The format of its output.
    pub(super) fn record(self) -> Record {
        match self {
            Self::Nothing | Self::Empty | Self::ProfilerOfOthers | Self::ProfilerOfMany => Record::Nothing,
            Self::Profiler | Self::ProfilerBefore | Self::ProfilerOfItself => Record::Profile,
            Self::Runqlat | Self::Cpudist | Self::CpudistOff | Self::Bpftrace => Record::Histogram,
            Self::Offcputime => Record::Sums,
            Self::PerfSched => Record::PerfData,
            Self::PerfTrace => Record::PerfText,
        }
    }

    /// The names of the programs that it needs, besides those always built.
    pub(super) fn needs(self) -> Vec<&'static str> {
        let peers: &[&Peer] = match self {
            Self::Nothing | Self::Profiler | Self::ProfilerBefore | Self::ProfilerOfItself => &[],
            Self::ProfilerOfOthers | Self::ProfilerOfMany => &[],
            Self::Empty => return vec![EMPTY_PROGRAMS],
            Self::Runqlat => &[&RUNQLAT],
            Self::Cpudist | Self::CpudistOff => &[&CPUDIST],
            Self::Offcputime => &[&OFFCPUTIME],
            Self::Bpftrace => &[&BPFTRACE, &RUNQLAT_BT],
            Self::PerfSched | Self::PerfTrace => &[&PERF],
        };
        peers.iter().map(|peer| peer.name).collect()
    }

    /// The commands that run it with a job.
    pub(super) fn way(self, settings: &Settings, job: &Job) -> Result<Way> {
        let programs = &settings.programs;
        let found = self.needs().into_iter().map(|name| settings.found.path(name).map_err(Error::msg));
        let found = found.collect::<Result<Vec<PathBuf>>>()?;
        let load = || programs.load(&job.load);
        let observer = |arguments: &[&str], ready: Ready| {
            let mut contender = Command::new(&found[0]);
            contender.args(arguments).args(&found[1..]);
            Way::Observed { contender, ready, load: load() }
        };
        let profiled = |build: Build, options: &[&str]| {
            let options: Vec<&str> =
                options.iter().copied().chain(job.options.iter().map(String::as_str)).collect();
            let (command, record) = programs.profiled(build, "contender", &options, &job.load)?;
            anyhow::Ok(Way::Around { command, record })
        };
        let of_others = |threads: u32| {
            let sleepers = ["threads".to_owned(), format!("--count={threads}")];
            let (contender, _profile) = programs.profiled(Build::Now, "others", &[], &sleepers)?;
            anyhow::Ok(Way::Observed { contender, ready: Ready::Line, load: load() })
        };
        let perf = |task: &[&str], record: &str| {
            let record = programs.folder().join(record);
            let mut command = Command::new(&found[0]);
            command.args(task).arg("-o").arg(&record).arg("--");
            command.arg(programs.load_program()).args(&job.load);
            Way::Around { command, record }
        };
        Ok(match self {
            Self::Nothing => Way::Alone(load()),
            Self::Empty => {
                let (contender, links) = programs.empty_programs(&found[0], job.event)?;
                Way::Observed { contender, ready: Ready::Links(links), load: load() }
            }
            Self::Profiler => profiled(Build::Now, &[])?,
            Self::ProfilerBefore => profiled(Build::Before, &[])?,
            Self::ProfilerOfItself => profiled(Build::Now, &["--measure-self"])?,
            Self::ProfilerOfOthers => of_others(1)?,
            Self::ProfilerOfMany => of_others(MANY_THREADS)?,
            Self::Runqlat => observer(&[], Ready::Links(RUNQLAT_HOOKS)),
            Self::Cpudist => observer(&[], Ready::Links(1)),
            Self::CpudistOff => observer(&["-O"], Ready::Links(1)),
            Self::Offcputime => observer(&[], Ready::Links(1)),
            Self::Bpftrace => observer(&[], Ready::PerfEvents(RUNQLAT_HOOKS)),
            Self::PerfSched => perf(&["sched", "record"], "perf.data"),
            Self::PerfTrace => perf(&["trace", "-F", "all"], "perf-trace.txt"),
        })
    }
}

/// `sched_wakeup`, `sched_wakeup_new` and `sched_switch`.
const RUNQLAT_HOOKS: usize = 3;
