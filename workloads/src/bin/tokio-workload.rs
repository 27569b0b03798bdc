//! The tasks on a tokio runtime, each giving its thread to the others while it waits.

#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use tokio::runtime::{Builder, Runtime};
use workloads::args::{self, Args};
use workloads::summary::{self, Kind, Summary};
use workloads::task::{Span, Work};

const PROGRAM: &str = env!("CARGO_BIN_NAME");

/// Runs waiting tasks on tokio, and prints one JSON line about it.
///
/// Tokio's timers tick in milliseconds: a wait is rounded up to the next one.
#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,

    /// The runtime to run them on.
    #[arg(long, value_enum, default_value_t = Flavor::CurrentThread)]
    flavor: Flavor,

    /// Worker threads of the multi-thread runtime [default: CPUs].
    #[arg(long, value_name = "N", value_parser = args::workers())]
    workers: Option<usize>,
}

/// The runtimes that tokio has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Flavor {
    /// The main thread alone, as in asyncio.
    CurrentThread,
    /// Worker threads that steal work from each other; the main thread only waits.
    MultiThread,
}

fn main() -> ExitCode {
    summary::conclude(PROGRAM, run(&Cli::parse()))
}

fn run(cli: &Cli) -> Result<Summary> {
    let work = Arc::new(Work::new(cli.args)?);
    let workers = worker_count(cli.flavor, cli.workers)?;
    let runtime = runtime(cli.flavor, workers)?;

    let (submitted, spans) = runtime.block_on(run_all(work, cli.args.tasks))?;
    let scheduler = summary::scheduler(Kind::EventLoop { flavor: cli.flavor.name() }, workers);
    Ok(Summary::new(scheduler, submitted, &spans))
}

/// Submits all tasks at once and waits for them; returns when the first was submitted, and their spans.
async fn run_all(work: Arc<Work>, tasks: u32) -> Result<(Instant, Vec<Span>)> {
    let submitted = Instant::now();
    let handles: Vec<_> =
        (0..tasks).map(|number| tokio::spawn(fetch_database(Arc::clone(&work), number))).collect();
    let mut spans = Vec::with_capacity(handles.len());
    for handle in handles {
        spans.push(handle.await.context("a task panicked")??);
    }
    Ok((submitted, spans))
}

async fn fetch_database(work: Arc<Work>, number: u32) -> Result<Span> {
    let task = work.begin(number)?;
    tokio::time::sleep(work.fetch()).await;
    work.finish(task)
}

/// The threads that run tasks. More than one for the current thread is a contradiction, and not ignored.
fn worker_count(flavor: Flavor, asked: Option<usize>) -> Result<usize> {
    match (flavor, asked) {
        (Flavor::MultiThread, asked) => Ok(asked.unwrap_or_else(args::cpus)),
        (Flavor::CurrentThread, None | Some(1)) => Ok(1),
        (Flavor::CurrentThread, Some(more)) => bail!("--workers {more} needs --flavor multi-thread"),
    }
}

fn runtime(flavor: Flavor, workers: usize) -> Result<Runtime> {
    let mut builder = match flavor {
        Flavor::CurrentThread => Builder::new_current_thread(),
        Flavor::MultiThread => Builder::new_multi_thread(),
    };
    // Refused a thread, tokio panics, and then waits for ever for the workers it has started already.
    panic::set_hook(Box::new(end_without_threads));
    let runtime = builder.worker_threads(workers).thread_name("tokio-worker").enable_all().build();
    drop(panic::take_hook());
    runtime.context("cannot start the tokio runtime")
}

#[expect(clippy::exit, reason = "unwinding would not come back to main")]
fn end_without_threads(panic: &PanicHookInfo<'_>) {
    let cause = panic.payload_as_str().unwrap_or("tokio did not start");
    writeln!(io::stderr(), "{PROGRAM}: {cause}: choose fewer --workers").ok();
    process::exit(1)
}

impl Flavor {
    /// As tokio names it.
    fn name(self) -> &'static str {
        match self {
            Self::CurrentThread => "current-thread",
            Self::MultiThread => "multi-thread",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(flags: &[&str]) -> Result<Summary> {
        super::run(&Cli::parse_from([&["tokio-workload", "--tasks", "30", "--fetch", "2ms"], flags].concat()))
    }

    #[test]
    fn one_thread_does_all_tasks_unless_told_otherwise() {
        let summary = run(&[]).unwrap();
        assert_eq!(summary.tasks, 30);
        assert!(summary.task_time_ns >= 30 * 2_000_000);
        assert!(summary.wall_ns >= 2_000_000);
        assert_eq!(summary.scheduler, "event loop, 1 thread (tokio current-thread)");
    }

    #[test]
    fn worker_threads_do_all_tasks() {
        let summary = run(&["--flavor", "multi-thread", "--workers", "3"]).unwrap();
        assert_eq!(summary.tasks, 30);
        assert_eq!(summary.scheduler, "event loop, 3 threads (tokio multi-thread)");
    }

    #[test]
    fn the_multi_thread_runtime_takes_all_cpus() {
        assert_eq!(worker_count(Flavor::MultiThread, None).unwrap(), args::cpus());
    }

    #[test]
    fn workers_for_the_current_thread_are_refused() {
        let error = run(&["--workers", "2"]).unwrap_err();
        assert_eq!(error.to_string(), "--workers 2 needs --flavor multi-thread");
        assert!(run(&["--workers", "1"]).is_ok());
    }

    #[test]
    fn a_task_that_fails_fails_the_run() {
        let error = run(&["--touch", "4611686018427387904"]).unwrap_err();
        assert!(format!("{error:#}").contains("choose a smaller --touch"), "{error:#}");
    }

    #[test]
    fn flavors_are_asked_for_by_their_own_names() {
        for flavor in Flavor::value_variants() {
            assert_eq!(Flavor::from_str(flavor.name(), false), Ok(*flavor));
        }
    }
}
