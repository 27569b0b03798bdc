//! Programs that run beside a load and have their own BPF programs attached meanwhile.

use crate::command::cannot_start;
use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    io::Read as _,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Loading takes well under a second; a machine that is busy building takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

const PAUSE: Duration = Duration::from_millis(5);

/// A running program; it ends with this value.
pub(super) struct Beside {
    child: Child,
}

impl Beside {
    /// Starts it and waits until it has attached that many BPF programs. Its standard input stays open as long
    /// as it runs.
    pub(super) fn start(command: &mut Command, programs: usize) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().with_context(|| cannot_start(command))?;
        let mut beside = Self { child };
        let begun = Instant::now();
        while attached(beside.child.id())? < programs {
            if let Some(status) = beside.child.try_wait().context("cannot ask for a program's status")? {
                bail!("it ended at once ({status}): {}", beside.complaint());
            }
            if begun.elapsed() > PATIENCE {
                bail!("it attached fewer than {programs} BPF programs within {PATIENCE:?}");
            }
            thread::sleep(PAUSE);
        }
        Ok(beside)
    }

    /// What an ended program wrote to its standard error.
    fn complaint(&mut self) -> String {
        let mut text = Vec::new();
        // What cannot be read is missing from a message only.
        let _read = self.child.stderr.take().map(|mut stderr| stderr.read_to_end(&mut text));
        String::from_utf8_lossy(&text).trim().to_owned()
    }
}

impl Drop for Beside {
    /// As a person would end it. A program that has ended already needs neither.
    fn drop(&mut self) {
        let interrupted =
            i32::try_from(self.child.id()).is_ok_and(|pid| kill(Pid::from_raw(pid), Signal::SIGINT).is_ok());
        if !interrupted {
            let _killed = self.child.kill();
        }
        let _waited = self.child.wait();
    }
}

/// How many BPF programs a process has attached, by the links among its descriptors (kernel/bpf/syscall.c
/// `bpf_link_show_fdinfo`).
fn attached(pid: u32) -> Result<usize> {
    Ok(descriptors(pid)?.iter().filter(|info| field(info, "link_type").is_some()).count())
}

/// What the kernel tells of each descriptor of a process.
pub(super) fn descriptors(pid: u32) -> Result<Vec<String>> {
    let folder = format!("/proc/{pid}/fdinfo");
    let mut infos = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))? {
        let path = entry.with_context(|| format!("cannot read {folder}"))?.path();
        // One that was closed meanwhile is none of the process's any more.
        infos.extend(fs::read_to_string(path));
    }
    Ok(infos)
}

/// A line `name:<tab>value`.
pub(super) fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_ends_at_once_is_quoted() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no rights >&2; exit 2"]);
        let error = Beside::start(&mut command, 1).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("it ended at once (exit status: 2): no rights"));
    }

    #[test]
    fn a_program_ends_with_its_value() {
        let beside = Beside::start(Command::new("cat").arg("-"), 0).unwrap();
        let folder = format!("/proc/{}", beside.child.id());
        assert!(fs::metadata(&folder).is_ok());
        drop(beside);
        assert!(fs::metadata(&folder).is_err());
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let info = "pos:\t0\nmap_type:\t2\nmap_id:\t17\nmemlock:\t4096\n";
        assert_eq!(field(info, "memlock"), Some("4096"));
        assert_eq!(field(info, "map"), None);
    }
}
