//! Settings as plain values: resolved and checked once, before anything is opened or started. The command line
//! is one source of it (`cli`), the daemon's configuration another (`watch::config`).

pub mod limits;
pub mod run;
pub mod selector;
pub mod top;

use limits::Limits;
use model::profile::Options;
use model::profile::units::{Bytes, Nanos};
use selector::Selector;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its limits.
    pub limits: Limits,
    /// True if child processes are followed.
    pub follow: bool,
    /// The time limit.
    pub duration: Option<Duration>,
    /// The interval between snapshots, if any are taken.
    pub interval: Option<Duration>,
    /// True if to measure what the recording itself costs.
    pub measure_self: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { limits: Limits::default(), follow: true, duration: None, interval: None, measure_self: false }
    }
}

impl Settings {
    /// For the profile.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            follow: self.follow,
            max_threads: self.limits.max_threads,
            histogram_memory_bytes: Bytes(self.limits.histogram_memory),
            duration_ns: self.duration.map(nanos),
            interval_ns: self.interval.map(nanos),
        }
    }
}

fn nanos(time: Duration) -> Nanos {
    Nanos(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// The file of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The file, or the folder for several; `None` for one that is called after what is recorded.
    pub path: Option<PathBuf>,
    /// True if an existing file is overwritten, whatever is in it.
    pub force: bool,
}

/// The part of a profile that is shown at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The profile itself is printed, and no report.
    pub json: bool,
    /// Threads one by one up to this many.
    pub threads: usize,
}

/// The settings of `attach`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attach {
    /// The choice of processes.
    pub selector: Selector,
    /// The settings of the recording.
    pub settings: Settings,
    /// The file of the profile.
    pub destination: Destination,
    /// The parts of the report.
    pub shown: Shown,
}
