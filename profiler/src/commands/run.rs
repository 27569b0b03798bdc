//! `profiler run -- COMMAND`: one command, from its first fault to its last switch.

use super::output::{Kept, Output, Wanted};
use super::{compare, messages};
use crate::cli::{LimitArgs, RunArgs};
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
use crate::report::{self, Style};
use crate::target::launch::{self, Held, Launch};
use crate::target::signals::Signals;
use crate::target::supervise::{self, Times};
use crate::target::user::Invoker;
use anyhow::{Context, Result, bail};
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
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

/// Runs the command. Returns the exit code to end with: the command's own.
///
/// # Errors
/// If the machine can't be profiled, the output can't be written, or the command can't be executed.
pub fn run(args: &RunArgs) -> Result<u8> {
    let user = if args.as_root { None } else { Invoker::detect()? };
    let limits = limits(&args.limits)?;
    let Some(name) = args.command.first() else { return compare::compare(args, user, limits) };
    if args.json && args.output.as_deref() != Some(Path::new("-")) {
        bail!("--json prints the profile instead of the report, so it needs --output -");
    }
    let path: PathBuf = args.output.clone().unwrap_or_else(|| Output::default_path(name));
    let wanted = Wanted { path: &path, flag: "--output", force: args.force };
    let output = Output::prepare(wanted, name, user.as_ref())?;
    let mut signals = Signals::take()?;
    check_machine(limits)?;
    let recipe = Recipe {
        name: None,
        command: args.command.clone(),
        user,
        limits,
        follow: !args.no_follow,
        duration: args.duration,
        interval: args.interval,
        measure_self: args.measure_self,
        more_to_come: false,
    };
    let profile = record(&recipe, recipe.hold(&signals)?, &mut signals, |_| {})?;
    let style = Style { threads: args.report.threads, ..Style::for_stderr() };
    let printed =
        if args.json { Ok(()) } else { messages::print(&format!("\n{}", report::single(&profile, &style))) };
    let written = output.write(&profile, recipe.user.as_ref());
    if let Ok(Kept::InPlace(path)) = &written {
        messages::tell(&format!("profile: {}", path.display()));
    }
    let left = if args.json || printed.is_err() { NOTHING_LEFT } else { REPORT_LEFT };
    let mut done = is_in_place(written, left);
    if let Err(error) = printed {
        messages::complain(&error);
        done = false;
    }
    Ok(code(exit_code(&profile.run), done))
}

/// The command's exit code, unless it says that all went well and the profiler's own part did not.
#[must_use]
pub fn code(of_command: u8, done: bool) -> u8 {
    if of_command == 0 && !done { 1 } else { of_command }
}

/// What is left of a run whose profile could not be written anywhere.
pub const REPORT_LEFT: &str = "the report above is all that is left of the run";

/// Likewise, without a report.
pub const NOTHING_LEFT: &str = "nothing is left of the run";

/// Whether a profile is where it was asked for. Says where it is instead, or what is `left`.
pub fn is_in_place(written: Result<Kept>, left: &'static str) -> bool {
    match written {
        Ok(Kept::Stdout | Kept::InPlace(_)) => true,
        Ok(Kept::Elsewhere { path, reason }) => {
            messages::complain(&reason.context(format!("the profile is kept in {} instead", path.display())));
            false
        }
        Err(error) => {
            messages::complain(&error.context(left));
            false
        }
    }
}

/// The limits, with the defaults that follow from one another.
///
/// # Errors
/// If they make no sense together.
fn limits(args: &LimitArgs) -> Result<Limits> {
    let default = Limits::for_threads(args.max_threads);
    let histogram_memory = args.histogram_memory.unwrap_or(default.histogram_memory);
    if histogram_memory > Limits::MOST_HISTOGRAM_MEMORY {
        bail!("--histogram-memory may be at most {}", bytesize::ByteSize(Limits::MOST_HISTOGRAM_MEMORY));
    }
    Ok(Limits { histogram_memory, ..default })
}

/// Fails with the words of `profiler doctor` for what is missing.
///
/// # Errors
/// [`Missing`].
pub fn check_machine(limits: Limits) -> Result<()> {
    let missing = requirements::missing(requirements::quick(limits));
    if missing.is_empty() { Ok(()) } else { bail!(Missing(missing)) }
}

/// The exit code that tells the target's fate: its own, or 128 and the signal that ended it.
#[must_use]
pub fn exit_code(run: &Run) -> u8 {
    let code = match (run.exit_code, run.signal) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => 1,
    };
    u8::try_from(code).unwrap_or(u8::MAX)
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
            started_at: started_at.to_string(),
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
