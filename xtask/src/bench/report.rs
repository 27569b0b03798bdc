//! How long `profiler report` takes on the profile of a run with many threads.

use super::{
    load::Programs,
    profile::Profile,
    statistics::Summary,
    table::{Row, Unit},
};
use crate::command::Run as _;
use anyhow::{Context as _, Result, ensure};
use std::{process::Stdio, time::Instant};

const BAR_MS: f64 = 200.0;

const THREADS: usize = 1_000;

/// Enough that the histograms have many buckets.
const SLEEPS: u32 = 50;

const REPEATS: usize = 5;

const MS_PER_S: f64 = 1_000.0;

/// The lines of this step.
pub(super) fn measure(programs: &Programs) -> Result<Vec<Row>> {
    eprintln!("report: {REPEATS} times");
    let load = ["threads".to_owned(), format!("--count={THREADS}"), format!("--sleeps={SLEEPS}")];
    let (mut command, profile) = programs.profiled("report", &[], &load);
    command.stdin(Stdio::null()).read()?;
    let threads = Profile::read(&profile)?.threads.len();
    ensure!(threads >= THREADS, "{} tells of {threads} threads only", profile.display());
    let mut samples = Vec::with_capacity(REPEATS);
    for _ in 0..REPEATS {
        let begun = Instant::now();
        programs.profiler().arg("report").arg(&profile).read()?;
        samples.push(begun.elapsed().as_secs_f64() * MS_PER_S);
    }
    let summary = Summary::of(&samples).context("no repeats")?;
    let what = format!("`profiler report` on {THREADS} threads");
    Ok(vec![Row::new(what, Unit::Ms, Ok(summary)).at_most(BAR_MS)])
}
