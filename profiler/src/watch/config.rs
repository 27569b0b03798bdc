//! The parts of the daemon's configuration that say whom to watch and how.

use crate::settings::Settings;
use crate::settings::limits::Limits;
use crate::settings::selector::Selector;
use crate::target::select;
use crate::values;
use anyhow::{Context as _, Result, bail};
use glob::Pattern;
use model::metric::Metric;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// The default text of `[watch]` and of the selectors.
pub const DEFAULT: &str = r#"[watch]
# What was added in each interval is kept and shown as one batch. At least 100ms.
interval = "10s"
# Threads that are recorded at the same time, of all selectors together; those beyond are counted, in no histogram.
max_threads = 4096
# Memory for histogram buckets; 9.5 KiB for each of max_threads if this is left out.
#histogram_memory = "38MiB"

# Who is watched. A process belongs to the first selector that it matches, also one that is started later, and so does
# what it starts from then on. Of pid, name, cgroup and unit each selector has exactly one.
#[[selector]]
#label = "web"                     # what the selector is called in all that is written
#name = "nginx*"                   # a pattern for the name of the process (ps -o comm) or its argument 0
#unit = "postgresql"               # the processes of a systemd unit
#cgroup = "system.slice/ssh.service"   # those of a control group and of all below it
#pid = [4242]                      # these numbers
#group_by = ["process", "name"]    # what is told apart: "process", "pid", "name" (of the thread); [] is all in one
#metrics = ["on_cpu", "runqueue_wait", "blocked", "preempted", "minor_fault", "major_fault"]   # whose histograms are kept
#follow = true                     # also what the processes start
#max_groups = 200                  # what is beyond is summed in a group named "(others)"
#max_processes = 256               # what is beyond is not watched; profiler ctl status tells how many
"#;

/// The shortest interval: a look at 2 000 busy threads takes some 50 ms.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// `[watch]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchConfig {
    /// The length of an interval.
    #[serde(deserialize_with = "interval")]
    pub interval: Duration,
    /// Threads recorded at the same time.
    pub max_threads: u32,
    /// Memory for buckets, in bytes.
    #[serde(deserialize_with = "memory")]
    pub histogram_memory: Option<u64>,
}

impl Default for WatchConfig {
    fn default() -> Self {
        let max_threads = Limits::DEFAULT_MAX_THREADS;
        Self { interval: Duration::from_secs(10), max_threads, histogram_memory: None }
    }
}

impl WatchConfig {
    /// The limits of the recording.
    ///
    /// # Errors
    /// If there is no room for it, or more than there can be.
    pub fn settings(&self) -> Result<Settings> {
        Ok(Settings { limits: self.limits()?, interval: Some(self.interval), ..Settings::default() })
    }

    fn limits(&self) -> Result<Limits> {
        if !(1..=1_000_000).contains(&self.max_threads) {
            bail!("watch.max_threads is {}; it must be 1 to 1000000", self.max_threads);
        }
        let limits = Limits::for_threads(self.max_threads);
        match self.histogram_memory {
            Some(memory) if memory > Limits::MOST_HISTOGRAM_MEMORY => {
                bail!("watch.histogram_memory is more than 1 TiB")
            }
            Some(histogram_memory) => Ok(Limits { histogram_memory, ..limits }),
            None => Ok(limits),
        }
    }
}

/// `[[selector]]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectorConfig {
    /// The selector's name.
    pub label: String,
    /// These processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<Vec<u32>>,
    /// A pattern of names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A control group and those below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<PathBuf>,
    /// The control group of a systemd unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The parts of a group's key.
    #[serde(default = "default_parts")]
    pub group_by: BTreeSet<Part>,
    /// The metrics that are kept.
    #[serde(default = "default_metrics")]
    pub metrics: BTreeSet<MetricName>,
    /// True if what the processes start belongs to it.
    #[serde(default = "yes")]
    pub follow: bool,
    /// Groups there can be.
    #[serde(default = "default_groups")]
    pub max_groups: usize,
    /// Processes that are chosen; what they start does not count.
    #[serde(default = "default_processes")]
    pub max_processes: usize,
}

/// A part by which a selector's threads can be grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The name of the process.
    Process,
    /// Its number, and with it its name.
    Pid,
    /// The name of the thread.
    Name,
}

/// A metric by its stable name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "they are those of Metric")]
pub enum MetricName {
    OnCpu,
    RunqueueWait,
    Blocked,
    Preempted,
    MinorFault,
    MajorFault,
}

impl From<MetricName> for Metric {
    fn from(name: MetricName) -> Self {
        match name {
            MetricName::OnCpu => Self::OnCpu,
            MetricName::RunqueueWait => Self::RunqueueWait,
            MetricName::Blocked => Self::Blocked,
            MetricName::Preempted => Self::Preempted,
            MetricName::MinorFault => Self::MinorFault,
            MetricName::MajorFault => Self::MajorFault,
        }
    }
}

impl From<Metric> for MetricName {
    fn from(metric: Metric) -> Self {
        match metric {
            Metric::OnCpu => Self::OnCpu,
            Metric::RunqueueWait => Self::RunqueueWait,
            Metric::Blocked => Self::Blocked,
            Metric::Preempted => Self::Preempted,
            Metric::MinorFault => Self::MinorFault,
            Metric::MajorFault => Self::MajorFault,
        }
    }
}

impl SelectorConfig {
    /// One of some processes, with what else is by default.
    #[must_use]
    pub fn of_pids(label: String, pid: Vec<u32>) -> Self {
        Self::of(label, &Selector::Pids(pid))
    }

    /// The keys of a selector, with what else is by default.
    #[must_use]
    pub fn of(label: String, selector: &Selector) -> Self {
        let mut keys = Self {
            label,
            pid: None,
            name: None,
            cgroup: None,
            unit: None,
            group_by: default_parts(),
            metrics: default_metrics(),
            follow: true,
            max_groups: default_groups(),
            max_processes: default_processes(),
        };
        match selector {
            Selector::Pids(pids) => keys.pid = Some(pids.clone()),
            Selector::Name(pattern) => keys.name = Some(pattern.as_str().to_owned()),
            Selector::Cgroup(path) => keys.cgroup = Some(path.clone()),
            Selector::Unit(unit) => keys.unit = Some(unit.clone()),
        }
        keys
    }

    /// The choice of processes.
    ///
    /// # Errors
    /// If that is nothing, or more than one thing.
    pub fn selector(&self) -> Result<Selector> {
        let label = &self.label;
        if label.is_empty() || label.len() > LONGEST_LABEL || label.chars().any(char::is_control) {
            bail!("the label {label:?} of a selector is not 1 to {LONGEST_LABEL} bytes of text");
        }
        let selector = match self {
            Self { pid: Some(pids), name: None, cgroup: None, unit: None, .. } => {
                Selector::Pids(pids.clone())
            }
            Self { pid: None, name: Some(name), cgroup: None, unit: None, .. } => {
                let pattern = Pattern::new(name);
                let pattern = pattern.with_context(|| format!("name of the selector {label:?}: {name:?}"))?;
                Selector::Name(pattern)
            }
            Self { pid: None, name: None, cgroup: Some(path), unit: None, .. } => {
                Selector::Cgroup(path.clone())
            }
            Self { pid: None, name: None, cgroup: None, unit: Some(unit), .. } => {
                Selector::Unit(unit.clone())
            }
            _ => bail!("the selector {label:?} must have exactly one of pid, name, cgroup and unit"),
        };
        select::check(&selector).with_context(|| format!("the selector {label:?}"))?;
        Ok(selector)
    }
}

/// Of a selector's label, which is in every row that is kept.
const LONGEST_LABEL: usize = 64;

fn default_parts() -> BTreeSet<Part> {
    [Part::Process, Part::Name].into()
}

fn default_metrics() -> BTreeSet<MetricName> {
    use MetricName::{Blocked, MajorFault, MinorFault, OnCpu, Preempted, RunqueueWait};
    [OnCpu, RunqueueWait, Blocked, Preempted, MinorFault, MajorFault].into()
}

fn yes() -> bool {
    true
}

fn default_groups() -> usize {
    200
}

fn default_processes() -> usize {
    256
}

fn interval<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    match values::duration(&String::deserialize(from)?).map_err(D::Error::custom)? {
        short if short < SHORTEST_INTERVAL => Err(D::Error::custom("it must be at least 100ms, such as 10s")),
        interval => Ok(interval),
    }
}

fn memory<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    values::memory(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}
