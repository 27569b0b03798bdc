//! Builds everything and runs the main job.

use anyhow::{Context as _, Result};
use std::{ffi::OsString, os::unix::process::CommandExt as _};
use xtask::{build::build, command::cannot_start, privilege::Privilege, workspace::Workspace};

/// Becomes `profiler run`: its exit status and the signals of the terminal are then its own. Returns only
/// when it could not be started.
pub(crate) fn run(workspace: &Workspace, args: &[OsString]) -> Result<()> {
    let privilege = Privilege::find("`profiler run`")?;
    build(workspace)?;
    let mut profiler = privilege.command(&workspace.release().join("profiler"), &[]);
    profiler.arg("run").args(args);
    Err(profiler.exec()).with_context(|| cannot_start(&profiler))
}
