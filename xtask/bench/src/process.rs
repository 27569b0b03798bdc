//! Kernel figures of measured processes, and their output.

use anyhow::{Context as _, Result};
use nix::{
    sys::{
        signal::Signal,
        wait::{Id, WaitPidFlag, waitid},
    },
    unistd::Pid,
};
use std::{
    fs::{self, File},
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// `USER_HZ`, in which /proc counts CPU time on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// A process id for system calls.
pub(super) fn pid(id: u32) -> Result<Pid> {
    Ok(Pid::from_raw(id.try_into().context("a process id is small")?))
}

/// Lets child processes receive SIGINT, even if this process was started with SIGINT ignored, as background
/// jobs of scripts are: exec resets a handler to the default action but keeps "ignored". The handler does
/// nothing, so this process still does not react to the signal.
pub(super) fn let_children_be_interrupted() -> Result<()> {
    let status = fs::read_to_string("/proc/self/status").context("cannot read /proc/self/status")?;
    if ignores(&status, Signal::SIGINT) {
        let nothing = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(Signal::SIGINT as i32, nothing).context("cannot handle SIGINT")?;
    }
    Ok(())
}

/// `SigIgn` in /proc/PID/status: a bit for each signal, bit 0 for signal 1.
fn ignores(status: &str, signal: Signal) -> bool {
    let mask = field(status, "SigIgn").and_then(|mask| u64::from_str_radix(mask, 16).ok());
    mask.is_some_and(|mask| mask >> (signal as i32 - 1) & 1 == 1)
}

/// The fdinfo of each descriptor of a process.
pub(super) fn descriptors(pid: u32) -> Result<Vec<String>> {
    let folder = format!("/proc/{pid}/fdinfo");
    let mut infos = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))? {
        let path = entry.with_context(|| format!("cannot read {folder}"))?.path();
        // A descriptor closed meanwhile is skipped.
        infos.extend(fs::read_to_string(path));
    }
    Ok(infos)
}

/// A line `name:<tab>value`.
pub(super) fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// The number of runs of a process's BPF programs that the kernel skipped because another program was running
/// on the CPU; 0 if it has no programs.
pub(super) fn missed_program_runs(pid: u32) -> Result<u64> {
    Ok(descriptors(pid)?.iter().filter_map(|info| field(info, "recursion_misses")?.parse::<u64>().ok()).sum())
}

/// CPU time of all threads of a process so far (first field of schedstat, nanoseconds).
pub(super) fn cpu_time(pid: u32) -> Result<Duration> {
    let folder = format!("/proc/{pid}/task");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))?;
    let nanos = entries.flatten().filter_map(|entry| {
        // A thread may end meanwhile.
        let text = fs::read_to_string(entry.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Ok(Duration::from_nanos(nanos.sum()))
}

/// Waits for a child to exit, and reads the CPU time of all its threads before reaping it.
pub(super) fn cpu_time_at_end(child: u32) -> Result<Duration> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    waitid(Id::Pid(pid(child)?), flags).context("cannot wait for a program")?;
    let path = format!("/proc/{child}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    ticks(&stat).map(|ticks| TICK * ticks).with_context(|| format!("{path} is {stat:?}"))
}

/// User and system time, fields 14 and 15 (man 5 proc_pid_stat), counted from after the name.
fn ticks(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    Some(fields.next()?.parse::<u32>().ok()? + fields.next()?.parse::<u32>().ok()?)
}

/// Creates a file for a process's output.
pub(super) fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("cannot create {}", path.display()))
}

/// Reads the output of a process, replacing invalid UTF-8.
pub(super) fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last lines of an output, for a message.
pub(super) fn last_lines(path: &Path) -> String {
    const LINES: usize = 5;
    let text = read(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let info = "pos:\t0\nmap_type:\t2\nmap_id:\t17\nmemlock:\t4096\n";
        assert_eq!(field(info, "memlock"), Some("4096"));
        assert_eq!(field(info, "map"), None);
    }

    #[test]
    fn ignored_signals_are_read_from_their_bits() {
        // The state of a shell after `trap '' INT`.
        let status = "Name:\tsh\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000000002\n";
        assert!(ignores(status, Signal::SIGINT));
        assert!(!ignores(status, Signal::SIGHUP));
    }

    #[test]
    fn cpu_time_is_read_behind_a_name_with_anything_in_it() {
        let stat = "7 (a) b) S 1 2 3 0 -1 4194304 10 11 12 13 140 25 0 0 20 0";
        assert_eq!(ticks(stat), Some(165));
        assert_eq!(ticks("7 (a) S 1"), None);
    }

    #[test]
    fn the_cpu_time_of_a_child_is_read_as_it_ends() {
        let mut child = Command::new("true").spawn().unwrap();
        assert!(cpu_time_at_end(child.id()).unwrap() < Duration::from_secs(5));
        assert!(child.wait().unwrap().success());
    }
}
