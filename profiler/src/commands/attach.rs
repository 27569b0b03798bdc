//! `profiler attach`: processes that run already, recorded until they end, the time is over, or a signal comes. Nothing
//! is done to them.

use super::messages;
use super::output::{Output, Wanted};
use super::run::{self, Shown};
use super::settings::{self, Settings};
use crate::cli::{AttachArgs, ChoiceArgs};
use crate::kernel::load::{Living, Target};
use crate::kernel::session::Session;
use crate::privilege;
use crate::profile::attached::{Attached, Selection};
use crate::profile::units::{Bytes, Nanos};
use crate::profile::{Profile, Run};
use crate::record::recording::Recorded;
use crate::record::{monotonic_now, usage};
use crate::report::printable;
use crate::target::detach;
use crate::target::select::{self, Process, Selector};
use crate::target::signals::Signals;
use crate::target::user::Invoker;
use anyhow::{Context, Result, bail};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Attaches, and detaches again. Returns the exit code to end with.
///
/// # Errors
/// If the machine can't be profiled, the output can't be written, or no process can be attached to.
pub fn attach(args: &AttachArgs) -> Result<u8> {
    run::check_json(args.recording.json, args.output.as_deref())?;
    let user = Invoker::detect()?;
    let limits = run::limits(&args.recording.limits)?;
    let (selection, selector) = chosen_by(&args.choice);
    let processes = select::choose(&selector)?;
    let first = processes.first().context("no process was chosen")?;
    let path: PathBuf = args.output.clone().unwrap_or_else(|| Output::default_path(&first.name));
    let wanted = Wanted { path: &path, flag: "--output", force: args.recording.force };
    let output = Output::prepare(wanted, &first.name, user.as_ref())?;
    let mut signals = Signals::take()?;
    run::check_machine(limits)?;
    let settings = Settings {
        limits,
        follow: !args.no_follow,
        duration: args.duration,
        interval: args.recording.interval,
        measure_self: args.recording.measure_self,
    };
    let profile = record(&settings, selection, processes, &mut signals)?;
    let shown = Shown { json: args.recording.json, threads: args.recording.report.threads };
    Ok(run::code(0, run::hand_out(&profile, output, user.as_ref(), shown)))
}

/// Clap has seen to it that there is exactly one.
fn chosen_by(choice: &ChoiceArgs) -> (Selection, Selector) {
    match choice {
        ChoiceArgs { name: Some(name), .. } => {
            (Selection::Name(name.as_str().to_owned()), Selector::Name(name.clone()))
        }
        ChoiceArgs { cgroup: Some(path), .. } => {
            (Selection::Cgroup(path.display().to_string()), Selector::Cgroup(path.clone()))
        }
        ChoiceArgs { unit: Some(unit), .. } => (Selection::Unit(unit.clone()), Selector::Unit(unit.clone())),
        ChoiceArgs { pid, .. } => (Selection::Pid(pid.clone()), Selector::Pids(pid.clone())),
    }
}

/// Records processes until the recording is to end.
fn record(
    settings: &Settings,
    selection: Selection,
    processes: Vec<Process>,
    signals: &mut Signals,
) -> Result<Profile> {
    let runtime = settings::runtime()?;
    let _entered = runtime.enter();
    let living: Vec<Living> = processes.iter().map(living).collect();
    let begun = settings.begin(Target { pid: 0, living: &living, follow_children: settings.follow })?;
    privilege::give_up()?;
    let started_ns = begun.recording.source().joined_from();
    let started_at = timestamp_of(started_ns)?;
    let mut begun = begun.cut_from(started_ns, settings);
    let (processes, attached) = joined(selection, processes, begun.recording.source())?;
    let whom = printable(&attached.describe());
    messages::tell(&format!("attached to {whom}; Ctrl-C ends the recording, not the target"));
    let recording = &mut begun.recording;
    runtime.block_on(detach::until_over(&processes, recording, signals, settings.times()))?;
    let (recorded, self_cost) = begun.finish(None)?;
    let wall_ns = Nanos(end(&recorded)?.0.saturating_sub(started_ns.0));
    let usage = usage::of_threads(&recorded, wall_ns, max_rss(&recorded, &processes));
    let run = Run {
        name: None,
        command: processes.into_iter().next().map(|process| process.command).unwrap_or_default(),
        attached: Some(attached),
        started_at: settings::rfc3339(started_at),
        started_ns,
        wall_ns,
        exit_code: None,
        signal: None,
        options: settings.options(),
        workload: None,
    };
    Ok(settings::profile(run, usage, recorded, self_cost))
}

fn living(process: &Process) -> Living {
    Living { pid: process.pid, start_ticks: process.start_ticks }
}

/// The wall clock's time at a moment of CLOCK_MONOTONIC that has just passed.
fn timestamp_of(moment: Nanos) -> Result<Timestamp> {
    let (now, now_ns) = (Timestamp::now(), monotonic_now()?);
    let passed = SignedDuration::from_nanos(i64::try_from(now_ns.0.saturating_sub(moment.0))?);
    Ok(now.checked_sub(passed)?)
}

/// The processes whose threads are being recorded. One may have ended since it was chosen, and its number may be that of
/// another by now, whose threads did not join.
fn joined(
    selection: Selection,
    processes: Vec<Process>,
    session: &Session,
) -> Result<(Vec<Process>, Attached)> {
    let (mut joined, mut described) = (Vec::new(), Vec::new());
    for process in processes {
        let threads = session.joined(living(&process))?;
        if threads > 0 {
            described.push(process.attached(threads));
            joined.push(process);
        } else if let Selection::Pid(_) = selection {
            bail!("process {} ({}) ended before it could be attached to", process.pid, process.name);
        }
    }
    if joined.is_empty() {
        bail!("every process that was chosen ended before it could be attached to");
    }
    Ok((joined, Attached { selection, processes: described }))
}

/// Until when the target was recorded. When threads without a slot ended is not known.
fn end(recorded: &Recorded) -> Result<Nanos> {
    let last = recorded.threads.iter().map(|thread| thread.until_ns).max();
    last.filter(|_| recorded.without_slot.is_none()).map_or_else(monotonic_now, Ok)
}

/// The largest resident set of any process of the target, if none has ended and all of them are known.
fn max_rss(recorded: &Recorded, processes: &[Process]) -> Option<Bytes> {
    let pids: BTreeSet<u32> = recorded.threads.iter().map(|thread| thread.pid).collect();
    if recorded.without_slot.is_some() || pids.len() != processes.len() {
        return None;
    }
    let peaks: Option<Vec<Bytes>> = processes.iter().map(Process::peak_resident).collect();
    peaks?.into_iter().max()
}
