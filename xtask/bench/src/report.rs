//! The time of `profiler report` and `profiler export` on a profile with many threads.

use super::{
    load::{Build, Programs},
    table::Row,
    turns::by_build,
};
use anyhow::{Result, ensure};
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

/// Sleeps of each thread, enough to fill many buckets.
const SLEEPS: u32 = 50;

const REPEATS: usize = 5;

const MS_PER_S: f64 = 1_000.0;

/// Measures the step of the report.
pub(super) fn measure(programs: &Programs) -> Result<Vec<Row>> {
    let profile = profile(programs, "report")?;
    rows(programs, "report", "on", REPORT_BAR_MS, |report| {
        report.arg("report").arg(&profile);
    })
}

/// Measures the step of exports: all buckets of all threads, and a figure of the threads with the most time.
pub(super) fn measure_exports(programs: &Programs) -> Result<Vec<Row>> {
    let profile = profile(programs, "export")?;
    let mut all = Vec::new();
    for (name, extension) in [("Parquet", "parquet"), ("PDF", "pdf")] {
        all.extend(rows(programs, "export", &format!("to {name} of"), EXPORT_BAR_MS, |export| {
            export
                .args(["export", "--group-by=thread", "--force", "--output"])
                .arg(profile.with_extension(extension));
            export.arg(&profile);
        })?);
    }
    Ok(all)
}

fn profile(programs: &Programs, name: &str) -> Result<PathBuf> {
    let load = ["threads".to_owned(), format!("--count={THREADS}"), format!("--sleeps={SLEEPS}")];
    let (mut command, profile) = programs.profiled(Build::Now, name, &[], &load)?;
    command.stdin(Stdio::null()).read()?;
    let threads = file::read(&profile)?.threads.len();
    ensure!(threads >= THREADS, "{} tells of {threads} threads only", profile.display());
    Ok(profile)
}

/// A row for each build; builds are interleaved.
fn rows(
    programs: &Programs,
    subcommand: &str,
    what: &str,
    bar_ms: f64,
    arguments: impl Fn(&mut Command),
) -> Result<Vec<Row>> {
    eprintln!("{subcommand} {what} {THREADS} threads: {REPEATS} times");
    let title = |marked: &str| format!("`profiler {subcommand}`{marked} {what} {THREADS} threads");
    by_build(programs, REPEATS, bar_ms, title, |_, build| {
        let mut command = programs.profiler(build)?;
        arguments(&mut command);
        let begun = Instant::now();
        command.read_bytes()?;
        Ok(begun.elapsed().as_secs_f64() * MS_PER_S)
    })
}
