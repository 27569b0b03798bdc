//! The results, as the file that the tables and the charts are made of.

use super::account::Account;
use crate::{contender::Contender, statistics::Summary};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// All of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Results {
    /// The time and the machine.
    pub(super) measured: String,
    /// Of everything that is measured in turns.
    pub(super) rounds: u32,
    /// But of what is measured by threads and by switch rate.
    pub(super) rounds_of_a_place: u32,
    /// Of the peers.
    pub(super) versions: Vec<String>,
    /// In the order of the tables.
    pub(super) contenders: Vec<Measured>,
    /// Those that are not there.
    pub(super) missing: Vec<Missing>,
    /// The usage and the records of the contenders.
    pub(super) long_runs: Vec<LongRuns>,
    /// Samples, threads and events that the profiler lost in all runs together, each of them.
    pub(super) lost_by_profiler: u64,
}

/// The figures of one contender, or the reason why there are none.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) contender: Contender,
    /// Nanoseconds that a switch takes; of the load alone the whole, of the others what they add.
    pub(super) switch_ns: Result<Summary, String>,
    /// Likewise for a fault.
    pub(super) fault_ns: Result<Summary, String>,
    /// The cost of a switch with so many threads.
    pub(super) threads: Vec<Point>,
    /// The cost of a switch where so many happen in a second without it.
    pub(super) rates: Vec<Point>,
}

/// One place of a line in a chart.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Point {
    pub(super) at: f64,
    pub(super) switch_ns: Result<Summary, String>,
}

/// One that is not there, and why.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Missing {
    pub(super) contender: Contender,
    pub(super) why: String,
}

/// A load that runs long enough to show who does not keep up.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LongRuns {
    /// The load and what it makes at least.
    pub(super) load: String,
    pub(super) runs: Vec<LongRun>,
}

/// A contender's run with it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LongRun {
    pub(super) contender: Contender,
    pub(super) left: Result<Left, String>,
}

/// The usage and record of a contender: of the run in the middle of three by its CPU time, but the most that was lost in any
/// of them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Left {
    /// The account of its record.
    #[serde(flatten)]
    pub(super) account: Account,
    /// Its CPU time while the load was timed, in percent of that time.
    pub(super) cpu_percent: f64,
    /// Its CPU time from start to end.
    pub(super) cpu_in_all_ms: f64,
}

impl Results {
    /// Those of one contender.
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
    /// 100 ns for the first contender, 200 ns for the second, and so on; one place of the lines was refused.
    pub(super) fn sample() -> Self {
        let summary = |median| Ok(Summary::single(median));
        let measured = |(place, contender)| {
            let median = 100.0 * (place as f64 + 1.0);
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
