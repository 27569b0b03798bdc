//! What can be typed after `profiler run`, and after the command that it starts itself.

use super::recording::RecordingArgs;
use crate::target::hold::Order;
use crate::values::duration;
use clap::Args;
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

    /// What `attach` has too.
    #[command(flatten)]
    pub recording: RecordingArgs,

    /// What is compared without a command.
    #[command(flatten)]
    pub comparison: ComparisonArgs,
}

/// What `run` compares without a command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Comparison (without a command)")]
pub struct ComparisonArgs {
    /// Tasks of each workload
    #[arg(long, value_parser = workloads::args::tasks(), conflicts_with = "command", value_name = "N")]
    pub tasks: Option<u32>,

    /// How long each task waits
    #[arg(long, value_parser = duration, conflicts_with = "command", value_name = "TIME")]
    pub fetch: Option<Duration>,

    /// Threads of the thread pool [default: CPUs + 4, at most 32]
    #[arg(long, value_parser = workloads::args::workers(), conflicts_with = "command", value_name = "N")]
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
