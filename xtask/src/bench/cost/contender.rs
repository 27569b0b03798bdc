//! Who is measured: nothing at all, empty programs, the profiler, and its peers.

use super::super::{
    load::Programs,
    peers::{BPFTRACE, CPUDIST, OFFCPUTIME, PERF, RUNQLAT, RUNQLAT_BT},
};
use crate::bench::load::Hooks;
use std::{collections::BTreeMap, path::PathBuf, process::Command};

/// One that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contender {
    Nothing,
    Empty,
    Profiler,
    ProfilerOfItself,
    Runqlat,
    Cpudist,
    CpudistOff,
    Offcputime,
    Bpftrace,
    PerfSched,
    PerfTrace,
}

/// What it is started with, and where its output goes.
pub(super) struct Surroundings<'a> {
    pub(super) programs: &'a Programs,
    /// The object with the empty BPF programs, or why there is none.
    pub(super) empty: &'a Result<PathBuf, String>,
    /// The peers by name, or why they are not there.
    pub(super) peers: &'a BTreeMap<String, Result<PathBuf, String>>,
    /// Options of the profiler for this load.
    pub(super) options: &'a [&'a str],
    /// The hooks of the metric that the load is about.
    pub(super) hooks: Hooks,
}

/// How a contender and a load come together.
pub(super) enum Way {
    /// The load alone.
    Alone,
    /// It runs beside the load, once it has so much of these descriptors.
    Beside(Command, Ready),
    /// It starts the load itself: the load's command line is added. Its record is in this file.
    Around(Command, PathBuf),
}

/// By what one sees that a program is attached.
#[derive(Clone, Copy)]
pub(super) enum Ready {
    /// BPF links.
    Links(usize),
    /// Performance events, to which older interfaces attach programs.
    PerfEvents(usize),
}

/// How it is known what a contender lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// It records nothing.
    Nothing,
    /// It records, and does not say what it missed.
    Silent,
    /// The profile says it.
    Profile,
    /// Its histogram has so many samples fewer than the load made switches.
    Histogram,
    /// Records of lost events in perf.data.
    PerfData,
    /// Lines `LOST n events!` in its text.
    PerfText,
}

impl Contender {
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

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "no profiler",
            Self::Empty => "empty BPF programs",
            Self::Profiler => "profiler run",
            Self::ProfilerOfItself => "profiler run --measure-self",
            Self::Runqlat => "runqlat-libbpf",
            Self::Cpudist => "cpudist-libbpf",
            Self::CpudistOff => "cpudist-libbpf -O",
            Self::Offcputime => "offcputime-libbpf",
            Self::Bpftrace => "bpftrace runqlat.bt",
            Self::PerfSched => "perf sched record",
            Self::PerfTrace => "perf trace -F all",
        }
    }

    pub(super) fn account(self) -> Account {
        match self {
            Self::Nothing | Self::Empty => Account::Nothing,
            Self::Profiler | Self::ProfilerOfItself => Account::Profile,
            Self::Runqlat | Self::Cpudist | Self::CpudistOff | Self::Bpftrace => Account::Histogram,
            Self::Offcputime => Account::Silent,
            Self::PerfSched => Account::PerfData,
            Self::PerfTrace => Account::PerfText,
        }
    }

    /// Or why it can't be measured.
    pub(super) fn way(self, with: &Surroundings<'_>) -> Result<Way, String> {
        let peer = |name: &str| {
            let found = with.peers.get(name).cloned();
            found.unwrap_or_else(|| Err(format!("{name} was not looked for")))
        };
        let beside = |name: &str, arguments: &[&str]| {
            let mut command = Command::new(peer(name)?);
            command.args(arguments);
            Ok(Way::Beside(command, Ready::Links(if name == RUNQLAT.name { 3 } else { 1 })))
        };
        match self {
            Self::Nothing => Ok(Way::Alone),
            Self::Empty => {
                let object = with.empty.clone()?;
                let (command, links) =
                    with.programs.empty_command(&object, with.hooks).map_err(|error| format!("{error:#}"))?;
                Ok(Way::Beside(command, Ready::Links(links)))
            }
            Self::Profiler => Ok(profiler(with, &[])),
            Self::ProfilerOfItself => Ok(profiler(with, &["--measure-self"])),
            Self::Runqlat => beside(RUNQLAT.name, &[]),
            Self::Cpudist => beside(CPUDIST.name, &[]),
            Self::CpudistOff => beside(CPUDIST.name, &["-O"]),
            Self::Offcputime => beside(OFFCPUTIME.name, &[]),
            Self::Bpftrace => {
                let mut command = Command::new(peer(BPFTRACE.name)?);
                command.arg(peer(RUNQLAT_BT.name)?);
                Ok(Way::Beside(command, Ready::PerfEvents(3)))
            }
            Self::PerfSched => Ok(perf(peer(PERF.name)?, with, &["sched", "record"], "perf.data")),
            Self::PerfTrace => Ok(perf(peer(PERF.name)?, with, &["trace", "-F", "all"], "perf-trace.txt")),
        }
    }
}

fn profiler(with: &Surroundings<'_>, options: &[&str]) -> Way {
    let file = with.programs.folder().join("peers.profile.json");
    let mut command = with.programs.profiler();
    command.args(["run", "--force"]).args(options).args(with.options);
    command.arg("--output").arg(&file).arg("--");
    Way::Around(command, file)
}

fn perf(program: PathBuf, with: &Surroundings<'_>, task: &[&str], file: &str) -> Way {
    let file = with.programs.folder().join(file);
    let mut command = Command::new(program);
    command.args(task).arg("-o").arg(&file).arg("--");
    Way::Around(command, file)
}
