//! The peers that the profiler is measured against: from this machine if they are installed, else unpacked from the
//! Debian archive below the target folder.

use super::{archive, found::Found};
use anyhow::{Context as _, Result, ensure};
use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};
use xtask::{command::Run as _, workspace::Workspace};

/// The folders of system programs, which not every user's PATH names.
const SYSTEM_PROGRAMS: &str = "/usr/sbin";

/// A file of a Debian package.
pub(super) struct Peer {
    /// Its name.
    pub(super) name: &'static str,
    /// The package that holds it.
    package: &'static str,
    /// Its folder in the package.
    folder: &'static str,
    /// True if it is a program, to be started with the libraries of its own release.
    is_program: bool,
}

const fn program(name: &'static str, package: &'static str, folder: &'static str) -> Peer {
    Peer { name, package, folder, is_program: true }
}

/// Run-queue latency, from libbpf-tools.
pub(super) const RUNQLAT: Peer = program("runqlat-libbpf", "libbpf-tools", "usr/sbin");
/// Time on a CPU, and with `-O` off it.
pub(super) const CPUDIST: Peer = program("cpudist-libbpf", "libbpf-tools", "usr/sbin");
/// Stacks of blocked threads.
pub(super) const OFFCPUTIME: Peer = program("offcputime-libbpf", "libbpf-tools", "usr/sbin");
/// Runs scripts.
pub(super) const BPFTRACE: Peer = program("bpftrace", "bpftrace", "usr/bin");
/// The script for run-queue latency.
pub(super) const RUNQLAT_BT: Peer =
    Peer { name: "runqlat.bt", package: "bpftrace", folder: "usr/sbin", is_program: false };
/// The kernel's own profiler.
pub(super) const PERF: Peer = program("perf", "linux-perf", "usr/bin");

/// All of them.
pub(super) const ALL: [&Peer; 6] = [&RUNQLAT, &CPUDIST, &OFFCPUTIME, &BPFTRACE, &RUNQLAT_BT, &PERF];

/// The command that installs all of them.
pub(super) fn advice() -> String {
    format!("`apt install {}`", packages().join(" "))
}

/// The peers that are there, with their versions: a package each.
pub(super) fn versions(workspace: &Workspace, found: &Found) -> Vec<String> {
    let version = |package: &&'static str| {
        let mut peers = ALL.into_iter().filter(|peer| peer.package == *package);
        let path = peers.find_map(|peer| found.path(peer.name).ok())?;
        let folder = folder(workspace);
        let version = if path.starts_with(&folder) {
            archive::version(&folder, package)
        } else {
            Command::new("dpkg-query").args(["--show", "--showformat=${Version}", package]).read()
        };
        Some(format!("{package} {}", version.unwrap_or_else(|_error| "of unknown version".to_owned())))
    };
    packages().iter().filter_map(version).collect()
}

fn packages() -> Vec<&'static str> {
    let mut packages: Vec<&str> = ALL.iter().map(|peer| peer.package).collect();
    packages.dedup();
    packages
}

/// The folder in which those are unpacked that are not installed.
fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("peers")
}

impl Peer {
    /// The path of the peer; fetches it if it is nowhere.
    pub(super) fn find(&self, workspace: &Workspace) -> Result<PathBuf> {
        if let Some(installed) = self.installed() {
            return Ok(installed);
        }
        let folder = folder(workspace);
        let unpacked = archive::root(&folder).join(self.folder).join(self.name);
        if !unpacked.is_file() {
            println!("{}: unpacking {} below {}", self.name, self.package, folder.display());
            archive::unpack(&folder, self.package).with_context(|| {
                format!(
                    "{} is not installed (`apt install {}`), and could not be fetched",
                    self.name, self.package
                )
            })?;
            ensure!(unpacked.is_file(), "the package {} does not hold {}", self.package, unpacked.display());
        }
        if self.is_program { self.starter(&folder) } else { Ok(unpacked) }
    }

    fn installed(&self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .chain([PathBuf::from(SYSTEM_PROGRAMS)])
            .map(|folder| folder.join(self.name))
            .find(|file| file.is_file())
    }

    /// A script with the name of the program, which starts it with the libraries that were unpacked beside it: those
    /// of this machine may be older than it needs. A checkout may be moved.
    fn starter(&self, folder: &Path) -> Result<PathBuf> {
        let starter = folder.join(self.name);
        let script = format!(
            "#!/bin/sh\n\
             root=$(dirname \"$(readlink -f \"$0\")\")/root\n\
             exec \"$root/usr/lib64/ld-linux-x86-64.so.2\" --library-path \"$root/usr/lib/x86_64-linux-gnu\" \
             \"$root/{}/{}\" \"$@\"\n",
            self.folder, self.name
        );
        let partial = starter.with_extension("partial");
        fs::write(&partial, script)
            .and_then(|()| fs::set_permissions(&partial, fs::Permissions::from_mode(0o755)))
            .and_then(|()| fs::rename(&partial, &starter))
            .with_context(|| format!("cannot make {}", starter.display()))?;
        Ok(starter)
    }
}
