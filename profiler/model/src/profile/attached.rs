//! Processes that ran before the recording began (`profiler attach`).

use super::later::{Unknown, open_enum, open_schema};
use super::units::total;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The processes that were attached to, and their selection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Attached {
    /// The selection.
    pub selection: Selection,
    /// Those that were. Their children that were born during the recording are not among them.
    pub processes: Vec<AttachedProcess>,
}

impl Attached {
    /// In words: which, how many threads, how they were chosen.
    #[must_use]
    pub fn describe(&self) -> String {
        /// More processes than this are only counted.
        const NAMED: usize = 4;
        let named =
            self.processes.iter().take(NAMED).map(|process| format!("{} {}", process.name, process.pid));
        let mut named = named.collect::<Vec<_>>().join(", ");
        if let more @ 1.. = self.processes.len().saturating_sub(NAMED) {
            named.push_str(&format!(" and {more} more"));
        }
        let threads = total(self.processes.iter().map(|process| process.threads));
        let threads = if threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
        match &self.selection {
            Selection::Pid(_) => format!("{named} ({threads})"),
            Selection::Name(name) => format!("{named} ({threads}, by the name {name})"),
            Selection::Cgroup(path) => format!("{named} ({threads}, by the control group {path})"),
            Selection::Unit(unit) => format!("{named} ({threads}, by the unit {unit})"),
            Selection::Unknown(word) => format!("{named} ({threads}, by {})", word.text()),
        }
    }
}

/// The way in which processes were chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
#[serde(remote = "Self", rename_all = "snake_case")]
#[schemars(transform = open_schema)]
pub enum Selection {
    /// By their numbers.
    Pid(Vec<u32>),
    /// By a pattern of names.
    Name(String),
    /// By a control group.
    Cgroup(String),
    /// By a systemd unit.
    Unit(String),
    /// A word of a later version.
    #[serde(skip)]
    Unknown(Unknown),
}

open_enum!(Selection);

/// A process that was attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct AttachedProcess {
    /// Its number, in the pid namespace of the profiler.
    pub pid: u32,
    /// Its name; bytes that are no UTF-8 as in `run.command`.
    pub name: String,
    /// Its command line; bytes likewise.
    pub command: Vec<String>,
    /// The number of its threads.
    pub threads: u64,
}
