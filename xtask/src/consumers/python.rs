//! The readers that are written in Python, in a folder of their own.

use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use xtask::{command::Run as _, workspace::write_if_changed};

/// Makes a virtual environment with exactly these packages, unless there is one. Returns its interpreter.
pub(super) fn install(folder: &Path, requirements: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let installed = folder.join("requirements.txt");
    let wanted = fs::read(requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    if fs::read(&installed).is_ok_and(|present| present == wanted) {
        return Ok(python);
    }
    println!("installing the Python packages of {}", requirements.display());
    Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder).run()?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--requirement"]);
    pip.arg(requirements).run()?;
    // Last, so that what was installed in part is never taken for whole.
    write_if_changed(&installed, &wanted)?;
    Ok(python)
}
