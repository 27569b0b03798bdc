//! The descendants of a process, from /proc.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs;

/// The processes that descend from `root`, which is not among them. Best effort: processes come and go.
#[must_use]
pub fn descendants(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        if let Some(parent) =
            fs::read_to_string(format!("/proc/{pid}/stat")).ok().as_deref().and_then(parent_of)
        {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        let born = children.remove(&pid).unwrap_or_default();
        found.extend(&born);
        open.extend(born);
    }
    found
}

/// Sends a signal to each process; those that are gone are passed over.
pub fn signal_all(pids: &[u32], signal: Signal) {
    for pid in pids.iter().filter_map(|pid| i32::try_from(*pid).ok()) {
        // The only error that can occur for a descendant is that it has exited.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// The parent's number in a line of /proc/PID/stat. The name in it may hold anything, so the last closing
/// parenthesis ends it.
pub(crate) fn parent_of(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_parentheses_and_blanks() {
        assert_eq!(parent_of("12 (a) R 7) S 34 12 12 0"), Some(34));
        assert_eq!(parent_of("12 (a"), None);
        assert_eq!(parent_of(""), None);
    }

    #[test]
    fn a_child_is_found() {
        let mut child = std::process::Command::new("sleep").arg("10").spawn().unwrap();
        assert!(descendants(std::process::id()).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
