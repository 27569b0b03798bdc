//! Readers of metrics: a Prometheus that scrapes, and a receiver of OTLP.

use super::scripts;
use anyhow::Result;
use std::{path::Path, process::Command};
use xtask::{build::Object, command::Run as _, workspace::Workspace};

/// Shows made-up intervals to them, and compares what they found.
pub(super) fn check(workspace: &Workspace, object: &Object, python: &Path, made: &Path) -> Result<()> {
    // With the packages of the main build, so that cargo takes the libraries that it built there.
    object
        .cargo(workspace)
        .args(["build", "--release", "--package", "profiler", "--package", "workloads"])
        .args(["--example", "metrics_source"])
        .run()?;
    // Without -B it would leave compiled scripts among the sources.
    Command::new(python)
        .arg("-B")
        .arg(scripts(workspace).join("metrics/check.py"))
        .arg(workspace.release().join("examples/metrics_source"))
        .arg(workspace.root().join("packaging/grafana/profiler.json"))
        .arg(made.join("metrics"))
        .run()
}
