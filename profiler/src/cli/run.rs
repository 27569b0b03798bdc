//! Arguments of `profiler run`, and of the command that it starts itself.

use super::recording::RecordingArgs;
use crate::settings::Destination;
use crate::settings::run::{Comparison, Run, What};
use crate::target::hold::Order;
use crate::values::duration;
use anyhow::Result;
use clap::Args;
use clap::builder::{RangedI64ValueParser, RangedU64ValueParser};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const EXAMPLES: &str = "\
Examples:
  sudo profiler run
      the tokio and the thread-pool workload, side by side
  sudo profiler run --python
      with Python's asyncio and ThreadPoolExecutor beside them
  sudo profiler run --article
      the published case: 1000 tasks of 3 s (takes minutes)
  sudo profiler run -- ./server --flag
      any command and its children
  sudo profiler run --duration 10s -- top
      stop it after 10 s";

/// `profiler run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The command to profile, with its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,

    /// Write the profile to this file; - is standard output [default: COMMAND.profile.json]
    #[arg(short, long, value_name = "FILE", requires = "command")]
    pub output: Option<PathBuf>,

    /// Stop the command after this time: SIGTERM, and SIGKILL two seconds later (10s, 1m30s)
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub duration: Option<Duration>,

    /// Profile only the command's own process, not its children
    #[arg(long)]
    pub no_follow: bool,

    /// Under sudo, run the command as root and not as the user who called sudo
    #[arg(long)]
    pub as_root: bool,

    /// Arguments shared with `attach`.
    #[command(flatten)]
    pub recording: RecordingArgs,

    /// Arguments of the comparison without a command.
    #[command(flatten)]
    pub comparison: ComparisonArgs,
}

impl RunArgs {
    /// The resolved settings.
    ///
    /// # Errors
    /// If it makes no sense together.
    pub fn settings(&self) -> Result<Run> {
        let settings = self.recording.settings(!self.no_follow, self.duration)?;
        let (what, path) = if self.command.is_empty() {
            (What::Comparison(self.comparison.comparison()), self.comparison.out.clone())
        } else {
            (What::Command(self.command.clone()), self.output.clone())
        };
        Ok(Run {
            what,
            as_root: self.as_root,
            settings,
            shown: self.recording.shown(path.as_deref())?,
            destination: Destination { path, force: self.recording.force },
        })
    }
}

/// The most threads of a pool, as the workload has it (`workloads/src/args.rs`).
const MAX_WORKERS: u64 = 10_000;

/// Tasks, at least 1. The end of the range is named, since a message would else give that of the parser's own numbers.
fn tasks() -> RangedI64ValueParser<u32> {
    RangedI64ValueParser::new().range(1..=i64::from(u32::MAX))
}

/// Threads of a pool.
fn workers() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=MAX_WORKERS)
}

/// Arguments of the comparison that `run` makes without a command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Comparison (without a command)")]
pub struct ComparisonArgs {
    /// Tasks of each workload
    #[arg(long, value_parser = tasks(), conflicts_with = "command", value_name = "N")]
    pub tasks: Option<u32>,

    /// Let each task wait this long
    #[arg(long, value_parser = duration, conflicts_with = "command", value_name = "TIME")]
    pub fetch: Option<Duration>,

    /// Threads of the thread pool [default: CPUs + 4, at most 32]
    #[arg(long, value_parser = workers(), conflicts_with = "command", value_name = "N")]
    pub workers: Option<usize>,

    /// Add the Python pair: asyncio and ThreadPoolExecutor
    #[arg(long, conflicts_with = "command")]
    pub python: bool,

    /// The published case: 1000 tasks of 3 s, its published figures shown beside
    #[arg(long, conflicts_with_all = ["command", "tasks", "fetch"])]
    pub article: bool,

    /// The folder for one profile a workload [default: profiles]
    #[arg(long, conflicts_with = "command", value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl ComparisonArgs {
    fn comparison(&self) -> Comparison {
        let fetch = self.fetch.unwrap_or(Comparison::DEFAULT_FETCH);
        Comparison {
            tasks: self.tasks.unwrap_or(Comparison::DEFAULT_TASKS),
            fetch: if self.article { Comparison::ARTICLE_FETCH } else { fetch },
            workers: self.workers,
            python: self.python,
            article: self.article,
        }
    }
}

/// `profiler __hold`
#[derive(Debug, Args)]
pub struct HoldArgs {
    /// The descriptor on which the release comes.
    #[arg(long)]
    pub release: i32,
    /// The descriptor that takes the error if the command can't be executed.
    #[arg(long)]
    pub failure: i32,
    /// State inherited from the caller, as JSON.
    #[arg(long)]
    pub inherited: String,
    /// The user to become.
    #[arg(long, requires = "gid")]
    pub uid: Option<u32>,
    /// The group to become.
    #[arg(long, requires = "uid")]
    pub gid: Option<u32>,
    /// The command.
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

impl From<&HoldArgs> for Order {
    fn from(args: &HoldArgs) -> Self {
        Self {
            release: args.release,
            failure: args.failure,
            inherited: args.inherited.clone(),
            user: args.uid.zip(args.gid),
            command: args.command.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::builder::TypedValueParser;
    use std::ffi::OsStr;

    fn takes(parser: &impl TypedValueParser, value: &str) -> bool {
        parser.parse_ref(&clap::Command::new("workload"), None, OsStr::new(value)).is_ok()
    }

    #[test]
    fn what_the_workloads_take_is_taken() {
        for value in ["0", "1", "10000", "10001", "4294967295", "4294967296", "-1", "x"] {
            assert_eq!(takes(&tasks(), value), takes(&workloads::args::tasks(), value), "{value} tasks");
            assert_eq!(
                takes(&workers(), value),
                takes(&workloads::args::workers(), value),
                "{value} workers"
            );
        }
    }
}
