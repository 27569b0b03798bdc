//! Control groups: where one is, and which processes are in it.

use crate::mounts::mounts;
use anyhow::{Context, Result, bail};
use procfs_core::process::MountInfo;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// Where hierarchies are mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// Is there where systemd runs (sd_booted(3)).
const SYSTEMD: &str = "/run/systemd/system";

/// The file that lists a group's processes.
const PROCESSES: &str = "cgroup.procs";

/// Endings of a unit's name that has processes; one without any is a service.
const UNITS: [&str; 4] = [".service", ".scope", ".slice", ".socket"];

/// The folder of a control group: absolute, or as /proc/PID/cgroup shows it, or relative to where they are mounted.
///
/// # Errors
/// If there is none.
pub(super) fn folder(path: &Path) -> Result<PathBuf> {
    if path.components().any(|part| part == Component::ParentDir) {
        bail!("--cgroup {}: write the path without ..", path.display());
    }
    let roots = roots();
    let below = path.strip_prefix("/").unwrap_or(path);
    let inside = roots.iter().map(|root| root.join(below));
    let absolute = path.starts_with(ROOT).then(|| path.to_owned());
    let found = absolute.into_iter().chain(inside).find(|folder| folder.join(PROCESSES).is_file());
    found.with_context(|| {
        format!(
            "there is no control group {} (a folder of {}, or what /proc/PID/cgroup shows of a process)",
            path.display(),
            listed(&roots)
        )
    })
}

/// The folder of a systemd unit's control group.
///
/// # Errors
/// If there is none, or more than one.
pub(super) fn of_unit(name: &str) -> Result<PathBuf> {
    if name.is_empty() || name.contains('/') {
        bail!(
            "--unit {name:?} is not the name of a unit, such as nginx or nginx.service; --cgroup takes paths"
        );
    }
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

fn unit_folder(name: &str) -> String {
    if UNITS.iter().any(|unit| name.ends_with(unit)) { name.to_owned() } else { format!("{name}.service") }
}

/// The processes of a group and of those below it, in the order of their numbers.
///
/// # Errors
/// If they can't be read.
pub(super) fn pids(folder: &Path) -> Result<BTreeSet<u32>> {
    let mut pids = BTreeSet::new();
    let mut hidden = 0;
    for folder in all_below(folder) {
        let file = folder.join(PROCESSES);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            // Of threads (cgroup.type): their processes are listed further up. Or it has just been removed.
            Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::NotFound) => continue,
            Err(error) if error.raw_os_error() == Some(nix::libc::ENODEV) => continue,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        let (without_number, numbered): (BTreeSet<u32>, BTreeSet<u32>) =
            text.lines().filter_map(|line| line.trim().parse::<u32>().ok()).partition(|&pid| pid == 0);
        hidden += without_number.len();
        pids.extend(numbered);
    }
    if pids.is_empty() && hidden > 0 {
        bail!(
            "the processes of {} are in another pid namespace, where this profiler can't see them: call it there \
             (nsenter), or outside of its container",
            folder.display()
        );
    }
    Ok(pids)
}

/// Where the groups are that know every process: of version 2, else systemd's own of version 1.
fn roots() -> Vec<PathBuf> {
    let mounts = mounts(Path::new("/"));
    let of_type = |wanted: fn(&MountInfo) -> bool| {
        mounts.iter().filter(move |mount| wanted(mount)).map(|mount| mount.mount_point.clone())
    };
    let version_2 = of_type(|mount| mount.fs_type == "cgroup2");
    let systemd = of_type(|mount| {
        mount.fs_type == "cgroup"
            && mount.super_options.get("name").is_some_and(|name| name.as_deref() == Some("systemd"))
    });
    version_2.chain(systemd).collect()
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
mod tests {
    use super::*;

    #[test]
    fn a_group_is_read_with_those_below_it() {
        let root = tempfile::tempdir().unwrap();
        let group = |path: &str, processes: &str| {
            let folder = root.path().join(path);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(PROCESSES), processes).unwrap();
        };
        group("web.slice", "");
        group("web.slice/nginx.service", "30\n4\n");
        group("web.slice/nginx.service/below", "5\n0\n");
        group("other.slice/cron.service", "7\n");
        assert_eq!(pids(&root.path().join("web.slice")).unwrap(), [4, 5, 30].into());
        assert_eq!(
            folders_named(root.path(), "cron.service"),
            [root.path().join("other.slice/cron.service")]
        );
        assert!(folders_named(root.path(), "cron").is_empty());
    }

    #[test]
    fn processes_of_another_namespace_are_told_of() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(PROCESSES), "0\n0\n").unwrap();
        assert!(pids(folder.path()).unwrap_err().to_string().contains("pid namespace"));
    }

    #[test]
    fn a_unit_without_an_ending_is_a_service() {
        assert_eq!(unit_folder("nginx"), "nginx.service");
        assert_eq!(unit_folder("nginx.service"), "nginx.service");
        assert_eq!(unit_folder("session-1.scope"), "session-1.scope");
        assert_eq!(unit_folder("php8.2-fpm"), "php8.2-fpm.service");
    }

    #[test]
    fn what_is_no_group_or_unit_is_refused_with_a_way_out() {
        let said = folder(Path::new("no/such/group")).unwrap_err().to_string();
        assert!(said.contains("no/such/group") && said.contains("/proc/PID/cgroup"), "{said}");
        assert!(folder(Path::new("/sys/fs/cgroup/../../../etc")).unwrap_err().to_string().contains(".."));
        assert!(of_unit("no-such-unit-here").unwrap_err().to_string().contains("no-such-unit-here.service"));
        assert!(of_unit("system.slice/a.service").unwrap_err().to_string().contains("--cgroup"));
    }
}
