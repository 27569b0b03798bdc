//! What a page fault costs more under the profiler.

use super::{
    load::Programs,
    measure::Settings,
    statistics::{Summary, differences},
    table::{Row, Unit},
};
use anyhow::{Context as _, Result};

/// Nanoseconds a fault may take more.
const BAR_NS: f64 = 200.0;

const PAGES: u32 = 200_000;

/// The lines of this step.
pub(super) fn measure(programs: &Programs, settings: &Settings) -> Result<Vec<Row>> {
    let load = ["touch".to_owned(), format!("--pages={}", settings.shortened(PAGES))];
    let (mut nothing, mut profiled) = (Vec::new(), Vec::new());
    for round in 0..settings.rounds() {
        eprintln!("fault: round {} of {}", round + 1, settings.rounds());
        let profiled_first = round % 2 == 1;
        if profiled_first {
            profiled.push(programs.profiled_figure("fault", &load)?);
        }
        nothing.push(programs.figure(&load)?);
        if !profiled_first {
            profiled.push(programs.profiled_figure("fault", &load)?);
        }
    }
    let added = Summary::of(&differences(&profiled, &nothing)).context("no rounds")?;
    let base = Summary::of(&nothing).context("no rounds")?;
    Ok(vec![
        Row::new("minor fault on a fresh page", Unit::Ns, Ok(base)),
        Row::new("added to it by `profiler run`", Unit::Ns, Ok(added)).at_most(BAR_NS),
    ])
}
