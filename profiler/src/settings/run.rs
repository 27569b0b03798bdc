//! The settings of `run`.

use super::{Destination, Settings, Shown};
use std::ffi::OsString;
use std::time::Duration;

/// The settings of `run`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The command, or the comparison.
    pub what: What,
    /// Under sudo, run it as root and not as the user who called sudo.
    pub as_root: bool,
    /// The settings of the recording.
    pub settings: Settings,
    /// The file of the command's profile, or the folder of a comparison's.
    pub destination: Destination,
    /// The parts of the report.
    pub shown: Shown,
}

/// The command, or the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A command with its arguments, which need not be UTF-8; not empty.
    Command(Vec<OsString>),
    /// The sample workloads.
    Comparison(Comparison),
}

/// The settings of a comparison of the sample workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Tasks of each workload.
    pub tasks: u32,
    /// The time that each task waits.
    pub fetch: Duration,
    /// Threads of the thread pool; the workload's own default if it is left out.
    pub workers: Option<usize>,
    /// True if the Python pair is there too.
    pub python: bool,
    /// True if the published figures are shown beside.
    pub article: bool,
}

impl Comparison {
    /// Tasks by default, as in the article.
    pub const DEFAULT_TASKS: u32 = 1000;

    /// The wait of each task by default: the thread pool then takes under 10 s on two CPUs.
    pub const DEFAULT_FETCH: Duration = Duration::from_millis(50);

    /// The wait of each task in the article.
    pub const ARTICLE_FETCH: Duration = Duration::from_secs(3);
}
