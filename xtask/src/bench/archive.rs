//! Packages of the Debian archive, unpacked into a folder of their own. Nothing is installed.

use super::mirror;
use crate::command::Run as _;
use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The release that first has all of the packages.
const SUITE: &str = "trixie";

/// Signs the archive (package `debian-archive-keyring`); its name has changed between releases.
const KEYRINGS: [&str; 2] =
    ["/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg"];

/// Where the files of the packages are.
pub(super) fn root(folder: &Path) -> PathBuf {
    folder.join("root")
}

/// Unpacks a package and all that it depends on, the C library too, with an apt that has its own sources, lists,
/// cache and record of what is installed (nothing).
pub(super) fn unpack(folder: &Path, package: &str) -> Result<()> {
    let keyring = KEYRINGS
        .into_iter()
        .find(|keyring| Path::new(keyring).is_file())
        .with_context(|| format!("there is no {}: install debian-archive-keyring", KEYRINGS[0]))?;
    let mirror = mirror::find()?;
    let downloads = folder.join("cache/archives");
    for needed in [folder.join("state/lists/partial"), downloads.join("partial")] {
        fs::create_dir_all(&needed).with_context(|| format!("cannot create {}", needed.display()))?;
    }
    write(&folder.join("state/status"), "")?;
    write(&folder.join("peers.list"), &format!("deb [signed-by={keyring}] {mirror} {SUITE} main\n"))?;
    write(&folder.join("apt.conf"), &configuration(folder))?;

    apt(folder).arg("update").run()?;
    apt(folder).args(["install", "--download-only", "--no-install-recommends", "--yes", package]).run()?;
    for entry in fs::read_dir(&downloads).with_context(|| format!("cannot read {}", downloads.display()))? {
        let file = entry.with_context(|| format!("cannot read {}", downloads.display()))?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            Command::new("dpkg").arg("--extract").arg(file).arg(root(folder)).run()?;
        }
    }
    Ok(())
}

/// Read after the machine's own configuration, whose proxies stay; its hooks, which would work on the machine's
/// own cache, do not.
fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "#clear APT::Update::Pre-Invoke;\n\
         #clear APT::Update::Post-Invoke;\n\
         #clear APT::Update::Post-Invoke-Success;\n\
         APT::Sandbox::User \"root\";\n\
         Acquire::Languages \"none\";\n\
         Dir::State \"{folder}/state\";\n\
         Dir::State::status \"{folder}/state/status\";\n\
         Dir::Cache \"{folder}/cache\";\n\
         Dir::Etc::SourceList \"{folder}/peers.list\";\n\
         Dir::Etc::SourceParts \"-\";\n"
    )
}

fn apt(folder: &Path) -> Command {
    let mut apt = Command::new("apt-get");
    apt.arg("--config-file").arg(folder.join("apt.conf")).args(["--quiet", "--quiet"]);
    apt
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
