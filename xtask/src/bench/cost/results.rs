//! What was measured, as the file that the table and the charts are made of.

use crate::bench::statistics::Summary;
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// All of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Results {
    /// Where and when.
    pub(super) measured: String,
    /// In the order of the table.
    pub(super) contenders: Vec<Measured>,
    /// Samples, threads and events that the profiler lost in all runs together, each of them.
    pub(super) lost_by_profiler: u64,
}

/// What was measured of one contender. What could not be says why.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) name: String,
    /// Time that a switch takes; of the load alone the whole, of the others what they add.
    pub(super) switch: Result<Quantity, String>,
    /// Likewise for a fault.
    pub(super) fault: Result<Quantity, String>,
    /// What it used and lost; `None` for the load alone.
    pub(super) consumer: Option<Result<Used, String>>,
    /// What a switch takes with so many threads.
    pub(super) threads: Vec<Point>,
    /// What a switch takes where so many happen in a second without it.
    pub(super) rates: Vec<Point>,
}

/// Nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Quantity {
    pub(super) median_ns: f64,
    pub(super) least_ns: f64,
    pub(super) greatest_ns: f64,
}

/// One place of a line in a chart.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Point {
    pub(super) at: f64,
    pub(super) value: Result<Quantity, String>,
}

/// What a contender used and lost in one longer run of the ping-pong, the medians of a few.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Used {
    /// Switches that the load made.
    pub(super) made: u64,
    /// Events that are missing; `None` if nobody knows.
    pub(super) lost: Option<u64>,
    /// Of its record; `None` if there is none.
    pub(super) file_bytes: Option<u64>,
    /// Its CPU time while the load was timed, in percent of that time.
    pub(super) cpu_percent: f64,
    /// Its CPU time from start to end.
    pub(super) cpu_in_all_ms: f64,
}

impl From<Summary> for Quantity {
    fn from(summary: Summary) -> Self {
        Self { median_ns: summary.median, least_ns: summary.least, greatest_ns: summary.greatest }
    }
}

impl Results {
    pub(super) fn of(&self, name: &str) -> Option<&Measured> {
        self.contenders.iter().find(|measured| measured.name == name)
    }

    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| {
            format!("cannot read {}: `cargo xtask bench --peers` writes it", path.display())
        })?;
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    pub(super) fn json(&self) -> Result<String> {
        let mut text = serde_json::to_string_pretty(self).context("cannot write the results")?;
        text.push('\n');
        Ok(text)
    }
}
