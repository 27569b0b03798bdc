//! Arguments of `profiler top`.

use super::{ChoiceArgs, LimitArgs};
use crate::settings::top::{DaemonView, ProcessView, Top};
use crate::settings::{Destination, Settings};
use crate::values;
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const EXAMPLES: &str = "\
The processes are chosen as the view begins, as `attach` chooses them. ? shows the keys.

Saving (s) ends the recording, as only a closed one can be compared with the kernel's counters; the view stays. The profile \
is the one that `attach` would have written, from the beginning of the view until then. Without a save nothing is written.

With --daemon nothing is recorded for the view: it shows what the daemon records anyway, of what is started later too, to \
whoever may use its control socket. A daemon keeps no profiles, so none can be saved.

Examples:
  sudo profiler top --pid 4242
  sudo profiler top --name 'nginx*' --interval 500ms
  sudo profiler top --unit postgresql -o postgresql.profile.json
  profiler top --daemon
      everything that the daemon watches
  profiler top --daemon --selector shop
      only what one of its selectors has chosen";

/// `profiler top`
#[derive(Debug, Args)]
pub struct TopArgs {
    /// The choice of processes.
    #[command(flatten)]
    pub choice: ChoiceArgs,

    /// The view of a daemon instead.
    #[command(flatten)]
    pub daemon: DaemonViewArgs,

    /// Refresh the view this often, at least every 100ms
    #[arg(long, value_parser = refresh, default_value = "1s", value_name = "TIME")]
    pub interval: Duration,

    /// Show only the chosen processes, not the children that they start
    #[arg(long)]
    pub no_follow: bool,

    /// The file that s saves the profile to [default: NAME.profile.json, of the first process]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Overwrite an existing file, whatever is in it
    #[arg(long)]
    pub force: bool,

    /// Ended threads whose records are kept for a save, about 5 kB each. Once more have ended, a profile would not be
    /// complete any more, and none can be saved
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    pub keep: u64,

    /// The limits of the recording.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// The daemon whose recording is shown instead of one's own.
#[derive(Debug, Args)]
#[command(next_help_heading = "Through a daemon")]
#[group(skip)]
pub struct DaemonViewArgs {
    /// Show what the daemon watches, instead of processes chosen here
    #[arg(long, group = "ChoiceArgs",
          conflicts_with_all = ["no_follow", "output", "force", "keep", "max_threads", "histogram_memory"])]
    pub daemon: bool,

    /// The daemon's control socket
    #[arg(long, requires = "daemon", conflicts_with_all = CHOICES, default_value = crate::control::config::SOCKET,
          value_name = "PATH")]
    pub socket: PathBuf,

    /// Only the threads of this selector, by its label
    #[arg(long, requires = "daemon", conflicts_with_all = CHOICES, value_name = "LABEL")]
    pub selector: Option<String>,
}

impl TopArgs {
    /// The resolved settings.
    ///
    /// # Errors
    /// If it makes no sense together.
    pub fn settings(&self) -> Result<Top> {
        let refresh = self.interval;
        if self.daemon.daemon {
            let DaemonViewArgs { socket, selector, .. } = &self.daemon;
            return Ok(Top::Daemon(DaemonView {
                socket: socket.clone(),
                selector: selector.clone(),
                refresh,
            }));
        }
        let limits = self.limits.limits()?;
        Ok(Top::Processes(ProcessView {
            selector: self.choice.selector(),
            settings: Settings {
                limits,
                follow: !self.no_follow,
                interval: Some(refresh),
                ..Settings::default()
            },
            refresh,
            destination: Destination { path: self.output.clone(), force: self.force },
            keep: self.keep,
        }))
    }
}

/// The choice of processes here. (A required argument is not asked for where it conflicts with one that is there.)
const CHOICES: [&str; 4] = ["pid", "name", "cgroup", "unit"];

/// Nobody can follow more.
const SHORTEST: Duration = Duration::from_millis(100);

fn refresh(text: &str) -> Result<Duration, String> {
    let interval = values::duration(text)?;
    if interval < SHORTEST {
        return Err("must be at least 100ms".to_owned());
    }
    Ok(interval)
}
