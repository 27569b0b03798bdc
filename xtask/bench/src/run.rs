//! One run of a load with a contender: the load's figure, and the contender's usage and output.

use super::{
    contender::{Contender, Record, Way},
    job::Job,
    measure::Settings,
    observer::Observer,
    process, profile,
};
use anyhow::{Context as _, Result, ensure};
use model::profile::{Profile, file};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};
use xtask::command::cannot_start;

/// The result of a run.
pub(super) struct Outcome {
    /// Figures of the load.
    pub(super) timed: Timed,
    /// `None` for the load alone.
    pub(super) consumer: Option<Consumer>,
}

/// The timed part of a load.
pub(super) struct Timed {
    /// Nanoseconds of one piece of the load's work.
    pub(super) figure_ns: f64,
    /// Wall time.
    pub(super) wall: Duration,
    /// The contender's CPU time in this part.
    pub(super) cpu: Duration,
}

/// A contender's usage and output.
pub(super) struct Consumer {
    /// CPU time from start to end.
    pub(super) cpu_in_all: Duration,
    /// The number of runs of its BPF programs that the kernel skipped.
    pub(super) missed_program_runs: u64,
    /// The file of its output.
    pub(super) record: PathBuf,
    /// The output, if it is a profile.
    pub(super) profile: Option<Profile>,
}

/// Runs a job's load with a contender.
pub(super) fn run(contender: Contender, settings: &Settings, job: &Job) -> Result<Outcome> {
    let folder = settings.programs.folder();
    let outcome = match contender.way(settings, job)? {
        Way::Alone(load) => alone(load, folder),
        Way::Observed { mut contender, ready, load } => {
            let record = folder.join("observer.txt");
            Observer::start(&mut contender, ready, &record)
                .and_then(|observer| side_by_side(observer, load, record))
        }
        Way::Around { command, record } => around(command, folder, record),
    };
    let mut outcome = outcome.context(contender.name())?;
    if let (Record::Profile, Some(consumer)) = (contender.record(), &mut outcome.consumer) {
        consumer.profile = Some(file::read(&consumer.record)?);
    }
    Ok(outcome)
}

impl Outcome {
    /// The profiler's losses; 0 for other contenders.
    pub(super) fn lost_by_profiler(&self) -> u64 {
        self.consumer.as_ref().and_then(|consumer| consumer.profile.as_ref()).map_or(0, profile::lost)
    }
}

/// The figure of a run; fails if the contender is the profiler and lost anything.
pub(super) fn figure_ns(contender: Contender, settings: &Settings, job: &Job) -> Result<f64> {
    let outcome = run(contender, settings, job)?;
    let lost = outcome.lost_by_profiler();
    ensure!(lost == 0, "the profiler lost {lost} samples or threads: see `lost` in its profile");
    Ok(outcome.timed.figure_ns)
}

fn alone(load: Command, folder: &Path) -> Result<Outcome> {
    let mut load = Load::start(load, folder)?;
    let timed = load.time(None)?;
    load.finish()?;
    Ok(Outcome { timed, consumer: None })
}

fn side_by_side(observer: Observer, load: Command, record: PathBuf) -> Result<Outcome> {
    let folder = record.parent().context("a file is in a folder")?;
    let mut load = Load::start(load, folder)?;
    let timed = load.time(Some(observer.id()))?;
    load.finish()?;
    let missed_program_runs = process::missed_program_runs(observer.id())?;
    let cpu_in_all = observer.end()?;
    Ok(Outcome { timed, consumer: Some(Consumer { cpu_in_all, missed_program_runs, record, profile: None }) })
}

fn around(command: Command, folder: &Path, record: PathBuf) -> Result<Outcome> {
    let mut around = Load::start(command, folder)?;
    let timed = around.time(Some(around.child.id()))?;
    let missed_program_runs = process::missed_program_runs(around.child.id())?;
    let cpu_in_all = around.finish()?;
    Ok(Outcome { timed, consumer: Some(Consumer { cpu_in_all, missed_program_runs, record, profile: None }) })
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
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(process::create(&stderr)?);
        let mut child = command.spawn().with_context(|| cannot_start(&command))?;
        let stdout = BufReader::new(child.stdout.take().context("the load has no standard output")?);
        Ok(Self { child, stdout, stderr })
    }

    /// Runs the timed part, and measures the CPU time of `consumer` meanwhile.
    fn time(&mut self, consumer: Option<u32>) -> Result<Timed> {
        let ready = self.line()?;
        let complaint = || process::last_lines(&self.stderr);
        ensure!(ready == "ready", "the load said {ready:?} and not that it is ready: {}", complaint());
        let used = || consumer.map_or(Ok(Duration::ZERO), process::cpu_time);
        let (before, begun) = (used()?, Instant::now());
        let stdin = self.child.stdin.as_mut().context("the load has no standard input")?;
        stdin.write_all(b"\n").context("cannot start the timed part of the load")?;
        let figure = self.line()?;
        let (wall, after) = (begun.elapsed(), used()?);
        let figure_ns = figure.parse().with_context(|| format!("the load said {figure:?} and no figure"))?;
        Ok(Timed { figure_ns, wall, cpu: after.saturating_sub(before) })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).context("cannot read what the load says")?;
        Ok(line.trim().to_owned())
    }

    /// Ends the process. Returns its CPU time, without its children's.
    fn finish(&mut self) -> Result<Duration> {
        drop(self.child.stdin.take());
        self.stdout.read_to_end(&mut Vec::new()).context("cannot read what the load says")?;
        let used = process::cpu_time_at_end(self.child.id())?;
        let status = self.child.wait().context("cannot wait for the load")?;
        ensure!(status.success(), "{status}: {}", process::last_lines(&self.stderr));
        Ok(used)
    }
}

impl Drop for Load {
    /// Still alive only after a failure.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _killed = self.child.kill();
        let _waited = self.child.wait();
    }
}
