//! The settings that decide how fast CPUs are clocked.

use super::numbered;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The content of a file of cpufreq: of all CPUs that have it, or where they differ each value with its CPUs.
pub(super) fn of_cpus(root: &Path, file: &str) -> Option<String> {
    let folder = root.join("sys/devices/system/cpu");
    let mut cpus = numbered(&folder, "cpu");
    cpus.sort_unstable();
    let mut values: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for cpu in cpus {
        let text =
            fs::read_to_string(folder.join(format!("cpu{cpu}/cpufreq")).join(file)).unwrap_or_default();
        if !text.trim().is_empty() {
            values.entry(text.trim().to_owned()).or_default().push(cpu);
        }
    }
    if values.len() <= 1 {
        return values.into_keys().next();
    }
    let mut values: Vec<(String, Vec<u32>)> = values.into_iter().collect();
    values.sort_by(|(_, one), (_, other)| one.cmp(other));
    let each: Vec<String> =
        values.iter().map(|(value, cpus)| format!("{value} (CPUs {})", list(cpus))).collect();
    Some(each.join(", "))
}

/// Ascending numbers as the kernel lists CPUs: `0-3,8`.
fn list(cpus: &[u32]) -> String {
    let ranges = cpus.chunk_by(|one, next| one + 1 == *next).filter_map(|range| match range {
        [] => None,
        [only] => Some(only.to_string()),
        [first, .., last] => Some(format!("{first}-{last}")),
    });
    ranges.collect::<Vec<_>>().join(",")
}

/// Its switch is `boost` of cpufreq, or of intel_pstate the opposite.
pub(super) fn boost(root: &Path) -> Option<bool> {
    let switch = |path: &str| {
        let text = fs::read_to_string(root.join("sys/devices/system/cpu").join(path)).ok()?;
        Some(text.trim().parse::<u8>().ok()? != 0)
    };
    switch("cpufreq/boost").or_else(|| switch("intel_pstate/no_turbo").map(|off| !off))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn governor(of: &[(u32, &str)]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        for (cpu, governor) in of {
            let path = folder.path().join(format!("sys/devices/system/cpu/cpu{cpu}/cpufreq"));
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("scaling_governor"), format!("{governor}\n")).unwrap();
        }
        of_cpus(folder.path(), "scaling_governor")
    }

    #[test]
    fn one_value_stands_for_all_cpus() {
        assert_eq!(governor(&[(0, "performance"), (1, "performance")]).unwrap(), "performance");
        assert_eq!(governor(&[]), None);
    }

    #[test]
    fn values_that_differ_stand_with_their_cpus() {
        let mixed: Vec<(u32, &str)> = (0..12)
            .map(|cpu| (cpu, if matches!(cpu, 2 | 4..=9) { "performance" } else { "powersave" }))
            .collect();
        let expected = "powersave (CPUs 0-1,3,10-11), performance (CPUs 2,4-9)";
        assert_eq!(governor(&mixed).unwrap(), expected);
    }
}
