//! Measures the profiler's cost against its bars, and prints one Markdown table.
//!
//! Two halves: [`prepare`] builds and fetches programs as the calling user; [`measure`] runs as root and does
//! the rest, one file a step. Contenders are interleaved in rounds, because the speed of a machine drifts; the
//! table holds medians. [`contender`] lists the contenders, [`job`] their loads, run by the program
//! `bench-load`, and [`run`] is one run of the two.

mod archive;
mod contender;
mod cost;
mod fault;
mod found;
mod job;
mod load;
mod machine;
mod measure;
mod memory;
mod observer;
mod output;
mod peers;
mod prepare;
mod process;
mod profile;
mod report;
mod run;
mod start;
mod statistics;
mod switch;
mod table;
mod turns;

use clap::{Parser, Subcommand};
use measure::MeasureArgs;
use prepare::{BenchArgs, Step, folder, rounds, table_file};
use std::process::ExitCode;
use xtask::workspace::Workspace;

/// Measure what the profiler costs against its bars; print a table and leave it in target/bench.md
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    bench: BenchArgs,
    #[command(subcommand)]
    half: Option<Half>,
}

#[derive(Subcommand)]
enum Half {
    /// The half that is root
    #[command(hide = true)]
    Measure(Box<MeasureArgs>),
}

fn main() -> ExitCode {
    let Arguments { bench, half } = Arguments::parse();
    let done = Workspace::find().and_then(|workspace| match half {
        Some(Half::Measure(args)) => measure::measure(&workspace, *args),
        None => prepare::bench(&workspace, &bench),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
