//! The watch as `profiler ctl status` shows it.

use super::config::SelectorConfig;
use jiff::Timestamp;
use model::losses::{LossCounts, in_interval};
use serde::{Deserialize, Serialize};

/// The selectors with their processes, and the slots in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WatchStatus {
    /// The start of the current interval.
    pub interval_begun: Timestamp,
    /// Slots in use.
    pub slots_used: u32,
    /// Slots there are.
    pub slots: u32,
    /// The selectors, in the order in which a process is compared with them.
    pub selectors: Vec<SelectorStatus>,
    /// The losses of the current interval.
    #[serde(with = "in_interval")]
    pub lost: LossCounts,
}

/// One selector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelectorStatus {
    /// As it was asked for.
    pub selector: SelectorConfig,
    /// It is not in the configuration.
    pub temporary: bool,
    /// Processes that it has chosen and of which something lives.
    pub processes: u64,
    /// Their threads, and those of what they have started.
    pub threads: u64,
    /// Processes that match and are not watched: it has its `max_processes`, or there are no families left.
    pub processes_turned_away: u64,
    /// Threads that found no slot and are in no group, since it was added.
    pub threads_without_slot: u64,
    /// The reason why it can't choose anything at the moment.
    pub problem: Option<String>,
}

/// A place that intervals go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkStatus {
    /// Its name in the configuration.
    pub name: String,
    /// The reason why it takes no intervals; absent if it does.
    pub problem: Option<String>,
    /// Since when it is as it is now.
    pub since: Timestamp,
    /// Intervals that it did not take.
    pub intervals_lost: u64,
}
