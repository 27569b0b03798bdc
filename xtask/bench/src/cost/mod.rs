//! The profiler's cost compared with its peers: `cargo xtask bench --peers`.
//!
//! Every contender runs the same loads, interleaved ([`figures`]); its added cost is relative to the load alone
//! in the same round. [`results`] keeps the figures, from which [`table`] and [`chart`] are made.

mod account;
mod chart;
mod figures;
mod notes;
mod results;
mod table;

use super::{measure::Settings, output, table::Row};
use anyhow::Result;
use figures::Bench;
use results::Results;
use std::path::PathBuf;
use xtask::workspace::Workspace;

/// Measures, and writes tables, charts and figures to `docs/cost`, or to the target folder for a quick run.
/// Returns the bars.
pub(super) fn measure(workspace: &Workspace, settings: &Settings) -> Result<Vec<Row>> {
    let results = Bench::of(settings).all(workspace)?;
    write(workspace, &results, settings.quick())?;
    Ok(table::bars(&results))
}

/// Remakes tables and charts from stored figures.
pub(super) fn redraw(workspace: &Workspace, quick: bool) -> Result<()> {
    let results = Results::read(&folder(workspace, quick).join(FIGURES))?;
    write(workspace, &results, quick)
}

const FIGURES: &str = "peers.json";

fn folder(workspace: &Workspace, quick: bool) -> PathBuf {
    if quick { super::folder(workspace).join("cost") } else { workspace.root().join("docs/cost") }
}

fn write(workspace: &Workspace, results: &Results, quick: bool) -> Result<()> {
    let folder = folder(workspace, quick);
    let tables = table::markdown(results);
    print!("{tables}");
    let texts = [("peers.md", tables), (FIGURES, results.json()?)];
    for (name, text) in chart::all(results)?.into_iter().chain(texts) {
        output::write(workspace, &folder.join(name), &text)?;
    }
    println!("tables and charts: {}", folder.display());
    Ok(())
}
