//! Reads what machine this is from /proc and /sys. What can't be read stays absent.

use crate::outside_text::kibibytes;
use crate::profile::machine::{Machine, Mitigation, Topology};
use crate::profile::units::{Nanos, total};
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
    Machine {
        cpu_model: text("proc/cpuinfo").as_deref().and_then(cpu_model),
        topology: topology(root),
        governor: text("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        kernel,
        mitigations: mitigations(root),
        memory_bytes: text("proc/meminfo").and_then(|info| kibibytes(&info, "MemTotal:")),
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
    /// How much it grew since an earlier reading, at most. Each column is cut to whole ticks, so that a tick may be
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

/// The processor's name in /proc/cpuinfo.
pub(crate) fn cpu_model(info: &str) -> Option<String> {
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
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

/// How many numbers a list such as `0-3,8` holds.
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
    fn an_empty_root_gives_nothing_and_no_zeros() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), Machine::default());
    }
}
