//! Output files of the measuring half. It runs as root; the files are given to the user who built, for later
//! removal.

use anyhow::{Context as _, Result};
use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::Path,
};
use xtask::workspace::Workspace;

/// Writes a file, creating missing folders.
pub(super) fn write(workspace: &Workspace, file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        make(workspace, folder)?;
    }
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    hand_over(workspace, file)
}

fn make(workspace: &Workspace, folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make(workspace, parent)?;
    }
    fs::create_dir(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    hand_over(workspace, folder)
}

/// Gives a file to the owner of cargo's target folder.
fn hand_over(workspace: &Workspace, path: &Path) -> Result<()> {
    let target = workspace.target();
    let owner = fs::metadata(&target).with_context(|| format!("cannot look at {}", target.display()))?;
    chown(path, Some(owner.uid()), Some(owner.gid()))
        .with_context(|| format!("cannot hand over {}", path.display()))
}
