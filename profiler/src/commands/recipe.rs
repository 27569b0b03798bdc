//! How one command is recorded: held until every probe is live, released, watched to its end, and made a profile of.

use crate::kernel::load::{Limits, Target};
use crate::kernel::requirements::{self, Missing};
use crate::kernel::self_cost::{KernelCost, Measurement};
use crate::kernel::session::Session;
use crate::outside_text::excerpt;
use crate::privilege;
use crate::profile::units::{Bytes, Nanos};
use crate::profile::usage::Usage;
use crate::profile::{Options, Profile, Run, SCHEMA, Tool, Workload};
use crate::record::reconcile::Reference;
use crate::record::recording::{Recorded, Recording};
use crate::record::{machine, monotonic_now};
use crate::target::launch::{self, Held, Launch};
use crate::target::signals::Signals;
use crate::target::supervise::{self, Times};
use crate::target::user::Invoker;
use anyhow::{Context, Result};
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ChildStdout;
use std::time::Duration;

/// What to record, checked.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The name of the sample workload that the command is, if it is one: its standard output is then a JSON line
    /// about itself.
    pub name: Option<&'static str>,
    /// The command and its arguments; not empty.
    pub command: Vec<String>,
    /// Whom it runs as, if not as this process.
    pub user: Option<Invoker>,
    /// How much room the recording has.
    pub limits: Limits,
    /// Whether child processes are followed.
    pub follow: bool,
    /// The time limit.
    pub duration: Option<Duration>,
    /// How often a snapshot is taken, if any is.
    pub interval: Option<Duration>,
    /// Whether to measure what the recording itself costs.
    pub measure_self: bool,
    /// Whether this process records another command after it, and so can't give up its capabilities yet.
    pub more_to_come: bool,
}

impl Recipe {
    /// Starts the command's process, held.
    ///
    /// # Errors
    /// As [`launch::start`].
    pub fn hold(&self, signals: &Signals) -> Result<Held> {
        launch::start(&Launch {
            command: self.command.clone(),
            user: self.user.clone(),
            capture_stdout: self.name.is_some(),
            withheld: signals.withheld().to_vec(),
        })
    }
}

/// Records one command, which is held.
///
/// # Errors
/// If the kernel refuses the programs, the command can't be executed, or a signal came before it was; the child is
/// gone then.
pub fn record(
    recipe: &Recipe,
    held: Held,
    signals: &mut Signals,
    progress: impl FnMut(usize),
) -> Result<Profile> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start tokio")?;
    let _entered = runtime.enter();
    let target = Target { pid: held.pid(), follow_children: recipe.follow };
    let (session, measured) = privilege::raised(|| start(recipe, target))?;
    if !recipe.more_to_come {
        privilege::give_up()?;
    }
    let stolen_before = machine::stolen(Path::new("/"));
    let (started_at, started_ns) = (jiff::Timestamp::now(), monotonic_now()?);
    let mut recording = Recording::new(session);
    if recipe.interval.is_some() {
        recording = recording.with_intervals(started_ns);
    }
    signals.fail_if_stopped()?;
    // The terminal's signals go to the child too, which may not live long enough to execute its command.
    let mut running = held.release().or_else(|error| signals.fail_if_stopped().and(Err(error)))?;
    let stdout = running.take_stdout();
    let ended = runtime.block_on(supervise::until_end(
        &mut running,
        &mut recording,
        signals,
        Times { limit: recipe.duration, interval: recipe.interval },
        progress,
    ))?;
    let reference = Reference {
        usage: &ended.usage,
        before_exec: &ended.before_exec,
        follow: recipe.follow,
        stolen_ns: machine::stolen(Path::new("/")).at_most_since(&stolen_before),
    };
    let kernel_cost = measured.as_ref().map(|_| KernelCost::read(recording.source())).transpose()?;
    let recorded = recording.finish(Some(&reference))?;
    if recorded.threads.is_empty() {
        signals.fail_if_stopped()?;
    }
    let usage = until_its_end(ended.usage, &recorded, started_ns);
    let self_cost =
        measured.zip(kernel_cost).map(|(measured, kernel)| measured.finish(kernel)).transpose()?;
    Ok(Profile {
        schema: SCHEMA,
        tool: Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("PROFILER_COMMIT").map(str::to_owned),
        },
        machine: machine::read(Path::new("/")),
        run: Run {
            name: recipe.name.map(str::to_owned),
            command: recipe.command.clone(),
            started_at: rfc3339(started_at),
            started_ns,
            wall_ns: usage.wall_ns,
            exit_code: ended.status.code(),
            signal: ended.status.signal(),
            options: options(recipe),
            workload: stdout.map(|stdout| summary(stdout, signals)).transpose()?.flatten(),
        },
        usage: Some(usage),
        threads: recorded.threads,
        intervals: recorded.intervals,
        without_slot: recorded.without_slot,
        reconciliation: recorded.reconciliation,
        lost: recorded.lost,
        self_cost,
    })
}

/// Counts the wall time up to the last switch of the child's own threads, which is earlier than the moment at which
/// this process learnt of it: it may have been stopped then, or waited for a CPU.
fn until_its_end(usage: Usage, recorded: &Recorded, started: Nanos) -> Usage {
    // The child was there before everything else that was recorded.
    let Some(pid) = recorded.threads.first().map(|thread| thread.pid) else { return usage };
    if recorded.without_slot.is_some() {
        return usage;
    }
    let own = recorded.threads.iter().filter(|thread| thread.pid == pid);
    let end = own.map(|thread| thread.until_ns.0).max().unwrap_or_default();
    let wall_ns = Nanos(end.saturating_sub(started.0));
    if wall_ns.0 == 0 || wall_ns > usage.wall_ns {
        return usage;
    }
    let cpu_percent = usage.cpu_percent * usage.wall_ns.0 as f64 / wall_ns.0 as f64;
    Usage { wall_ns, cpu_percent, ..usage }
}

/// Everything that needs capabilities.
fn start(recipe: &Recipe, target: Target) -> Result<(Session, Option<Measurement>)> {
    let measured = recipe.measure_self.then(Measurement::start).transpose()?;
    let session = Session::start(recipe.limits, target, recipe.interval.is_some())
        .or_else(|error| explain(error, recipe.limits))?;
    Ok((session, measured))
}

/// A refusal of the kernel often has a cause that the doctor knows.
fn explain(error: anyhow::Error, limits: Limits) -> Result<Session> {
    let missing = requirements::missing(requirements::thorough(limits));
    if missing.is_empty() { Err(error) } else { Err(error.context(Missing(missing))) }
}

/// To the nanosecond, always in as many digits.
fn rfc3339(time: jiff::Timestamp) -> String {
    format!("{time:.9}")
}

fn nanos(time: Duration) -> Nanos {
    Nanos(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

fn options(recipe: &Recipe) -> Options {
    Options {
        follow: recipe.follow,
        max_threads: recipe.limits.max_threads,
        histogram_memory_bytes: Bytes(recipe.limits.histogram_memory),
        duration_ns: recipe.duration.map(nanos),
        interval_ns: recipe.interval.map(nanos),
    }
}

/// What a workload wrote. Half a line is no wonder of one that was stopped.
fn summary(stdout: ChildStdout, signals: &mut Signals) -> Result<Option<Workload>> {
    match read_summary(stdout) {
        Err(_) if signals.stopped_by()?.is_some() => Ok(None),
        read => read,
    }
}

/// The workload's own line. One that was ended early has written none.
pub(crate) fn read_summary(stdout: impl std::io::Read) -> Result<Option<Workload>> {
    /// What a pipe holds, and so the most that can be there once the workload has ended.
    const MOST_BYTES: u64 = 64 << 10;
    let mut bytes = Vec::new();
    stdout.take(MOST_BYTES).read_to_end(&mut bytes).context("cannot read the workload's output")?;
    let text = String::from_utf8_lossy(&bytes);
    if text.trim().is_empty() {
        return Ok(None);
    }
    let read: Option<Workload> = serde_json::from_str(text.trim()).ok();
    read.map(Some).with_context(|| format!("the workload wrote {} and not its summary", excerpt(text.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_nine_digits_whatever_they_are() {
        let at = |nanos| rfc3339(jiff::Timestamp::new(1_800_000_000, nanos).unwrap());
        assert_eq!(at(0), "2027-01-15T08:00:00.000000000Z");
        assert_eq!(at(120_000_000), "2027-01-15T08:00:00.120000000Z");
    }
}
