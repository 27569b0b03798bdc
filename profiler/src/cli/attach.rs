//! Arguments of `profiler attach`.

use super::RecordingArgs;
use crate::outside_bytes;
use crate::settings::selector::Selector;
use crate::settings::{Attach, Destination};
use crate::values::duration;
use anyhow::Result;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::path::PathBuf;
use std::time::Duration;

pub(super) const EXAMPLES: &str = "\
The processes are chosen as the recording begins: each that matches then, with all its threads. What these start from \
then on is followed (--no-follow: only threads). What is started later by others is not, nor are children that they \
have already and that do not match themselves.

Ctrl-C, SIGTERM, SIGHUP, --duration or the end of all chosen processes end the recording; the exit code is then 0. The \
processes are never stopped or signalled. Who may profile with `run` (root, or CAP_BPF and CAP_PERFMON) may attach to any \
process.

Examples:
  sudo profiler attach --pid 4242
      until Ctrl-C
  sudo profiler attach --pid 4242,4243 --duration 10s
  sudo profiler attach --name 'nginx*' --interval 1s
      every process with such a name
  sudo profiler attach --unit postgresql --duration 1m
      every process of a systemd unit
  sudo profiler attach --cgroup system.slice/ssh.service";

/// `profiler attach`
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// The choice of processes.
    #[command(flatten)]
    pub choice: ChoiceArgs,

    /// Write the profile to this file; - is standard output [default: NAME.profile.json, of the first process]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// End the recording after this time (10s, 1m30s); the processes go on
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub duration: Option<Duration>,

    /// Profile only the chosen processes, not the children that they start
    #[arg(long)]
    pub no_follow: bool,

    /// Arguments shared with `run`.
    #[command(flatten)]
    pub recording: RecordingArgs,
}

/// A choice of processes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which processes (exactly one of these)")]
#[group(required = true, multiple = false)]
pub struct ChoiceArgs {
    /// Those with these numbers
    #[arg(short, long, value_delimiter = ',', value_name = "PID,…",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_PIDS)))]
    pub pid: Vec<u32>,

    /// Those whose name matches, such as 'nginx*': the kernel's (ps -o comm), with what it cut off after 15 bytes, or
    /// argument 0, whole or its file name
    #[arg(long, value_name = "GLOB", value_parser = pattern())]
    pub name: Option<glob::Pattern>,

    /// Those of a control group and of all below it: a path below /sys/fs/cgroup, whole or relative, or as
    /// /proc/PID/cgroup shows it; of a threaded group the whole processes
    #[arg(long, value_name = "PATH")]
    pub cgroup: Option<PathBuf>,

    /// Those of a systemd unit, such as nginx or user@1000.service
    #[arg(long, value_name = "NAME")]
    pub unit: Option<String>,
}

impl AttachArgs {
    /// The resolved settings.
    ///
    /// # Errors
    /// If it makes no sense together.
    pub fn settings(&self) -> Result<Attach> {
        Ok(Attach {
            shown: self.recording.shown(self.output.as_deref())?,
            selector: self.choice.selector(),
            settings: self.recording.settings(!self.no_follow, self.duration)?,
            destination: Destination { path: self.output.clone(), force: self.recording.force },
        })
    }
}

impl ChoiceArgs {
    /// The one that was given: clap has seen to it that there is exactly one.
    #[must_use]
    pub fn selector(&self) -> Selector {
        match self {
            Self { name: Some(name), .. } => Selector::Name(name.clone()),
            Self { cgroup: Some(path), .. } => Selector::Cgroup(path.clone()),
            Self { unit: Some(unit), .. } => Selector::Unit(unit.clone()),
            Self { pid, .. } => Selector::Pids(pid.clone()),
        }
    }
}

/// The highest number of a process (`PID_MAX_LIMIT`, include/linux/threads.h).
const MOST_PIDS: u32 = 1 << 22;

/// Names need not be UTF-8, and so patterns of them.
fn pattern() -> impl TypedValueParser<Value = glob::Pattern> {
    OsStringValueParser::new().try_map(|bytes| {
        glob::Pattern::new(&outside_bytes::pattern(&bytes))
            .map_err(|error| format!("{error}; write it like 'nginx*'"))
    })
}
