//! Arguments of `profiler daemon` and `profiler ctl`.

use super::attach::ChoiceArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

pub(super) const DAEMON_EXAMPLES: &str = "\
SIGHUP has it read the configuration again, SIGTERM ends it with the last \
interval written.

Examples:
  profiler daemon --print-config > profiler.toml  every key with its meaning
  sudo profiler daemon --config profiler.toml";

pub(super) const CTL_EXAMPLES: &str = "\
Who may do this: root, the user that the daemon runs as, and whoever its configuration \
names (control.users, control.groups).

Examples:
  sudo profiler ctl status
  sudo profiler ctl attach --label shop --name 'shop-*'
      until it is detached or the daemon ends
  sudo profiler ctl detach shop
  sudo profiler ctl snapshot --json
      what was added in the interval that is under way";

/// `profiler daemon`
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct DaemonArgs {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print a configuration to begin with: every key with its default value and what it means
    #[arg(long)]
    pub print_config: bool,
}

/// `profiler ctl`
#[derive(Debug, Args)]
pub struct CtlArgs {
    /// The daemon's control socket
    #[arg(long, global = true, default_value = crate::control::config::SOCKET, value_name = "PATH")]
    pub socket: PathBuf,

    /// Print the daemon's answer as JSON
    #[arg(long, global = true)]
    pub json: bool,

    /// The command.
    #[command(subcommand)]
    pub command: CtlCommand,
}

/// The commands to a daemon.
#[derive(Debug, Subcommand)]
pub enum CtlCommand {
    /// Show who is watched, how full each limit is, and what goes wrong
    Status,
    /// Add a selector: more processes, also those that are started later
    Attach(CtlAttachArgs),
    /// Remove a selector
    ///
    /// Its processes, and what they have started, are not watched from then on.
    Detach {
        /// Its label, as status shows it
        #[arg(value_name = "LABEL")]
        label: String,
    },
    /// Show what was added so far in the current interval
    Snapshot,
    /// End the current interval now, so that it is kept and shown
    Flush,
}

/// `profiler ctl attach`
#[derive(Debug, Args)]
pub struct CtlAttachArgs {
    /// The selector's label
    #[arg(long, value_name = "LABEL")]
    pub label: String,

    /// The choice of processes.
    #[command(flatten)]
    pub choice: ChoiceArgs,
}
