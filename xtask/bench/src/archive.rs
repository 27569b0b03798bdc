//! Packages of the Debian archive, unpacked into a separate folder. Nothing is installed.

use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use xtask::{command::Run as _, debian::apt::Apt};

/// The first release with all of the packages.
const SUITE: &str = "trixie";

/// The folder of the packages' files.
pub(super) fn root(folder: &Path) -> PathBuf {
    folder.join("root")
}

/// Unpacks a package and all that it depends on, the C library too.
pub(super) fn unpack(folder: &Path, package: &str) -> Result<()> {
    let apt = Apt::new(folder, SUITE)?;
    apt.update()?;
    apt.get().args(["install", "--download-only", "--no-install-recommends", "--yes", package]).run()?;
    for file in files(folder)? {
        Command::new("dpkg").arg("--extract").arg(file).arg(root(folder)).run()?;
    }
    Ok(())
}

/// The version of a package that was unpacked.
pub(super) fn version(folder: &Path, package: &str) -> Result<String> {
    let prefix = format!("{package}_");
    let file = files(folder)?
        .into_iter()
        .find(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)));
    let file = file.with_context(|| format!("there is no {prefix}*.deb below {}", folder.display()))?;
    Ok(Command::new("dpkg-deb").arg("--field").arg(file).arg("Version").read()?.trim().to_owned())
}

/// The packages that were fetched.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let downloads = folder.join("cache/archives");
    let unreadable = || format!("cannot read {}", downloads.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&downloads).with_context(unreadable)? {
        let file = entry.with_context(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            files.push(file);
        }
    }
    Ok(files)
}
