//! Packages of the Debian archive, unpacked into a folder of their own. Nothing is installed.

use crate::{command::Run as _, debian::apt::Apt};
use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The release that first has all of the packages.
const SUITE: &str = "trixie";

/// Where the files of the packages are.
pub(super) fn root(folder: &Path) -> PathBuf {
    folder.join("root")
}

/// Unpacks a package and all that it depends on, the C library too.
pub(super) fn unpack(folder: &Path, package: &str) -> Result<()> {
    let apt = Apt::new(folder, SUITE)?;
    apt.update()?;
    apt.get().args(["install", "--download-only", "--no-install-recommends", "--yes", package]).run()?;
    let downloads = folder.join("cache/archives");
    for entry in fs::read_dir(&downloads).with_context(|| format!("cannot read {}", downloads.display()))? {
        let file = entry.with_context(|| format!("cannot read {}", downloads.display()))?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            Command::new("dpkg").arg("--extract").arg(file).arg(root(folder)).run()?;
        }
    }
    Ok(())
}
