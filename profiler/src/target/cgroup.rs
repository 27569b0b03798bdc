//! Control groups: where one is, and which processes are in it.

use super::select;
use crate::mounts::mounts;
use anyhow::{Context, Result, bail};
use procfs_core::process::MountInfo;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// The usual mount points of hierarchies.
const ROOT: &str = "/sys/fs/cgroup";

/// Is there where systemd runs (sd_booted(3)).
const SYSTEMD: &str = "/run/systemd/system";

/// The file that lists a group's processes.
const PROCESSES: &str = "cgroup.procs";

/// The file that lists a group's threads, in version 2.
const THREADS: &str = "cgroup.threads";

/// The file that says which of both a group has, in version 2.
const TYPE: &str = "cgroup.type";

/// Endings of a unit's name that has processes; one without any is a service.
const UNITS: [&str; 4] = [".service", ".scope", ".slice", ".socket"];

/// A hierarchy of control groups, or a part of one, that is mounted.
struct Mounted {
    at: PathBuf,
    /// Its top folder, as /proc/PID/cgroup would show it: in a control group namespace from its own top on, which may lie
    /// below (`/..`).
    top: PathBuf,
    /// True of version 2, and of systemd's own of version 1: every process is in one of its groups.
    knows_all: bool,
}

/// The folder of a control group: a path below where they are mounted, whole or relative, or what /proc/PID/cgroup shows.
///
/// # Errors
/// If there is none.
pub(super) fn folder(path: &Path) -> Result<PathBuf> {
    check_path(path)?;
    resolve(path, &mounted(), |folder| folder.join(PROCESSES).is_file())
}

/// # Errors
/// If a path can never be one of a control group.
pub(super) fn check_path(path: &Path) -> Result<()> {
    if path.as_os_str().is_empty() {
        bail!("the path of a control group is empty; / is all groups");
    }
    if path.components().any(|part| part == Component::ParentDir) {
        bail!(
            "--cgroup {}: write the path without .. (/proc/PID/cgroup shows it of a group outside of this control group \
             namespace: call the profiler outside of it, nsenter --cgroup)",
            path.display()
        );
    }
    Ok(())
}

fn resolve(path: &Path, mounted: &[Mounted], is_group: impl Fn(&Path) -> bool) -> Result<PathBuf> {
    // Those that are in all hierarchies mean the same processes only in those that know all.
    for knows_all in [true, false] {
        let mounts = mounted.iter().filter(|mount| mount.knows_all == knows_all);
        let mut found: Vec<PathBuf> =
            mounts.flat_map(|mount| mount.candidates(path)).filter(|folder| is_group(folder)).collect();
        found.sort_unstable();
        found.dedup();
        match found.as_slice() {
            [] => {}
            [several @ .., _] if !knows_all && !several.is_empty() => bail!(
                "{} is a group of several hierarchies: choose one by its whole path, {}",
                path.display(),
                listed(&found)
            ),
            [first, ..] => return Ok(first.clone()),
        }
    }
    let hidden = mounted.iter().find(|mount| mount.top.starts_with("/..") && path.is_absolute());
    let hint = hidden.map_or_else(String::new, |mount| {
        format!(
            "; {} shows groups outside of this control group namespace, so that paths of /proc/PID/cgroup do not lead \
             there: write the group's whole path below it",
            mount.at.display()
        )
    });
    let roots: Vec<PathBuf> = mounted.iter().map(|mount| mount.at.clone()).collect();
    bail!(
        "there is no control group {} (a folder of {}, or what /proc/PID/cgroup shows of a process){hint}",
        path.display(),
        listed(&roots)
    )
}

impl Mounted {
    /// Folders that a group would have, by each meaning of its path.
    fn candidates(&self, path: &Path) -> Vec<PathBuf> {
        if path.starts_with(&self.at) {
            return vec![path.to_owned()];
        }
        if path.is_absolute() {
            return path.strip_prefix(&self.top).map(|below| self.at.join(below)).into_iter().collect();
        }
        // Of version 1 the hierarchy itself is the path's first part.
        let whole = Some(Path::new(ROOT).join(path)).filter(|whole| whole.starts_with(&self.at));
        whole.into_iter().chain([self.at.join(path)]).collect()
    }
}

/// The folder of a systemd unit's control group.
///
/// # Errors
/// If there is none, or more than one.
pub(super) fn of_unit(name: &str) -> Result<PathBuf> {
    check_unit(name)?;
    let folder = unit_folder(name);
    let roots = roots();
    let found = roots.iter().map(|root| folders_named(root, &folder)).find(|found| !found.is_empty());
    match found.as_deref() {
        Some([only]) => Ok(only.clone()),
        Some(several) => {
            bail!("{folder} is a unit of several managers: choose one with --cgroup, {}", listed(several))
        }
        None => bail!(
            "no unit {folder} runs: no folder below {} has that name ({})",
            listed(&roots),
            if Path::new(SYSTEMD).is_dir() {
                "systemctl list-units shows those that do"
            } else {
                "systemd does not run here, which makes units: choose with --pid, --name or --cgroup"
            }
        ),
    }
}

/// # Errors
/// If a name can never be one of a unit.
pub(super) fn check_unit(name: &str) -> Result<()> {
    if name.is_empty() || name.contains('/') {
        bail!(
            "--unit {name:?} is not the name of a unit, such as nginx or nginx.service; --cgroup takes paths"
        );
    }
    Ok(())
}

fn unit_folder(name: &str) -> String {
    if UNITS.iter().any(|unit| name.ends_with(unit)) { name.to_owned() } else { format!("{name}.service") }
}

/// Members of a control group.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Members {
    /// The processes of the group and of those below it, in the order of their numbers. Of a threaded group (`cgroup.type`)
    /// those that have a thread in it.
    pub(crate) pids: BTreeSet<u32>,
    /// Number of threads in a threaded group; absent for others, which have whole processes.
    pub(crate) threads: Option<usize>,
}

impl Members {
    /// For the user of a threaded group, of which more is chosen than is in it.
    pub(crate) fn note(&self, folder: &Path) -> Option<String> {
        let threads = self.threads?;
        let all = |pid: &u32| fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
        let all: usize = self.pids.iter().map(all).sum();
        Some(format!(
            "the control group {} is threaded: {threads} of the {all} threads of its processes are in it, and the whole \
             processes are recorded",
            folder.display()
        ))
    }
}

/// The numbers in a file of a group, or in those of all groups below it too.
#[derive(Default)]
struct Listed {
    numbers: BTreeSet<u32>,
    /// Lines without a number: in another pid namespace.
    hidden: usize,
}

/// Members of a group and of those below it.
///
/// # Errors
/// If it can't be read.
pub(super) fn members(folder: &Path) -> Result<Members> {
    let is_threaded = is_threaded(folder)?;
    let file = if is_threaded { THREADS } else { PROCESSES };
    let mut all = Listed::default();
    for folder in all_below(folder) {
        let Listed { numbers, hidden } = numbers(&folder.join(file))?;
        all.numbers.extend(numbers);
        all.hidden += hidden;
    }
    if all.numbers.is_empty() && all.hidden > 0 {
        bail!(
            "the processes of {} are in another pid namespace, where this profiler can't see them: call it there \
             (nsenter), or outside of its container",
            folder.display()
        );
    }
    if !is_threaded {
        return Ok(Members { pids: all.numbers, threads: None });
    }
    let process = |thread: &u32| select::of_status(*thread, "Tgid:")?.parse().ok();
    let processes: Vec<u32> = all.numbers.iter().filter_map(process).collect();
    Ok(Members { threads: Some(processes.len()), pids: processes.into_iter().collect() })
}

/// True of a group that has threads and no processes: these belong to a group further up (`cgroup_procs_start`,
/// kernel/cgroup/cgroup.c).
fn is_threaded(folder: &Path) -> Result<bool> {
    match fs::read_to_string(folder.join(TYPE)) {
        Ok(kind) => Ok(kind.trim() == "threaded"),
        // Of version 1, or the topmost: neither has a type.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) if error.raw_os_error() == Some(nix::libc::ENODEV) => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot read the type of {}", folder.display())),
    }
}

fn numbers(file: &Path) -> Result<Listed> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        // Of threads, below a group that lists their processes. Or it has just been removed.
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error)
            if [nix::libc::EOPNOTSUPP, nix::libc::ENODEV].map(Some).contains(&error.raw_os_error()) =>
        {
            String::new()
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    let all = text.lines().filter_map(|line| line.trim().parse::<u32>().ok());
    let (without_number, numbers): (Vec<u32>, Vec<u32>) = all.partition(|&number| number == 0);
    Ok(Listed { numbers: numbers.into_iter().collect(), hidden: without_number.len() })
}

/// Roots of the hierarchies that know every process.
fn roots() -> Vec<PathBuf> {
    mounted().into_iter().filter(|mount| mount.knows_all).map(|mount| mount.at).collect()
}

/// All hierarchies: of version 2 first, then systemd's own of version 1, then the others.
fn mounted() -> Vec<Mounted> {
    let is_systemd = |mount: &MountInfo| {
        mount.super_options.get("name").is_some_and(|name| name.as_deref() == Some("systemd"))
    };
    let order = |mount: &MountInfo| match mount.fs_type.as_str() {
        "cgroup2" => Some(0),
        "cgroup" if is_systemd(mount) => Some(1),
        "cgroup" => Some(2),
        _ => None,
    };
    let mounts = mounts(Path::new("/")).into_iter();
    let mut mounts: Vec<(u8, MountInfo)> = mounts.filter_map(|mount| Some((order(&mount)?, mount))).collect();
    mounts.sort_by_key(|(order, _)| *order);
    let mounted = |(order, mount): (u8, MountInfo)| Mounted {
        at: mount.mount_point,
        top: PathBuf::from(mount.root),
        knows_all: order < 2,
    };
    mounts.into_iter().map(mounted).collect()
}

fn folders_named(root: &Path, name: &str) -> Vec<PathBuf> {
    all_below(root).into_iter().filter(|folder| folder.file_name().is_some_and(|own| own == name)).collect()
}

/// A folder and all below it; those that can't be read are passed over.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    let mut next = 0;
    while let Some(folder) = found.get(next) {
        let inside = fs::read_dir(folder).into_iter().flatten().flatten();
        let folders: Vec<PathBuf> = inside
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .collect();
        found.extend(folders);
        next += 1;
    }
    found
}

fn listed(paths: &[PathBuf]) -> String {
    if paths.is_empty() {
        return ROOT.to_owned();
    }
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
