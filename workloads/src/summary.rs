//! The one line of JSON that a workload prints at its end, and the exit code that goes with it.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::task::Span;

/// The summary of a run. The profiler reads these names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The scheduling of the tasks, in words; see [`scheduler`].
    pub scheduler: String,
    /// Tasks done.
    pub tasks: u64,
    /// From the first task's submission to the last one's end, in nanoseconds of the monotonic clock.
    pub wall_ns: u64,
    /// The sum over the tasks of the time from a task's start to its end, in nanoseconds.
    pub task_time_ns: u64,
}

impl Summary {
    /// Sums up the tasks that were submitted from `submitted` on.
    #[must_use]
    pub fn new(scheduler: String, submitted: Instant, spans: &[Span]) -> Self {
        let last_end = spans.iter().map(|span| span.end).max().unwrap_or(submitted);
        Self {
            scheduler,
            tasks: spans.len() as u64,
            wall_ns: nanos(last_end.saturating_duration_since(submitted)),
            task_time_ns: nanos(
                spans.iter().map(|span| span.end.saturating_duration_since(span.start)).sum(),
            ),
        }
    }

    /// Prints the summary to standard output, as one line of JSON.
    ///
    /// # Errors
    /// If standard output is closed.
    pub fn print(&self) -> Result<()> {
        let line = serde_json::to_string(self).context("cannot form the summary")?;
        writeln!(io::stdout(), "{line}").context("cannot write the summary to standard output")
    }
}

/// Words for a scheduler of `kind` with `count` threads: `"event loop, 1 thread (tokio current-thread)"`.
#[must_use]
pub fn scheduler(kind: Kind, count: usize) -> String {
    let threads = if count == 1 { "thread" } else { "threads" };
    match kind {
        Kind::EventLoop { flavor } => format!("event loop, {count} {threads} (tokio {flavor})"),
        Kind::ThreadPool => format!("{count} OS {threads} (thread pool)"),
    }
}

/// The kinds of scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tokio runtime.
    EventLoop {
        /// The name of that runtime in tokio, such as `current-thread`.
        flavor: &'static str,
    },
    /// Threads of the operating system.
    ThreadPool,
}

/// Prints what came of a run: the summary to standard output, or the error as one line to standard error.
#[must_use]
pub fn conclude(program: &str, outcome: Result<Summary>) -> ExitCode {
    match outcome.and_then(|summary| summary.print()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The exit code still tells when even standard error is closed.
            writeln!(io::stderr(), "{program}: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

/// Nanoseconds, at most `u64::MAX` (584 years).
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A task's span, from and to these milliseconds after `zero`.
    fn span(zero: Instant, from_ms: u64, to_ms: u64) -> Span {
        Span { start: zero + Duration::from_millis(from_ms), end: zero + Duration::from_millis(to_ms) }
    }

    #[test]
    fn queueing_counts_as_wall_time_only() {
        // Two workers, submitted at 0:   |1 --- 11|12 --- 22|
        //                                 |2 ----- 14|
        let zero = Instant::now();
        let spans = [span(zero, 1, 11), span(zero, 2, 14), span(zero, 12, 22)];
        let summary = Summary::new("test".into(), zero, &spans);
        assert_eq!(summary.wall_ns, 22_000_000);
        assert_eq!(summary.task_time_ns, (10 + 12 + 10) * 1_000_000);
        assert_eq!(summary.tasks, 3);
    }

    #[test]
    fn the_last_end_need_not_be_the_last_tasks() {
        let zero = Instant::now();
        let summary = Summary::new("test".into(), zero, &[span(zero, 0, 90), span(zero, 0, 50)]);
        assert_eq!(summary.wall_ns, 90_000_000);
        assert_eq!(summary.task_time_ns, 140_000_000);
    }

    #[test]
    fn the_line_has_exactly_the_names_the_profiler_reads() {
        let summary = Summary { scheduler: "s".into(), tasks: 1, wall_ns: 2, task_time_ns: u64::MAX };
        let line = serde_json::to_string(&summary).unwrap();
        assert_eq!(line, r#"{"scheduler":"s","tasks":1,"wall_ns":2,"task_time_ns":18446744073709551615}"#);
    }

    #[test]
    fn schedulers_are_named_with_their_threads() {
        let current = Kind::EventLoop { flavor: "current-thread" };
        let multi = Kind::EventLoop { flavor: "multi-thread" };
        assert_eq!(scheduler(current, 1), "event loop, 1 thread (tokio current-thread)");
        assert_eq!(scheduler(multi, 8), "event loop, 8 threads (tokio multi-thread)");
        assert_eq!(scheduler(Kind::ThreadPool, 20), "20 OS threads (thread pool)");
        assert_eq!(scheduler(Kind::ThreadPool, 1), "1 OS thread (thread pool)");
    }

    #[test]
    fn durations_that_do_not_fit_are_the_largest() {
        assert_eq!(nanos(Duration::from_nanos(7)), 7);
        assert_eq!(nanos(Duration::MAX), u64::MAX);
    }
}
