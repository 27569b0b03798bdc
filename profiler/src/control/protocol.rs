//! The requests and answers. Each is one line of JSON.

use crate::watch::config::SelectorConfig;
use crate::watch::frame::Frame;
use crate::watch::interval::Interval;
use crate::watch::status::{SinkStatus, WatchStatus};
use anyhow::{Context as _, Result};
use jiff::Timestamp;
use model::losses::{LossCounts, in_interval};
use model::profile::units::Nanos;
use serde::{Deserialize, Serialize};

/// Bytes of a request's line at most.
pub const LONGEST_REQUEST: usize = 64 << 10;

/// A request or an answer as its line.
///
/// # Errors
/// If it can't be written as one.
pub fn line(message: impl Serialize) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&message).context("cannot write a line for the control socket")?;
    line.push(b'\n');
    Ok(line)
}

/// A request to the daemon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// The selectors with their processes, and problems.
    Status,
    /// Watch more, until it is detached or the daemon ends.
    Attach {
        /// The choice of processes.
        selector: Box<SelectorConfig>,
    },
    /// Take a selector out.
    Detach {
        /// Its label.
        label: String,
    },
    /// The growth in the current interval.
    Snapshot,
    /// End the interval that is under way now.
    Flush,
    /// Begin a view of every thread, which lasts as long as the connection. Its first frame has all that was recorded.
    View {
        /// Only the threads of the selector with this label.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        selector: Option<String>,
    },
    /// The next frame of that view: what was added since the one before.
    Refresh,
}

/// The daemon's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// To a status.
    Status(Box<Status>),
    /// To what changes who is watched: how many processes joined or left.
    Changed {
        /// Processes.
        processes: u64,
    },
    /// To a snapshot or a flush.
    Interval(Box<Interval>),
    /// To a view and to each refresh of it.
    Frame(Box<Frame>),
    /// It can't be done, or not by this peer.
    Refused {
        /// The reason.
        reason: String,
    },
}

/// The state of the daemon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// Its number.
    pub pid: u32,
    /// The time of its start.
    pub started_at: Timestamp,
    /// The length of an interval.
    pub interval_ns: Nanos,
    /// Intervals that have ended.
    pub intervals: u64,
    /// The losses of all of them.
    #[serde(with = "in_interval")]
    pub lost: LossCounts,
    /// The state of the watch.
    pub watch: WatchStatus,
    /// The state of the sinks.
    pub sinks: Vec<SinkStatus>,
}
