//! Selection among running processes: by number, name, control group or unit.

use super::called::{has_name, nearest};
pub(crate) use super::cgroup::Members;
use super::{cgroup, visible};
use crate::kernel_text::kibibytes;
use crate::outside_bytes::{self, kernel_name};
use crate::remedy;
use crate::settings::selector::Selector;
use anyhow::{Result, bail};
use glob::Pattern;
use model::outside_text::excerpt;
use model::profile::CpusAllowed;
use model::profile::attached::AttachedProcess;
use model::profile::units::Bytes;
use procfs_core::FromRead as _;
use procfs_core::process::Stat;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process;

/// A process that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The start, in clock ticks since boot: with the number it tells it from every other process.
    pub start_ticks: u64,
    /// Its name (`comm`).
    pub name: String,
    /// Its command line; the name if it has none.
    pub command: Vec<String>,
}

/// A kernel thread (`PF_KTHREAD`, include/linux/sched.h).
const KERNEL_THREAD: u32 = 0x0020_0000;

/// A wait that no signal ends, in /proc/PID/stat.
const UNINTERRUPTIBLE: char = 'D';

/// The processes that are chosen now; not empty.
///
/// # Errors
/// If there are none, or one that was named by its number can't be profiled.
pub fn choose(selector: &Selector) -> Result<Vec<Process>> {
    check_proc()?;
    match selector {
        Selector::Pids(pids) => {
            let mut seen = BTreeSet::new();
            pids.iter().filter(|pid| seen.insert(**pid)).map(|&pid| numbered(pid)).collect()
        }
        Selector::Name(pattern) => {
            let found = matching(all_pids()?, |process| has_name(process, pattern));
            if found.is_empty() {
                bail!("{}", nobody_named(pattern)?);
            }
            Ok(found)
        }
        Selector::Cgroup(path) => in_group(&cgroup::folder(path)?),
        Selector::Unit(name) => in_group(&cgroup::of_unit(name)?),
    }
}

/// Says that no name matches, and which would that is like it.
fn nobody_named(pattern: &Pattern) -> Result<String> {
    let hint = match nearest(pattern, &matching(all_pids()?, |_| true)) {
        Some((name, pid)) => {
            let name = excerpt(&name);
            format!(
                "the nearest is {name:?}, process {pid}; --name takes patterns, such as 'nginx*', and --pid a number"
            )
        }
        None => "ps -e shows the names; a pattern such as 'nginx*' matches more, and --pid takes a number"
            .to_owned(),
    };
    Ok(format!("no process has a name that matches {:?} ({hint}){}", pattern.as_str(), visible::hint()))
}

/// The process with a number if it can be profiled: not this one, no thread of the kernel, and it has not ended.
///
/// For whoever must not wait: its command line is in its own memory, which can't be read while it waits inside a change
/// of that (of a file on a server that does not answer, say). In such a wait it has no command line but its name.
pub(crate) fn running(pid: u32) -> Option<Process> {
    let stat = profilable(pid)?;
    if stat.state == UNINTERRUPTIBLE {
        let name = stat.comm;
        return Some(Process { pid, start_ticks: stat.starttime, command: vec![name.clone()], name });
    }
    Some(described(pid, stat))
}

fn profilable(pid: u32) -> Option<Stat> {
    if pid == process::id() {
        return None;
    }
    stat(pid).filter(|stat| stat.flags & KERNEL_THREAD == 0 && !has_ended(stat))
}

/// The folder of the control group that a selector names, if it is one that does.
///
/// # Errors
/// If there is no such group at the moment.
pub(crate) fn group(selector: &Selector) -> Result<Option<PathBuf>> {
    match selector {
        Selector::Pids(_) | Selector::Name(_) => Ok(None),
        Selector::Cgroup(path) => cgroup::folder(path).map(Some),
        Selector::Unit(name) => cgroup::of_unit(name).map(Some),
    }
}

/// The processes of a control group and of those below it.
///
/// # Errors
/// If they can't be read.
pub(crate) fn group_members(folder: &Path) -> Result<Members> {
    cgroup::members(folder)
}

/// # Errors
/// If one of these numbers is of no process that can be profiled.
pub(crate) fn check_pids(pids: &[u32]) -> Result<()> {
    pids.iter().try_for_each(|&pid| numbered(pid).map(drop))
}

/// Checks what can be said of a selector before there is anybody whom it chooses.
///
/// # Errors
/// If it can never choose anybody.
pub(crate) fn check(selector: &Selector) -> Result<()> {
    match selector {
        Selector::Pids(_) | Selector::Name(_) => Ok(()),
        Selector::Cgroup(path) => cgroup::check_path(path),
        Selector::Unit(name) => cgroup::check_unit(name),
    }
}

/// Note on a choice that is of more than its words say: of a threaded group, whole processes.
#[must_use]
pub fn note(selector: &Selector) -> Option<String> {
    let folder = group(selector).ok().flatten()?;
    cgroup::members(&folder).ok()?.note(&folder)
}

fn in_group(folder: &Path) -> Result<Vec<Process>> {
    let found = matching(cgroup::members(folder)?.pids, |_| true);
    if found.is_empty() {
        bail!("no process is in the control group {} or below it{}", folder.display(), visible::hint());
    }
    Ok(found)
}

/// Those that can be profiled; this one can't, nor can one that has ended.
fn matching(pids: impl IntoIterator<Item = u32>, is_chosen: impl Fn(&Process) -> bool) -> Vec<Process> {
    let living = pids.into_iter().filter_map(|pid| Some(described(pid, profilable(pid)?)));
    living.filter(|process| is_chosen(process)).collect()
}

fn numbered(pid: u32) -> Result<Process> {
    if pid == process::id() {
        bail!("--pid {pid} is this profiler itself: it can't be its own target");
    }
    let Some(stat) = stat(pid) else { bail!("{}", missing(pid)) };
    let name = excerpt(&stat.comm);
    if stat.flags & KERNEL_THREAD != 0 {
        bail!("--pid {pid} ({name}) is a thread of the kernel: only processes of user space can be profiled");
    }
    if let Some(leader) = of_status(pid, "Tgid:").and_then(|line| line.parse::<u32>().ok())
        && leader != pid
    {
        bail!("--pid {pid} ({name}) is a thread of the process {leader}: name that, with --pid {leader}");
    }
    if has_ended(&stat) {
        bail!("--pid {pid} ({name}) has ended already: its parent ({}) has not waited for it yet", stat.ppid);
    }
    Ok(described(pid, stat))
}

/// The reason why there is no such process. It may have the number in a pid namespace of its own, inside a container.
fn missing(pid: u32) -> String {
    let inside = all_pids().unwrap_or_default().into_iter().find(|&other| {
        let numbers = of_status(other, "NSpid:").unwrap_or_default();
        let mut numbers = numbers.split_whitespace().rev().filter_map(|number| number.parse::<u32>().ok());
        numbers.next() == Some(pid) && numbers.next().is_some()
    });
    match inside.and_then(|other| Some((other, stat(other)?))) {
        Some((other, stat)) => format!(
            "there is no process {pid} here; in a pid namespace of its own the process {other} ({}) has that number: \
             --pid {other} chooses it",
            excerpt(&stat.comm)
        ),
        None => format!(
            "there is no process {pid} (ps -e lists those there are; --name chooses by name){}",
            visible::hint()
        ),
    }
}

/// /proc must be of the pid namespace that this process is in: the numbers there are compared with the kernel's.
pub(crate) fn check_proc() -> Result<()> {
    let own = fs::read_link("/proc/self").map_err(|error| remedy::unreadable("/proc/self", error))?;
    if own.to_str() != Some(process::id().to_string().as_str()) {
        bail!(
            "/proc shows another pid namespace than this profiler is in, so that its numbers mean other processes; \
             mount one here (unshare --mount-proc does), or call the profiler in the other namespace (nsenter)"
        );
    }
    Ok(())
}

/// In the order of their numbers.
pub(crate) fn all_pids() -> Result<Vec<u32>> {
    let entries = fs::read_dir("/proc").map_err(|error| remedy::unreadable("/proc", error))?;
    let mut pids: Vec<u32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    Ok(pids)
}

/// The name of a process, if there is one with this number.
pub(crate) fn name(pid: u32) -> Option<String> {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(kernel_name(name.strip_suffix(b"\n").unwrap_or(&name)))
}

fn stat(pid: u32) -> Option<Stat> {
    let line = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let mut stat = Stat::from_read(line.as_slice()).ok()?;
    // The name stands in parentheses, and may have some in it. What is no UTF-8 in it `procfs` has replaced.
    let begin = line.iter().position(|byte| *byte == b'(')? + 1;
    let end = line.iter().rposition(|byte| *byte == b')')?;
    stat.comm = kernel_name(line.get(begin..end)?);
    Some(stat)
}

/// Its first line is the name, which need not be UTF-8.
fn status(pid: u32) -> Option<String> {
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    Some(String::from_utf8_lossy(&status).into_owned())
}

pub(super) fn of_status(pid: u32, label: &str) -> Option<String> {
    let status = status(pid)?;
    let line = status.lines().find_map(|line| line.strip_prefix(label))?;
    Some(line.trim().to_owned())
}

/// The first thread may have ended long before the others.
fn has_ended(stat: &Stat) -> bool {
    matches!(stat.state, 'Z' | 'X') && stat.num_threads <= 1
}

fn described(pid: u32, stat: Stat) -> Process {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut command = arguments(&line);
    if command.is_empty() {
        command.push(stat.comm.clone());
    }
    Process { pid, start_ticks: stat.starttime, name: stat.comm, command }
}

/// The words of /proc/PID/cmdline. A program that shows what it does there leaves zeros and blanks behind it.
fn arguments(line: &[u8]) -> Vec<String> {
    let end = line.iter().rposition(|byte| !matches!(byte, 0 | b' ')).map_or(0, |last| last + 1);
    if end == 0 {
        return Vec::new();
    }
    line[..end].split(|byte| *byte == 0).map(|word| outside_bytes::text(OsStr::from_bytes(word))).collect()
}

/// The CPUs that a process may use, and that this one may.
pub(crate) fn cpus_allowed(pid: u32) -> CpusAllowed {
    const LABEL: &str = "Cpus_allowed_list:";
    CpusAllowed { profiler: of_status(process::id(), LABEL), target: of_status(pid, LABEL) }
}

impl Process {
    /// True if it still runs.
    #[must_use]
    pub fn lives(&self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.starttime == self.start_ticks && !has_ended(&stat))
    }

    /// For the profile, with the threads that it had.
    #[must_use]
    pub fn attached(&self, threads: u64) -> AttachedProcess {
        AttachedProcess { pid: self.pid, name: self.name.clone(), command: self.command.clone(), threads }
    }

    /// The largest resident set it has ever had; `None` once it has ended.
    #[must_use]
    pub fn peak_resident(&self) -> Option<Bytes> {
        let status = status(self.pid)?;
        kibibytes(&status, "VmHWM:").map(Bytes).filter(|_| self.lives())
    }
}

#[cfg(test)]
mod tests;
