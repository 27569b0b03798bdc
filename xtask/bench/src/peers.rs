//! The profiler's peers: from this machine if installed, else unpacked from the Debian archive below the target
//! folder.

use super::{archive, found::Found};
use anyhow::{Context as _, Result, ensure};
use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};
use xtask::{command::Run as _, workspace::Workspace};

/// The folder of system programs, which not every PATH has.
const SYSTEM_PROGRAMS: &str = "/usr/sbin";

/// A file of a Debian package.
pub(super) struct Peer {
    /// Its name.
    pub(super) name: &'static str,
    /// The package that holds it.
    package: &'static str,
    /// Its folder in the package.
    folder: &'static str,
    /// True for a program, to be started with the libraries of its release.
    is_program: bool,
}

const fn program(name: &'static str, package: &'static str, folder: &'static str) -> Peer {
    Peer { name, package, folder, is_program: true }
}

/// Run-queue latency, from libbpf-tools.
pub(super) const RUNQLAT: Peer = program("runqlat-libbpf", "libbpf-tools", "usr/sbin");
/// Time on a CPU, or off it with `-O`.
pub(super) const CPUDIST: Peer = program("cpudist-libbpf", "libbpf-tools", "usr/sbin");
/// Off-CPU time by stack.
pub(super) const OFFCPUTIME: Peer = program("offcputime-libbpf", "libbpf-tools", "usr/sbin");
/// The interpreter of bpftrace scripts.
pub(super) const BPFTRACE: Peer = program("bpftrace", "bpftrace", "usr/bin");
/// bpftrace's script for run-queue latency.
pub(super) const RUNQLAT_BT: Peer =
    Peer { name: "runqlat.bt", package: "bpftrace", folder: "usr/sbin", is_program: false };
/// The kernel's own profiler.
pub(super) const PERF: Peer = program("perf", "linux-perf", "usr/bin");

/// All peers.
pub(super) const ALL: [&Peer; 6] = [&RUNQLAT, &CPUDIST, &OFFCPUTIME, &BPFTRACE, &RUNQLAT_BT, &PERF];

/// The command that installs all peers.
pub(super) fn advice() -> String {
    format!("`apt install {}`", packages().join(" "))
}

/// The versions of the available peers, one for each package.
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

/// The folder of unpacked packages.
fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("peers")
}

impl Peer {
    /// The path of the peer, fetched if it is not installed.
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

    /// Writes a script that starts the program with its unpacked libraries: those of this machine may be older.
    /// Paths are relative, since a checkout may be moved.
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
