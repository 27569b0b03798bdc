//! The descendants of a process, from /proc.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// A process, as far as a line of /proc/PID/stat tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    parent: u32,
    /// It has ended, and its parent has not waited for it yet.
    has_ended: bool,
}

impl Process {
    /// Reads the line. The name in it may hold anything, so the last closing parenthesis ends it.
    pub(crate) fn parse(stat: &str) -> Option<Self> {
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        // The first thread may have ended long before the others.
        let threads: u32 = fields.nth(THREADS_AFTER_PARENT)?.parse().ok()?;
        Some(Self { parent, has_ended: matches!(state, "Z" | "X") && threads <= 1 })
    }
}

/// Fields between the parent's number (4) and the count of threads (20), proc_pid_stat(5).
const THREADS_AFTER_PARENT: usize = 20 - 4 - 1;

/// The children of a process, those that have ended and were not waited for among them.
#[must_use]
pub fn children(of: u32) -> BTreeSet<u32> {
    processes().into_iter().filter(|(_, process)| process.parent == of).map(|(pid, _)| pid).collect()
}

/// The processes that descend from `root`, which is not among them. Best effort: processes come and go.
#[must_use]
pub fn descendants(root: u32) -> Vec<u32> {
    descendants_without(root, &BTreeSet::new())
}

/// The same without some, and without what descends from these.
#[must_use]
pub fn descendants_without(root: u32, left_out: &BTreeSet<u32>) -> Vec<u32> {
    let mut born: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (pid, process) in processes() {
        if !process.has_ended && !left_out.contains(&pid) {
            born.entry(process.parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        let children = born.remove(&pid).unwrap_or_default();
        found.extend(&children);
        open.extend(children);
    }
    found
}

fn processes() -> Vec<(u32, Process)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        // Its name, which is passed over, need not be UTF-8.
        Some((pid, Process::parse(&String::from_utf8_lossy(&stat))?))
    })
    .collect()
}

/// Sends a signal to each process; those that are gone are passed over.
pub fn signal_all(pids: &[u32], signal: Signal) {
    for pid in pids.iter().filter_map(|pid| i32::try_from(*pid).ok()) {
        // The only error that can occur for a descendant is that it has exited.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of a process with a name, a state and a count of threads, whose parent is 34.
    fn line(name: &str, state: char, threads: u32) -> String {
        format!("12 ({name}) {state} 34 12 12 0 -1 4194304 9 0 0 0 1 2 0 0 20 0 {threads} 0 5 6 7")
    }

    #[test]
    fn a_name_may_hold_parentheses_and_blanks() {
        let process = Process { parent: 34, has_ended: false };
        assert_eq!(Process::parse(&line("a) R 7", 'S', 1)), Some(process));
        assert_eq!(Process::parse("12 (a) S 34"), None);
        assert_eq!(Process::parse("12 (a"), None);
        assert_eq!(Process::parse(""), None);
    }

    #[test]
    fn a_process_lives_until_its_last_thread_has_ended() {
        let ended = |state, threads| Process::parse(&line("a", state, threads)).unwrap().has_ended;
        assert!(ended('Z', 1));
        assert!(!ended('Z', 2));
        assert!(!ended('S', 1));
    }

    #[test]
    fn a_child_that_has_ended_is_a_child_and_no_descendant() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let this = std::process::id();
        while descendants(this).contains(&child.id()) {
            std::thread::yield_now();
        }
        assert!(children(this).contains(&child.id()));
        child.wait().unwrap();
        assert!(!children(this).contains(&child.id()));
    }

    #[test]
    fn what_is_left_out_is_left_out_with_its_children() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "sleep 10 & echo; wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
        let grandchildren = descendants(child.id());
        assert_eq!(grandchildren.len(), 1);
        let without = descendants_without(std::process::id(), &[child.id()].into());
        assert!(!without.contains(&child.id()) && !without.contains(&grandchildren[0]));
        assert!(descendants(std::process::id()).contains(&grandchildren[0]));
        signal_all(&grandchildren, Signal::SIGKILL);
        child.wait().unwrap();
    }

    #[test]
    fn a_child_is_found() {
        let mut child = std::process::Command::new("sleep").arg("10").spawn().unwrap();
        assert!(descendants(std::process::id()).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
