//! The time from the profiler's start until the profiled command runs.

use super::{load::Build, measure::Settings, table::Row, turns::by_build};
use anyhow::{Context as _, Result};
use nix::time::{ClockId, clock_gettime};
use xtask::command::Run as _;

const BAR_MS: f64 = 150.0;

const NS_PER_MS: f64 = 1_000_000.0;

/// Measures this step.
pub(super) fn measure(settings: &Settings) -> Result<Vec<Row>> {
    let rounds = settings.rounds() as usize;
    let title = |marked: &str| format!("from `profiler run`{marked} to its command's first line");
    by_build(&settings.programs, rounds, BAR_MS, title, |round, build| {
        if build == Build::Now {
            eprintln!("start: round {} of {rounds}", round + 1);
        }
        start_ms(settings, build)
    })
}

fn start_ms(settings: &Settings, build: Build) -> Result<f64> {
    let (mut command, _profile) = settings.programs.profiled(build, "start", &[], &["started"])?;
    let begun = clock_gettime(ClockId::CLOCK_MONOTONIC).context("cannot read the clock")?;
    let begun_ns = begun.tv_sec() * 1_000_000_000 + begun.tv_nsec();
    let output = command.read()?;
    let started_ns: i64 = output
        .trim()
        .parse()
        .with_context(|| format!("the load printed {output:?} instead of its time of start"))?;
    Ok((started_ns - begun_ns) as f64 / NS_PER_MS)
}
