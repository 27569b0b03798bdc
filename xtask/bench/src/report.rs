//! How long `profiler report` and `profiler export` take on the profile of a run with many threads.

use super::{
    load::Programs,
    statistics::Summary,
    table::{Row, Unit},
};
use anyhow::{Context as _, Result, ensure};
use model::profile::file;
use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::Instant,
};
use xtask::command::Run as _;

const REPORT_BAR_MS: f64 = 200.0;

const EXPORT_BAR_MS: f64 = 2_000.0;

const THREADS: usize = 1_000;

/// Enough that the histograms have many buckets.
const SLEEPS: u32 = 50;

const REPEATS: usize = 5;

const MS_PER_S: f64 = 1_000.0;

/// The lines of the report's step.
pub(super) fn measure(programs: &Programs) -> Result<Vec<Row>> {
    let profile = profile(programs, "report")?;
    let mut report = programs.profiler();
    report.arg("report").arg(&profile);
    Ok(vec![row("report", "on", report, REPORT_BAR_MS)?])
}

/// The lines of the exports' step: of every thread each bucket, and a figure of the threads with the most time.
pub(super) fn measure_exports(programs: &Programs) -> Result<Vec<Row>> {
    let profile = profile(programs, "export")?;
    let rows = [("Parquet", "parquet"), ("PDF", "pdf")].map(|(name, extension)| {
        let mut export = programs.profiler();
        export.args(["export", "--group-by=thread", "--output"]).arg(profile.with_extension(extension));
        export.arg(&profile);
        row("export", &format!("to {name} of"), export, EXPORT_BAR_MS)
    });
    rows.into_iter().collect()
}

fn profile(programs: &Programs, name: &str) -> Result<PathBuf> {
    let load = ["threads".to_owned(), format!("--count={THREADS}"), format!("--sleeps={SLEEPS}")];
    let (mut command, profile) = programs.profiled(name, &[], &load);
    command.stdin(Stdio::null()).read()?;
    let threads = file::read(&profile)?.threads.len();
    ensure!(threads >= THREADS, "{} tells of {threads} threads only", profile.display());
    Ok(profile)
}

fn row(subcommand: &str, what: &str, mut command: Command, bar_ms: f64) -> Result<Row> {
    eprintln!("{subcommand} {what} {THREADS} threads: {REPEATS} times");
    let mut samples = Vec::with_capacity(REPEATS);
    for _ in 0..REPEATS {
        let begun = Instant::now();
        command.read_bytes()?;
        samples.push(begun.elapsed().as_secs_f64() * MS_PER_S);
    }
    let summary = Summary::of(&samples).context("no repeats")?;
    let what = format!("`profiler {subcommand}` {what} {THREADS} threads");
    Ok(Row::new(what, Unit::Ms, Ok(summary)).at_most(bar_ms))
}
