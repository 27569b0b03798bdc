//! The results: the file from which tables and charts are made.

use super::account::Account;
use crate::{contender::Contender, statistics::Summary};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// All results.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Results {
    /// The time and the machine.
    pub(super) measured: String,
    /// Rounds of interleaved measurements.
    pub(super) rounds: u32,
    /// Rounds of measurements by threads and by switch rate.
    pub(super) rounds_of_a_place: u32,
    /// Versions of the peers.
    pub(super) versions: Vec<String>,
    /// In the order of the tables.
    pub(super) contenders: Vec<Measured>,
    /// Contenders that are not available.
    pub(super) missing: Vec<Missing>,
    /// Long runs of the contenders: usage, counts and losses.
    pub(super) long_runs: Vec<LongRuns>,
    /// The sum of samples, threads and events that the profiler lost in all runs.
    pub(super) lost_by_profiler: u64,
}

/// The figures of one contender, or the reason for their absence.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) contender: Contender,
    /// Nanoseconds of a switch: absolute for the load alone, added for the others.
    pub(super) switch_ns: Result<Summary, String>,
    /// Likewise for a fault.
    pub(super) fault_ns: Result<Summary, String>,
    /// The cost of a switch by number of threads.
    pub(super) threads: Vec<Point>,
    /// The cost of a switch by switch rate of the load alone.
    pub(super) rates: Vec<Point>,
}

/// A point of a line in a chart.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Point {
    pub(super) at: f64,
    pub(super) switch_ns: Result<Summary, String>,
}

/// An unavailable contender, and the reason.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Missing {
    pub(super) contender: Contender,
    pub(super) why: String,
}

/// A load that runs long enough to show contenders that lose events.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LongRuns {
    /// The load, and the least number of its events.
    pub(super) load: String,
    pub(super) runs: Vec<LongRun>,
}

/// A contender's run with it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LongRun {
    pub(super) contender: Contender,
    pub(super) left: Result<Left, String>,
}

/// A contender's usage and output: of the run with the median CPU time of three, but with the largest loss of
/// them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Left {
    /// The counts in its output.
    #[serde(flatten)]
    pub(super) account: Account,
    /// CPU time during the timed part, in percent of wall time.
    pub(super) cpu_percent: f64,
    /// CPU time from start to end.
    pub(super) cpu_in_all_ms: f64,
}

impl Results {
    /// The figures of one contender.
    pub(super) fn of(&self, contender: Contender) -> Option<&Measured> {
        self.contenders.iter().find(|measured| measured.contender == contender)
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

#[cfg(test)]
impl Results {
    /// Results for tests: 100 ns for the first contender, 200 ns for the second, and so on; one point was
    /// refused.
    pub(super) fn sample() -> Self {
        let summary = |median| Ok(Summary::single(median));
        let measured = |(index, contender)| {
            let median = 100.0 * (index as f64 + 1.0);
            let points = || {
                if !Contender::is_followed(contender) {
                    return Vec::new();
                }
                let point = |at| Point { at, switch_ns: summary(median) };
                vec![point(1e4), point(1e5), Point { at: 1e6, switch_ns: Err("refused".to_owned()) }]
            };
            let (threads, rates) = (points(), points());
            Measured { contender, switch_ns: summary(median), fault_ns: summary(-median), threads, rates }
        };
        Self {
            measured: "today, here".to_owned(),
            rounds: 21,
            rounds_of_a_place: 7,
            versions: vec!["tools 1.0".to_owned()],
            contenders: Contender::ALL.into_iter().enumerate().map(measured).collect(),
            missing: Vec::new(),
            long_runs: Vec::new(),
            lost_by_profiler: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_everything() {
        let mut results = Results::sample();
        let account = Account { counted: Some(7), lost: None, warnings: 1, record_bytes: Some(99) };
        let left = Ok(Left { account, cpu_percent: 1.5, cpu_in_all_ms: 20.0 });
        let runs = vec![LongRun { contender: Contender::Bpftrace, left }];
        results.long_runs.push(LongRuns { load: "many".to_owned(), runs });
        results.missing.push(Missing { contender: Contender::PerfTrace, why: "no perf".to_owned() });
        let json = results.json().unwrap();
        let read: Results = serde_json::from_str(&json).unwrap();
        assert_eq!(read.json().unwrap(), json);
    }
}
