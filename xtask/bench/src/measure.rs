//! The measuring half of `cargo xtask bench`, as root: runs the steps and writes the table.

use super::{
    BenchArgs, Step, cost, fault,
    found::Found,
    load::Programs,
    machine, memory, output, report, rounds, start, switch,
    table::{Row, markdown, unmet},
    table_file,
};
use anyhow::{Result, bail};
use clap::Args;
use xtask::workspace::Workspace;

/// Divisor of the work with `--quick`.
const QUICK_SHARE: u32 = 10;

/// Arguments of the measuring half: those of the preparing half, and the programs it found.
#[derive(Args)]
pub(crate) struct MeasureArgs {
    #[command(flatten)]
    bench: BenchArgs,
    #[command(flatten)]
    found: Found,
}

/// Settings of all steps.
pub(super) struct Settings {
    bench: BenchArgs,
    /// The measured programs.
    pub(super) programs: Programs,
    /// Further programs needed.
    pub(super) found: Found,
}

impl Settings {
    /// The number of rounds.
    pub(super) fn rounds(&self) -> u32 {
        rounds(&self.bench)
    }

    /// True if the figures are too rough to judge by.
    pub(super) fn quick(&self) -> bool {
        self.bench.quick
    }

    /// The time and the machine, and a note if the figures are too rough to judge by.
    pub(super) fn now_and_here(&self) -> Result<String> {
        let quick = if self.bench.quick { ", shortened loads (--quick)" } else { "" };
        Ok(machine::now_and_here()? + quick)
    }

    /// The amount of work in a round, reduced with `--quick`.
    pub(super) fn shortened(&self, work: u32) -> u32 {
        if self.bench.quick { work / QUICK_SHARE } else { work }
    }
}

/// Prints the table and writes it to its file; fails if a bar is not met.
pub(crate) fn measure(workspace: &Workspace, args: MeasureArgs) -> Result<()> {
    let MeasureArgs { bench, found } = args;
    let programs = Programs::of(workspace, bench.against.clone());
    let settings = Settings { bench, programs, found };
    if settings.bench.peers {
        return verdict(&cost::measure(workspace, &settings)?);
    }
    let rows = steps(&settings);
    let rounds = settings.rounds();
    let table = format!("{}\n{}, {rounds} interleaved rounds\n", markdown(&rows), settings.now_and_here()?);
    print!("{table}");
    output::write(workspace, &table_file(&workspace.target()), &table)?;
    verdict(&rows)
}

fn verdict(rows: &[Row]) -> Result<()> {
    match unmet(rows) {
        0 => Ok(()),
        1 => bail!("1 bar is not met"),
        bars => bail!("{bars} bars are not met"),
    }
}

fn steps(settings: &Settings) -> Vec<Row> {
    let mut rows = Vec::new();
    if settings.bench.includes(Step::Switch) {
        rows.extend(switch::measure(settings));
    }
    if settings.bench.includes(Step::Fault) {
        rows.extend(fault::measure(settings));
    }
    if settings.bench.includes(Step::Memory) {
        rows.extend(memory::measure(&settings.programs));
    }
    if settings.bench.includes(Step::Report) {
        rows.extend(or_failed("`profiler report`", report::measure(&settings.programs)));
    }
    if settings.bench.includes(Step::Export) {
        rows.extend(or_failed("`profiler export`", report::measure_exports(&settings.programs)));
    }
    if settings.bench.includes(Step::Start) {
        rows.extend(or_failed("start of `profiler run`", start::measure(settings)));
    }
    rows
}

/// Turns a failed step into a row of the table, so that the others are not lost.
fn or_failed(what: &str, rows: Result<Vec<Row>>) -> Vec<Row> {
    rows.unwrap_or_else(|error| vec![Row::failed(what, &error)])
}
