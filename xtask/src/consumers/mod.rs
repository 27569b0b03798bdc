//! Checks every export and figure against programs that others wrote: what read, compile and show such files. They are
//! handed the exports of the golden profiles and of fresh recordings; what they find must be what the profiles say.
//! Likewise the metrics: what scrapes them and what they are pushed to must find what was recorded.
//!
//! [`python`] brings the readers that are not Debian's, [`case`] makes the files, and the scripts in `profiler/tests/consumers` hold them
//! against the profiles; [`metrics`] is for what is not a file.

mod case;
mod fleet;
mod metrics;
mod python;

use anyhow::{Context as _, Result, ensure};
use case::Case;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use xtask::{
    build::build,
    command::Run as _,
    packages::{self, Consent},
    privilege::Privilege,
    workspace::Workspace,
};

/// `cargo xtask test --consumers`
pub(crate) fn consumers(workspace: &Workspace, consent: &Consent) -> Result<()> {
    packages::bring("`cargo xtask test --consumers`", packages::CONSUMERS, consent)?;
    let privilege = Privilege::find("`cargo xtask test --consumers`")?;
    let folder = workspace.target().join("consumers");
    let python = python::install(&folder.join("python"), &scripts(workspace).join("requirements.txt"))?;
    let object = build(workspace)?;

    let made = folder.join("exports");
    if made.exists() {
        fs::remove_dir_all(&made).with_context(|| format!("cannot remove {}", made.display()))?;
    }
    let cases = [
        case::golden(workspace, &made)?,
        case::comparison(workspace, &made, privilege)?,
        case::odd_names(workspace, &made, privilege, &python)?,
    ];
    // Every case is checked, so that all that is wrong is told.
    let mut failed = Vec::new();
    for case in &cases {
        println!("{}:", case.name);
        if let Err(error) = check(workspace, &python, case) {
            println!("  {error:#}");
            failed.push(case.name);
        }
    }
    println!("metrics:");
    if let Err(error) = metrics::check(workspace, &object, &python, &made) {
        println!("  {error:#}");
        failed.push("metrics");
    }
    println!("fleet:");
    if let Err(error) = fleet::check(workspace, &made, &python) {
        println!("  {error:#}");
        failed.push("fleet");
    }
    ensure!(failed.is_empty(), "what readers found is not what was recorded: {}", failed.join(", "));
    println!("Every reader found what was recorded.");
    Ok(())
}

/// The checks that are written in Python.
fn scripts(workspace: &Workspace) -> PathBuf {
    workspace.root().join("profiler/tests/consumers")
}

fn check(workspace: &Workspace, python: &Path, case: &Case) -> Result<()> {
    case.make(workspace)?;
    // Without -B it would leave compiled scripts among the sources.
    let mut check = Command::new(python);
    check.arg("-B").arg(scripts(workspace).join("check.py")).arg(&case.folder).args(&case.profiles);
    check.run()
}
