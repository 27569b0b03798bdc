//! The stores of several simulated hosts, read by SQL engines as `docs/store.md` says.

use super::scripts;
use anyhow::{Context as _, Result};
use std::{fs, path::Path, process::Command};
use xtask::{command::Run as _, workspace::Workspace};

/// Writes the stores and holds what is found in them against what the profiler itself makes of the histograms.
pub(super) fn check(workspace: &Workspace, made: &Path, python: &Path) -> Result<()> {
    let folder = made.join("fleet");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut fleet = workspace.cargo();
    fleet.args(["run", "--quiet", "--release", "--package", "profiler", "--example", "fleet", "--"]);
    fleet.arg(&folder).run()?;
    let mut check = Command::new(python);
    check
        .arg("-B")
        .arg(scripts(workspace).join("fleet.py"))
        .arg(folder)
        .arg(workspace.root().join("docs/store.md"));
    check.run()
}
