//! The time from the profiler's start until the profiled command runs.

use super::{
    load::Build,
    measure::Settings,
    statistics::Summary,
    table::{Row, Unit},
};
use anyhow::{Context as _, Result};
use nix::time::{ClockId, clock_gettime};
use xtask::command::Run as _;

const BAR_MS: f64 = 150.0;

const NS_PER_MS: f64 = 1_000_000.0;

/// Measures this step.
pub(super) fn measure(settings: &Settings) -> Result<Vec<Row>> {
    let builds = settings.programs.builds();
    let mut samples: Vec<Vec<f64>> = builds.iter().map(|_| Vec::new()).collect();
    for round in 0..settings.rounds() {
        eprintln!("start: round {} of {}", round + 1, settings.rounds());
        for ((build, _), samples) in builds.iter().zip(&mut samples) {
            samples.push(start_ms(settings, *build)?);
        }
    }
    let rows = builds.iter().zip(samples).map(|((build, marked), samples)| {
        let summary = Summary::of(&samples).context("no rounds")?;
        let row = Row::new(
            format!("from `profiler run`{marked} to its command's first line"),
            Unit::Ms,
            Ok(summary),
        );
        Ok(if *build == Build::Now { row.at_most(BAR_MS) } else { row })
    });
    rows.collect()
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
