//! The tasks on a pool of OS threads, each blocking its thread while it waits.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use workloads::args::{self, Args};
use workloads::pool::Pool;
use workloads::summary::{self, Kind, Summary};
use workloads::task::{Span, Work};

/// Runs waiting tasks on a thread pool, and prints one JSON line about it.
#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,

    /// The most threads that the pool may start [default: CPUs + 4, at most 32].
    #[arg(long, value_name = "N", value_parser = args::workers())]
    workers: Option<usize>,
}

fn main() -> ExitCode {
    summary::conclude(env!("CARGO_BIN_NAME"), run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<Summary> {
    let work = Arc::new(Work::new(cli.args)?);
    let mut pool = Pool::new(cli.workers.unwrap_or_else(|| default_workers(args::cpus())));

    let submitted = Instant::now();
    let mut results = Vec::new();
    for number in 0..cli.args.tasks {
        let work = Arc::clone(&work);
        results.push(pool.submit(move || fetch_database(&work, number))?);
    }
    let mut spans = Vec::with_capacity(results.len());
    for result in results {
        spans.push(result.recv().context("a task panicked")??);
    }
    let workers = pool.join()?;
    Ok(Summary::new(summary::scheduler(Kind::ThreadPool, workers), submitted, &spans))
}

fn fetch_database(work: &Work, number: u32) -> Result<Span> {
    let task = work.begin(number)?;
    thread::sleep(work.fetch());
    work.finish(task)
}

/// As many as Python's `ThreadPoolExecutor` allows when it is not told.
fn default_workers(cpus: usize) -> usize {
    cpus.saturating_add(4).min(32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_pythons() {
        assert_eq!([1, 2, 16, 28, 29, 256].map(default_workers), [5, 6, 20, 32, 32, 32]);
    }

    #[test]
    fn all_tasks_are_done_by_no_more_workers_than_allowed() {
        let flags = ["thread-pool-workload", "--tasks", "30", "--fetch", "2ms", "--workers", "3"];
        let summary = run(&Cli::parse_from(flags)).unwrap();
        assert_eq!(summary.tasks, 30);
        assert!(summary.task_time_ns >= 30 * 2_000_000);
        assert!(summary.wall_ns >= 10 * 2_000_000, "three at a time");
        assert_eq!(summary.scheduler, "3 OS threads (thread pool)");
    }

    #[test]
    fn no_workers_are_refused() {
        let error = Cli::try_parse_from(["thread-pool-workload", "--workers", "0"]).unwrap_err();
        assert!(error.to_string().contains("--workers"), "{error}");
    }
}
