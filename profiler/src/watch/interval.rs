//! An interval as the lines file and the control socket have it: one object of JSON.

use super::batch::{Batch, Group};
use jiff::Timestamp;
use model::losses::{LossCounts, in_interval};
use model::profile::histogram::Histogram;
use model::profile::interval::States;
use model::profile::units::Nanos;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An interval, or the part of it until now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// Its length.
    pub length_ns: Nanos,
    /// Its losses.
    #[serde(with = "in_interval")]
    pub lost: LossCounts,
    /// The sums of each group.
    pub groups: Vec<GroupAdded>,
}

/// The sums over the threads of a group.
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
    /// Their time in each state.
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
