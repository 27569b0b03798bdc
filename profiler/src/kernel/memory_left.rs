//! The memory that the kernel would let this process have: what the machine has, or what is left in the tightest of
//! the control groups that the process is in. The kernel charges BPF maps to the group of whoever makes them (since
//! Linux 5.11, kernel/bpf/syscall.c `bpf_map_save_memcg`).

use crate::kernel_text::kibibytes;
use crate::mounts::mounts;
use model::profile::units::Bytes;
use procfs_core::process::MountInfo;
use procfs_core::{FromBufRead as _, ProcessCGroup, ProcessCGroups};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Memory, and what bounds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MemoryLeft {
    pub(super) left: Bytes,
    /// The folder of the control group that leaves least; absent if that is the machine itself.
    pub(super) group: Option<PathBuf>,
}

/// The files of a version's memory controller.
struct Files {
    limit: &'static str,
    used: &'static str,
    /// Lines of memory.stat: pages of files, which the kernel takes back when it needs the memory.
    reclaimable: [&'static str; 2],
}

const VERSION_1: Files = Files {
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    reclaimable: ["total_inactive_file ", "total_active_file "],
};

const VERSION_2: Files =
    Files { limit: "memory.max", used: "memory.current", reclaimable: ["inactive_file ", "active_file "] };

/// Reads the files below `root` (`/`, or a copy in tests). `None` if the kernel does not say.
pub(super) fn left(root: &Path) -> Option<MemoryLeft> {
    let machine = fs::read_to_string(root.join("proc/meminfo"))
        .ok()
        .and_then(|text| kibibytes(&text, "MemAvailable:"))
        .map(|left| MemoryLeft { left: Bytes(left), group: None });
    machine.into_iter().chain(of_groups(root)).min_by_key(|memory| memory.left)
}

/// The memory left in each control group of this process, those without a limit left out.
fn of_groups(root: &Path) -> Vec<MemoryLeft> {
    let mounts = mounts(root);
    let mut rooms = Vec::new();
    for group in own_groups(root) {
        let Some(files) = files_of(&group) else { continue };
        let is_its = |mount: &&MountInfo| match group.hierarchy {
            0 => mount.fs_type == "cgroup2",
            _ => mount.fs_type == "cgroup" && mount.super_options.contains_key("memory"),
        };
        let Some(mount) = mounts.iter().find(is_its) else { continue };
        let path = Path::new(&group.pathname);
        let inside = path.strip_prefix(&mount.root).unwrap_or(Path::new(""));
        for folder in inside.ancestors().map(|part| mount.mount_point.join(part)) {
            rooms.extend(of_group(root, &folder, files));
        }
    }
    rooms
}

fn files_of(group: &ProcessCGroup) -> Option<&'static Files> {
    match group.hierarchy {
        0 => Some(&VERSION_2),
        _ => group.controllers.iter().any(|controller| controller == "memory").then_some(&VERSION_1),
    }
}

/// The control groups that this process is in, one of each hierarchy; none if the kernel does not tell.
fn own_groups(root: &Path) -> Vec<ProcessCGroup> {
    File::open(root.join("proc/self/cgroup"))
        .ok()
        .and_then(|file| ProcessCGroups::from_buf_read(BufReader::new(file)).ok())
        .map_or_else(Vec::new, |ProcessCGroups(groups)| groups)
}

/// The memory left in one group; `None` if it has no limit.
fn of_group(root: &Path, folder: &Path, files: &Files) -> Option<MemoryLeft> {
    let below_root = root.join(folder.strip_prefix("/").unwrap_or(folder));
    let text = |name: &str| fs::read_to_string(below_root.join(name)).ok();
    let number = |name: &str| text(name)?.trim().parse::<u64>().ok();
    let (limit, used) = (number(files.limit)?, number(files.used)?);
    let stat = text("memory.stat").unwrap_or_default();
    let reclaimable = files.reclaimable.iter().filter_map(|label| {
        stat.lines().find_map(|line| line.strip_prefix(label))?.trim().parse::<u64>().ok()
    });
    let held = used.saturating_sub(reclaimable.fold(0, u64::saturating_add));
    Some(MemoryLeft { left: Bytes(limit.saturating_sub(held)), group: Some(folder.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal: 2048 kB\nMemAvailable: 1024 kB\n";

    /// A copy of the files that are read.
    fn machine(mountinfo: &str, cgroup: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let own =
            [("proc/meminfo", MEMINFO), ("proc/self/mountinfo", mountinfo), ("proc/self/cgroup", cgroup)];
        for (name, text) in own.iter().chain(files) {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    const TWO: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    const ONE: &str = "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

    #[test]
    fn without_a_limit_it_is_the_machines() {
        let root = machine(TWO, "0::/a\n", &[("sys/fs/cgroup/a/memory.max", "max\n")]);
        assert_eq!(left(root.path()), Some(MemoryLeft { left: Bytes(1 << 20), group: None }));
    }

    #[test]
    fn the_tightest_group_above_decides() {
        let files = [
            ("sys/fs/cgroup/a/memory.max", "500000\n"),
            ("sys/fs/cgroup/a/memory.current", "400000\n"),
            ("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 100000\nactive_file 50000\n"),
            ("sys/fs/cgroup/a/b/memory.max", "900000\n"),
            ("sys/fs/cgroup/a/b/memory.current", "400000\n"),
        ];
        let root = machine(TWO, "0::/a/b\n", &files);
        let group = Some(PathBuf::from("/sys/fs/cgroup/a"));
        assert_eq!(left(root.path()), Some(MemoryLeft { left: Bytes(250_000), group }));
    }

    #[test]
    fn version_1_is_read_too() {
        let files = [
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "300000\n"),
            ("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "100000\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "100000\n"),
        ];
        let root = machine(ONE, "4:memory:/a\n2:cpu:/a\n", &files);
        let group = Some(PathBuf::from("/sys/fs/cgroup/memory/a"));
        assert_eq!(left(root.path()), Some(MemoryLeft { left: Bytes(200_000), group }));
    }

    #[test]
    fn texts_that_make_no_sense_are_no_limit() {
        let root = machine("nonsense\n", "x\n", &[]);
        assert_eq!(left(root.path()), Some(MemoryLeft { left: Bytes(1 << 20), group: None }));
    }
}
