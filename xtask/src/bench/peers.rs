//! `runqlat`, the peer that the profiler is measured against: from this machine if it is installed, else
//! unpacked from the Debian archive below the target folder. Nothing is installed.

use super::mirror;
use crate::{command::Run as _, workspace::Workspace};
use anyhow::{Context as _, Result, ensure};
use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

const PROGRAM: &str = "runqlat-libbpf";

/// The release that first has the package.
const SUITE: &str = "trixie";

/// The tool, and the C library with all else it is linked to: those of this machine may be older than it needs.
const PACKAGES: [&str; 5] = ["libbpf-tools", "libc6", "libelf1t64", "libzstd1", "zlib1g"];

/// Signs the archive (package `debian-archive-keyring`); its name has changed between releases.
const KEYRINGS: [&str; 2] =
    ["/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg"];

/// Where system programs are, which not every user's PATH names.
const SYSTEM_PROGRAMS: &str = "/usr/sbin";

/// The path of the program.
pub(super) fn runqlat(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(installed) = installed() {
        return Ok(installed);
    }
    let folder = workspace.target().join("peers");
    let program = folder.join(PROGRAM);
    if !program.is_file() {
        println!("{PROGRAM}: unpacking it below {}", folder.display());
        fetch(&folder).with_context(|| {
            format!("{PROGRAM} is not installed (package libbpf-tools), and could not be fetched")
        })?;
        write_starter(&folder, &program)?;
    }
    Ok(program)
}

fn installed() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([PathBuf::from(SYSTEM_PROGRAMS)])
        .map(|folder| folder.join(PROGRAM))
        .find(|program| program.is_file())
}

/// Unpacks the packages, with an apt that has its own sources, lists and cache.
fn fetch(folder: &Path) -> Result<()> {
    let keyring = KEYRINGS
        .into_iter()
        .find(|keyring| Path::new(keyring).is_file())
        .with_context(|| format!("there is no {}: install debian-archive-keyring", KEYRINGS[0]))?;
    let mirror = mirror::find()?;
    let packages = folder.join("packages");
    for needed in
        [folder.join("state/lists/partial"), folder.join("cache/archives/partial"), packages.clone()]
    {
        fs::create_dir_all(&needed).with_context(|| format!("cannot create {}", needed.display()))?;
    }
    write(&folder.join("state/status"), "")?;
    write(&folder.join("peers.list"), &format!("deb [signed-by={keyring}] {mirror} {SUITE} main\n"))?;
    write(&folder.join("apt.conf"), &configuration(folder))?;

    apt(folder).args(["--quiet", "--quiet", "update"]).run()?;
    apt(folder).current_dir(&packages).args(["--quiet", "--quiet", "download"]).args(PACKAGES).run()?;
    for entry in fs::read_dir(&packages).with_context(|| format!("cannot read {}", packages.display()))? {
        let package = entry.with_context(|| format!("cannot read {}", packages.display()))?.path();
        Command::new("dpkg").arg("--extract").arg(package).arg(root(folder)).run()?;
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
    apt.arg("--config-file").arg(folder.join("apt.conf"));
    apt
}

fn root(folder: &Path) -> PathBuf {
    folder.join("root")
}

/// A script with the name of the program, which starts it with the libraries that were unpacked beside it.
fn write_starter(folder: &Path, starter: &Path) -> Result<()> {
    let root = root(folder);
    let loader = root.join("usr/lib64/ld-linux-x86-64.so.2");
    let program = root.join("usr/sbin").join(PROGRAM);
    for unpacked in [&loader, &program] {
        ensure!(unpacked.is_file(), "the packages of {SUITE} do not hold {}", unpacked.display());
    }
    let script = format!(
        "#!/bin/sh\nexec '{}' --library-path '{}/usr/lib/x86_64-linux-gnu' '{}' \"$@\"\n",
        loader.display(),
        root.display(),
        program.display()
    );
    let partial = starter.with_extension("partial");
    write(&partial, &script)?;
    fs::set_permissions(&partial, fs::Permissions::from_mode(0o755))
        .and_then(|()| fs::rename(&partial, starter))
        .with_context(|| format!("cannot make {}", starter.display()))
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
