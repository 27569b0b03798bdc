//! The measuring half of `cargo xtask bench`, as root: runs the steps and writes the table.

use super::{
    BenchArgs, Step, cost, fault,
    load::Programs,
    machine, memory, report, rounds, start, switch,
    table::{Row, markdown, unmet},
    table_file,
};
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::PathBuf,
};

/// How much shorter the loads are with `--quick`.
const QUICK_SHARE: u32 = 10;

/// What the preparing half hands over: its own arguments, and what it found.
#[derive(Args)]
pub(crate) struct MeasureArgs {
    #[command(flatten)]
    bench: BenchArgs,
    /// The object with the empty BPF programs
    #[arg(long)]
    empty_programs: Option<PathBuf>,
    /// Why there is none
    #[arg(long)]
    no_empty_programs: Option<String>,
    /// runqlat
    #[arg(long)]
    runqlat: Option<PathBuf>,
    /// Why there is none
    #[arg(long)]
    no_runqlat: Option<String>,
    /// A peer and where it is, NAME=PATH
    #[arg(long = "peer")]
    found_peers: Vec<String>,
    /// A peer and why it is not there, NAME=WHY
    #[arg(long = "no-peer")]
    missing_peers: Vec<String>,
}

impl MeasureArgs {
    /// The peers by name.
    fn peers(&self) -> BTreeMap<String, Result<PathBuf, String>> {
        let split =
            |text: &String| text.split_once('=').map(|(name, rest)| (name.to_owned(), rest.to_owned()));
        let found = self.found_peers.iter().filter_map(split).map(|(name, path)| (name, Ok(path.into())));
        found.chain(self.missing_peers.iter().filter_map(split).map(|(name, why)| (name, Err(why)))).collect()
    }
}

/// What the steps are told.
pub(super) struct Settings {
    bench: BenchArgs,
    /// The object with the empty BPF programs, or why there is none.
    pub(super) empty_programs: Result<PathBuf, String>,
    /// The program `runqlat`, or why there is none.
    pub(super) runqlat: Result<PathBuf, String>,
}

impl Settings {
    fn new(args: MeasureArgs) -> Self {
        let found = |path: Option<PathBuf>, why: Option<String>| path.ok_or_else(|| why.unwrap_or_default());
        Self {
            bench: args.bench,
            empty_programs: found(args.empty_programs, args.no_empty_programs),
            runqlat: found(args.runqlat, args.no_runqlat),
        }
    }

    /// Rounds of everything that is measured in turns.
    pub(super) fn rounds(&self) -> u32 {
        rounds(&self.bench)
    }

    /// The amount of work of a round, of which `--quick` does a part.
    pub(super) fn shortened(&self, work: u32) -> u32 {
        if self.bench.quick { work / QUICK_SHARE } else { work }
    }
}

/// Prints the table and writes it to its file; fails if a bar is not met.
pub(crate) fn measure(workspace: &Workspace, args: MeasureArgs) -> Result<()> {
    let peers = args.bench.peers.then(|| args.peers());
    let settings = Settings::new(args);
    if let Some(peers) = peers {
        let (empty, rounds, quick) =
            (settings.empty_programs.clone(), settings.rounds(), settings.bench.quick);
        let bars = cost::measure(workspace, &cost::Setup { empty, peers, rounds, quick })?;
        return verdict(&bars);
    }
    let rows = steps(&Programs::of(workspace), &settings);
    let quick = if settings.bench.quick { ", shortened loads (--quick)" } else { "" };
    let table = format!("{}\n{}{quick}\n", markdown(&rows), machine::footer(settings.rounds())?);
    print!("{table}");
    write(workspace, &table)?;
    verdict(&rows)
}

fn verdict(rows: &[Row]) -> Result<()> {
    match unmet(rows) {
        0 => Ok(()),
        1 => bail!("1 bar is not met"),
        bars => bail!("{bars} bars are not met"),
    }
}

fn steps(programs: &Programs, settings: &Settings) -> Vec<Row> {
    let mut rows = Vec::new();
    if settings.bench.includes(Step::Switch) {
        rows.extend(switch::measure(programs, settings));
    }
    if settings.bench.includes(Step::Fault) {
        rows.extend(fault::measure(programs, settings));
    }
    if settings.bench.includes(Step::Memory) {
        rows.extend(memory::measure(programs));
    }
    if settings.bench.includes(Step::Report) {
        rows.extend(or_failed("`profiler report`", report::measure(programs)));
    }
    if settings.bench.includes(Step::Start) {
        rows.extend(or_failed("start of `profiler run`", start::measure(programs, settings)));
    }
    rows
}

/// A step that fails becomes a line of the table, so that the others are not lost.
fn or_failed(what: &str, rows: Result<Vec<Row>>) -> Vec<Row> {
    rows.unwrap_or_else(|error| vec![Row::failed(what, &error)])
}

fn write(workspace: &Workspace, table: &str) -> Result<()> {
    let target = workspace.target();
    let file = table_file(&target);
    fs::write(&file, table).with_context(|| format!("cannot write {}", file.display()))?;
    // Whoever built can also remove and replace it.
    let owner = fs::metadata(&target).with_context(|| format!("cannot look at {}", target.display()))?;
    chown(&file, Some(owner.uid()), Some(owner.gid()))
        .with_context(|| format!("cannot hand over {}", file.display()))
}
