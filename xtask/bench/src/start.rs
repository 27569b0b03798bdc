//! How long it takes from the profiler's start until the profiled command runs.

use super::{
    measure::Settings,
    statistics::Summary,
    table::{Row, Unit},
};
use anyhow::{Context as _, Result};
use nix::time::{ClockId, clock_gettime};
use xtask::command::Run as _;

const BAR_MS: f64 = 150.0;

const NS_PER_MS: f64 = 1_000_000.0;

/// The lines of this step.
pub(super) fn measure(settings: &Settings) -> Result<Vec<Row>> {
    let mut samples = Vec::new();
    for round in 0..settings.rounds() {
        eprintln!("start: round {} of {}", round + 1, settings.rounds());
        let (mut command, _profile) = settings.programs.profiled("start", &[], &["started"]);
        let begun = clock_gettime(ClockId::CLOCK_MONOTONIC).context("cannot read the clock")?;
        let begun_ns = begun.tv_sec() * 1_000_000_000 + begun.tv_nsec();
        let output = command.read()?;
        let started_ns: i64 = output
            .trim()
            .parse()
            .with_context(|| format!("the load printed {output:?} instead of its time of start"))?;
        samples.push((started_ns - begun_ns) as f64 / NS_PER_MS);
    }
    let summary = Summary::of(&samples).context("no rounds")?;
    Ok(vec![
        Row::new("from `profiler run` to its command's first line", Unit::Ms, Ok(summary)).at_most(BAR_MS),
    ])
}
