//! One run of a load with a contender: the load's figure, and what the contender used and left.

use super::super::beside::descriptors;
use super::contender::{Contender, Ready, Surroundings, Way};
use crate::{bench::beside::field, command::cannot_start};
use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{Id, WaitPidFlag, waitid},
    },
    unistd::Pid,
};
use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// bpftrace compiles its script first; a machine that is busy building takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(5);

/// `USER_HZ`, in which /proc counts CPU time on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// What a run came to.
pub(super) struct Outcome {
    /// Nanoseconds of one piece of the load's work.
    pub(super) figure_ns: f64,
    /// `None` for the load alone.
    pub(super) consumer: Option<Consumer>,
}

/// What a contender used and left.
pub(super) struct Consumer {
    /// Its CPU time while the load was timed.
    pub(super) cpu: Duration,
    /// How long that was.
    pub(super) wall: Duration,
    /// Its CPU time from its start to its end.
    pub(super) cpu_in_all: Duration,
    /// What it recorded: a file, or what it printed.
    pub(super) record: PathBuf,
}

/// Runs a load with a contender. The error of the inner result says why the contender can't be measured at all.
pub(super) fn run(contender: Contender, with: &Surroundings<'_>, load: &[String]) -> Result<Outcome> {
    let folder = with.programs.folder();
    match contender.way(with).map_err(anyhow::Error::msg)? {
        Way::Alone => {
            let mut load = Load::start(with.programs.load(&gated(load)), folder)?;
            let figure_ns = load.time(None)?.0;
            load.finish()?;
            Ok(Outcome { figure_ns, consumer: None })
        }
        Way::Beside(mut command, ready) => {
            let record = folder.join("beside.txt");
            let mut beside = Beside::start(&mut command, ready, &record)?;
            let mut load = Load::start(with.programs.load(&gated(load)), folder)?;
            let (figure_ns, cpu, wall) = load.time(Some(beside.child.id()))?;
            load.finish()?;
            let cpu_in_all = beside.end()?;
            Ok(Outcome { figure_ns, consumer: Some(Consumer { cpu, wall, cpu_in_all, record }) })
        }
        Way::Around(mut command, record) => {
            command.arg(with.programs.load_program()).args(gated(load));
            let mut around = Load::start(command, folder)?;
            let (figure_ns, cpu, wall) = around.time(Some(around.child.id()))?;
            let cpu_in_all = around.finish()?;
            Ok(Outcome { figure_ns, consumer: Some(Consumer { cpu, wall, cpu_in_all, record }) })
        }
    }
}

fn gated(load: &[String]) -> Vec<String> {
    ["--gated".to_owned()].into_iter().chain(load.iter().cloned()).collect()
}

/// A load that waits before its timed part, or a contender around it.
struct Load {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: PathBuf,
}

impl Load {
    fn start(mut command: Command, folder: &Path) -> Result<Self> {
        let stderr = folder.join("load.stderr");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(create(&stderr)?);
        let mut child = command.spawn().with_context(|| cannot_start(&command))?;
        let stdout = BufReader::new(child.stdout.take().context("the load has no standard output")?);
        Ok(Self { child, stdout, stderr })
    }

    /// Lets the timed part run: the load's figure, and CPU time of `consumer` and time meanwhile.
    fn time(&mut self, consumer: Option<u32>) -> Result<(f64, Duration, Duration)> {
        let ready = self.line()?;
        ensure!(ready == "ready", "the load said {ready:?} and not that it is ready: {}", text(&self.stderr));
        let used = || consumer.map_or(Ok(Duration::ZERO), cpu_time);
        let (before, begun) = (used()?, Instant::now());
        let stdin = self.child.stdin.as_mut().context("the load has no standard input")?;
        stdin.write_all(b"\n").context("cannot start the timed part of the load")?;
        let figure = self.line()?;
        let (wall, after) = (begun.elapsed(), used()?);
        let figure = figure.parse().with_context(|| format!("the load said {figure:?} and no figure"))?;
        Ok((figure, after.saturating_sub(before), wall))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).context("cannot read what the load says")?;
        Ok(line.trim().to_owned())
    }

    /// Ends it; its CPU time, without that of the processes that it started.
    fn finish(&mut self) -> Result<Duration> {
        drop(self.child.stdin.take());
        self.stdout.read_to_end(&mut Vec::new()).context("cannot read what the load says")?;
        let used = cpu_time_at_end(self.child.id())?;
        let status = self.child.wait().context("cannot wait for the load")?;
        ensure!(status.success(), "{status}: {}", text(&self.stderr));
        Ok(used)
    }
}

impl Drop for Load {
    /// Only what failed is still alive.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _killed = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// A contender beside the load.
struct Beside {
    child: Child,
}

impl Beside {
    fn start(command: &mut Command, ready: Ready, output: &Path) -> Result<Self> {
        let stderr = output.with_extension("stderr");
        // An empty program ends as its standard input does.
        command.stdin(Stdio::piped()).stdout(create(output)?).stderr(create(&stderr)?);
        let child = command.spawn().with_context(|| cannot_start(command))?;
        let mut beside = Self { child };
        let begun = Instant::now();
        while !ready.holds(beside.child.id())? {
            if let Some(status) = beside.child.try_wait().context("cannot ask for a program's status")? {
                bail!("it ended at once ({status}): {}", text(&stderr));
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "it attached too little within {PATIENCE:?}: {}",
                text(&stderr)
            );
            thread::sleep(PAUSE);
        }
        Ok(beside)
    }

    /// Ends it as a person would; its CPU time.
    fn end(&mut self) -> Result<Duration> {
        let pid = Pid::from_raw(self.child.id().try_into().context("a process id is small")?);
        kill(pid, Signal::SIGINT).context("cannot interrupt a program")?;
        let used = cpu_time_at_end(self.child.id())?;
        self.child.wait().context("cannot wait for a program")?;
        Ok(used)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _waited = self.child.wait();
    }
}

impl Ready {
    fn holds(self, pid: u32) -> Result<bool> {
        Ok(match self {
            Self::Links(links) => {
                let infos = descriptors(pid)?;
                infos.iter().filter(|info| field(info, "link_type").is_some()).count() >= links
            }
            Self::PerfEvents(events) => {
                let folder = format!("/proc/{pid}/fd");
                let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))?;
                let targets = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
                targets.filter(|target| target.ends_with("anon_inode:[perf_event]")).count() >= events
            }
        })
    }
}

/// CPU time of all threads of a process until now (the first figure of schedstat, nanoseconds).
fn cpu_time(pid: u32) -> Result<Duration> {
    let folder = format!("/proc/{pid}/task");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))?;
    let nanos = entries.flatten().filter_map(|entry| {
        // A thread may end meanwhile.
        let text = fs::read_to_string(entry.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Ok(Duration::from_nanos(nanos.sum()))
}

/// Waits until a child of ours has ended, and reads the CPU time of all its threads before it is gone.
fn cpu_time_at_end(pid: u32) -> Result<Duration> {
    let id = Id::Pid(Pid::from_raw(pid.try_into().context("a process id is small")?));
    waitid(id, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).context("cannot wait for a program")?;
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    ticks(&stat).map(|ticks| TICK * ticks).with_context(|| format!("{path} is {stat:?}"))
}

/// Of user and kernel mode: the fields 14 and 15 (man 5 proc_pid_stat), counted from behind the name.
fn ticks(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    Some(fields.next()?.parse::<u32>().ok()? + fields.next()?.parse::<u32>().ok()?)
}

fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("cannot create {}", path.display()))
}

/// The last of what was written to a file, for a message.
fn text(path: &Path) -> String {
    const LINES: usize = 5;
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

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
