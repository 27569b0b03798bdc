//! Reads what machine this is from /proc and /sys. What can't be read stays absent.

mod frequency;
mod preemption;

use crate::kernel_text::{chosen, kibibytes};
use model::profile::machine::{Machine, Mitigation, Topology};
use model::profile::units::{Bytes, Nanos, total};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Reads the machine from the files below `root` (`/`, or a copy in tests).
#[must_use]
pub fn read(root: &Path) -> Machine {
    let text = |path: &str| {
        let text = fs::read_to_string(root.join(path)).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let kernel = match (text("proc/sys/kernel/osrelease"), text("proc/sys/kernel/version")) {
        (Some(release), Some(version)) => Some(format!("{release} {version}")),
        (release, _) => release,
    };
    let cpuinfo = text("proc/cpuinfo");
    let of_cpu = |label| cpuinfo.as_deref().and_then(|info| of_first_cpu(info, label));
    Machine {
        cpu_model: of_cpu("model name"),
        microcode: of_cpu("microcode"),
        virtualized: of_cpu("flags").map(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
        topology: topology(root),
        governor: frequency::of_cpus(root, "scaling_governor"),
        frequency_driver: frequency::of_cpus(root, "scaling_driver"),
        frequency_driver_mode: text("sys/devices/system/cpu/amd_pstate/status")
            .or_else(|| text("sys/devices/system/cpu/intel_pstate/status")),
        energy_preference: frequency::of_cpus(root, "energy_performance_preference"),
        boost: frequency::boost(root),
        smt_active: text("sys/devices/system/cpu/smt/active").and_then(|active| match active.as_str() {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        }),
        smt_control: text("sys/devices/system/cpu/smt/control"),
        preemption: preemption::read(root),
        kernel,
        kernel_command_line: text("proc/cmdline"),
        mitigations: mitigations(root),
        memory_bytes: text("proc/meminfo").and_then(|info| kibibytes(&info, "MemTotal:")).map(Bytes),
        transparent_hugepages: text("sys/kernel/mm/transparent_hugepage/enabled")
            .and_then(|modes| chosen(&modes).map(str::to_owned)),
    }
}

/// CPU time that interrupts took or a hypervisor stole since the machine started, all CPUs together: the columns
/// irq, softirq and steal of the line `cpu` (man 5 proc_stat), in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stolen([u64; 3]);

/// Reads /proc/stat below `root`; zeros where the kernel does not say.
#[must_use]
pub fn stolen(root: &Path) -> Stolen {
    stolen_in(&fs::read_to_string(root.join("proc/stat")).unwrap_or_default())
}

pub(crate) fn stolen_in(stat: &str) -> Stolen {
    const FIRST_COLUMN: usize = 6;
    let mut columns = stat.lines().next().unwrap_or_default().split_whitespace().skip(FIRST_COLUMN);
    Stolen([(); 3].map(|()| columns.next().and_then(|column| column.parse().ok()).unwrap_or(0)))
}

impl Stolen {
    /// The most that it grew since an earlier reading. Each column is cut to whole ticks, so that a tick may be
    /// missing of each; one that never left 0 on this machine counts nothing here.
    #[must_use]
    pub fn at_most_since(&self, earlier: &Self) -> Nanos {
        /// Nanoseconds of one `USER_HZ` tick, in which /proc/stat counts on every architecture.
        const TICK_NS: u64 = 10_000_000;
        let columns = self.0.iter().zip(earlier.0);
        let ticks = columns
            .filter(|(now, _)| **now > 0)
            .map(|(now, earlier)| now.saturating_sub(earlier).saturating_add(1));
        Nanos(total(ticks).saturating_mul(TICK_NS))
    }
}

/// The first CPU in /proc/cpuinfo.
pub(crate) fn of_first_cpu(info: &str, label: &str) -> Option<String> {
    let fields = info.lines().filter_map(|line| line.split_once(':'));
    let mut found = fields.filter(|(name, _)| name.trim() == label).map(|(_, value)| value.trim().to_owned());
    found.next()
}

fn topology(root: &Path) -> Topology {
    let cpus = numbered(&root.join("sys/devices/system/cpu"), "cpu");
    let distinct = |file: &str| {
        let folder = root.join("sys/devices/system/cpu");
        let values: BTreeSet<String> = cpus
            .iter()
            .filter_map(|cpu| fs::read_to_string(folder.join(format!("cpu{cpu}")).join(file)).ok())
            .collect();
        u32::try_from(values.len()).ok().filter(|count| *count > 0)
    };
    let online = fs::read_to_string(root.join("sys/devices/system/cpu/online")).ok();
    Topology {
        threads: online.as_deref().and_then(count_of_list),
        cores: distinct("topology/core_cpus_list").or_else(|| distinct("topology/thread_siblings_list")),
        l3_groups: distinct("cache/index3/shared_cpu_list"),
        nodes: u32::try_from(numbered(&root.join("sys/devices/system/node"), "node").len())
            .ok()
            .filter(|count| *count > 0),
    }
}

/// The numbers of the folders named `prefix` and a number.
fn numbered(folder: &Path, prefix: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()).collect()
}

/// The number of numbers in a list such as `0-3,8`.
pub(crate) fn count_of_list(list: &str) -> Option<u32> {
    list.trim()
        .split(',')
        .map(|range| match range.split_once('-') {
            None => range.parse::<u32>().ok().map(|_| 1),
            Some((from, to)) => {
                let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
                to.checked_sub(from)?.checked_add(1)
            }
        })
        .try_fold(0_u32, |sum, count| sum.checked_add(count?))
}

fn mitigations(root: &Path) -> Vec<Mitigation> {
    let entries =
        fs::read_dir(root.join("sys/devices/system/cpu/vulnerabilities")).into_iter().flatten().flatten();
    let mut found: Vec<Mitigation> = entries
        .filter_map(|entry| {
            let state = fs::read_to_string(entry.path()).ok()?.trim().to_owned();
            Some(Mitigation { weakness: entry.file_name().into_string().ok()?, state })
        })
        .collect();
    found.sort_by(|a, b| a.weakness.cmp(&b.weakness));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_counted() {
        assert_eq!(count_of_list("0-3,8\n"), Some(5));
        assert_eq!(count_of_list("0"), Some(1));
        assert_eq!(count_of_list(""), None);
        assert_eq!(count_of_list("3-1"), None);
    }

    #[test]
    fn what_was_stolen_is_bounded_from_above() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("proc")).unwrap();
        let read = |line: &str| {
            fs::write(folder.path().join("proc/stat"), line).unwrap();
            stolen(folder.path())
        };
        let before = read("cpu  100 0 50 900 7 0 20 5 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n");
        let after = read("cpu  190 0 80 990 9 0 23 5 0 0\n");
        assert_eq!(after.at_most_since(&before), Nanos(50_000_000), "3 + 1 ticks and 0 + 1");
        assert_eq!(read("").at_most_since(&before), Nanos(0));
    }

    #[test]
    fn what_a_reviewer_asks_for_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            (
                "proc/cpuinfo",
                "processor\t: 0\nmodel name\t: A B\nmicrocode\t: 0x7\nflags\t\t: fpu hypervisor\n\nmodel name\t: C\n",
            ),
            ("proc/cmdline", "ro quiet\n"),
            ("sys/devices/system/cpu/intel_pstate/no_turbo", "1\n"),
            ("sys/devices/system/cpu/amd_pstate/status", "active\n"),
            ("sys/devices/system/cpu/cpu0/cpufreq/scaling_driver", "amd-pstate-epp\n"),
            ("sys/devices/system/cpu/smt/active", "0\n"),
            ("sys/devices/system/cpu/smt/control", "off\n"),
            ("sys/kernel/debug/sched/preempt", "none voluntary (full) lazy\n"),
            ("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"),
        ];
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let expected = Machine {
            cpu_model: Some("A B".to_owned()),
            microcode: Some("0x7".to_owned()),
            virtualized: Some(true),
            boost: Some(false),
            frequency_driver: Some("amd-pstate-epp".to_owned()),
            frequency_driver_mode: Some("active".to_owned()),
            smt_active: Some(false),
            smt_control: Some("off".to_owned()),
            preemption: Some("full".to_owned()),
            kernel_command_line: Some("ro quiet".to_owned()),
            transparent_hugepages: Some("madvise".to_owned()),
            ..Machine::default()
        };
        assert_eq!(read(folder.path()), expected);
    }

    #[test]
    fn an_empty_root_gives_nothing_and_no_zeros() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), Machine::default());
    }
}
