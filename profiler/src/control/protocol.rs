//! The requests and answers. Each is one line of JSON.

use super::frame::Frame;
use crate::profile::histogram::Histogram;
use crate::profile::interval::States;
use crate::profile::units::Nanos;
use crate::watch::batch::{Batch, Group, Lost};
use crate::watch::config::SelectorConfig;
use crate::watch::status::WatchStatus;
use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// What can be asked of the daemon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Who is watched, and what goes wrong.
    Status,
    /// Watch more, until it is detached or the daemon ends.
    Attach {
        /// Whom.
        selector: Box<SelectorConfig>,
    },
    /// Take a selector out.
    Detach {
        /// Its label.
        label: String,
    },
    /// What was added in the interval that is under way.
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

/// What the daemon says to that.
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
        /// Why.
        reason: String,
    },
}

/// How the daemon is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// Its number.
    pub pid: u32,
    /// When it was started.
    pub started_at: Timestamp,
    /// How long an interval is.
    pub interval_ns: Nanos,
    /// Intervals that have ended.
    pub intervals: u64,
    /// What was lost in all of them.
    pub lost: Lost,
    /// Who is watched.
    pub watch: WatchStatus,
    /// Where the intervals go.
    pub sinks: Vec<SinkStatus>,
}

/// Where intervals go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkStatus {
    /// What it is called in the configuration.
    pub name: String,
    /// Why it does not take them; absent if it does.
    pub problem: Option<String>,
    /// Since when it is as it is now.
    pub since: Timestamp,
    /// Intervals that it did not take.
    pub intervals_lost: u64,
}

/// An interval, or the part of it until now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// When it began.
    pub from: Timestamp,
    /// When it ended.
    pub until: Timestamp,
    /// How long it was.
    pub length_ns: Nanos,
    /// What is missing in it.
    pub lost: Lost,
    /// What was added, by group.
    pub groups: Vec<GroupAdded>,
}

/// What was added to the threads of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupAdded {
    /// The label of the selector.
    pub selector: String,
    /// The name of the process, where processes are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// Its number, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The name of the thread, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// Threads to which anything was added.
    pub threads: u64,
    /// How long they were in each state.
    pub states: States,
    /// By the metric's name.
    pub histograms: BTreeMap<String, Histogram>,
}

impl From<&Batch> for Interval {
    fn from(batch: &Batch) -> Self {
        Self {
            from: batch.from,
            until: batch.until,
            length_ns: batch.length_ns,
            lost: batch.lost,
            groups: batch.groups.iter().map(GroupAdded::from).collect(),
        }
    }
}

impl From<&Group> for GroupAdded {
    fn from(group: &Group) -> Self {
        let text = |part: &Option<std::sync::Arc<str>>| part.as_deref().map(str::to_owned);
        let histograms = group.histograms.iter().map(|(metric, histogram)| {
            let name = metric.name().to_owned();
            (name, histogram.clone())
        });
        Self {
            selector: group.key.selector.to_string(),
            process: text(&group.key.process),
            pid: group.key.pid,
            thread: text(&group.key.thread),
            threads: group.threads,
            states: group.states,
            histograms: histograms.collect(),
        }
    }
}
