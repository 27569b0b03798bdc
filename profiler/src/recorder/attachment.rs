//! Processes that run already, being recorded: from the choice to the profile.

use super::Begun;
use crate::clock::monotonic_now;
use crate::files::messages;
use crate::kernel::load::{Living, Target};
use crate::kernel::session::Session;
use crate::privilege;
use crate::record::recording::{Recorded, Recording};
use crate::record::usage;
use crate::settings::Settings;
use crate::settings::selector::Selector;
use crate::target::select::{self, Process};
use anyhow::{Result, bail};
use jiff::{SignedDuration, Timestamp};
use model::outside_text::printable;
use model::profile::attached::Attached;
use model::profile::units::{Bytes, Nanos};
use model::profile::{CpusAllowed, Options, Profile, Run};
use std::collections::BTreeSet;

/// Processes that are being recorded.
pub(crate) struct Attachment {
    begun: Begun,
    /// Those whose threads joined.
    pub(crate) processes: Vec<Process>,
    /// The choice of processes.
    pub(crate) attached: Attached,
    started_at: Timestamp,
    started_ns: Nanos,
    cpus_allowed: Option<CpusAllowed>,
    options: Options,
}

impl Attachment {
    /// Attaches, and gives up the capabilities that took. `cut` says whether the recording is cut into intervals, which
    /// are in its profile then; without it the settings' interval is only of snapshots.
    ///
    /// # Errors
    /// If the kernel refuses, or none of the processes lives any more.
    pub(crate) fn begin(
        settings: &Settings,
        selector: &Selector,
        processes: Vec<Process>,
        cut: bool,
    ) -> Result<Self> {
        let living: Vec<Living> = processes.iter().map(living).collect();
        let begun = super::begin(settings, Target { pid: 0, living: &living })?;
        privilege::give_up()?;
        let started_ns = begun.recording.source().joined_from();
        let started_at = timestamp_of(started_ns)?;
        let mut options = settings.options();
        let begun = if cut { begun.cut_from(started_ns, settings) } else { begun };
        options.interval_ns = options.interval_ns.filter(|_| cut);
        let (processes, attached) = joined(selector, processes, begun.recording.source())?;
        let cpus_allowed = processes.first().map(|first| select::cpus_allowed(first.pid));
        Ok(Self { begun, processes, attached, started_at, started_ns, cpus_allowed, options })
    }

    /// The start of the recording.
    pub(crate) fn started_ns(&self) -> Nanos {
        self.started_ns
    }

    /// The recording.
    pub(crate) fn recording(&mut self) -> &mut Recording<Session> {
        &mut self.begun.recording
    }

    /// The running recording.
    pub(crate) fn session(&self) -> &Session {
        self.begun.recording.source()
    }

    /// Ends the recording.
    ///
    /// # Errors
    /// If the records can't be read.
    pub(crate) fn finish(self) -> Result<Profile> {
        let Self { begun, processes, attached, started_at, started_ns, cpus_allowed, options } = self;
        let (recorded, self_cost) = begun.finish(None)?;
        let wall_ns = Nanos(end(&recorded)?.0.saturating_sub(started_ns.0));
        let usage = usage::of_threads(&recorded, wall_ns, max_rss(&recorded, &processes));
        let run = Run {
            name: None,
            command: processes.into_iter().next().map(|process| process.command).unwrap_or_default(),
            attached: Some(attached),
            started_at: super::rfc3339(started_at),
            started_ns,
            wall_ns,
            exit_code: None,
            signal: None,
            cpus_allowed,
            options,
            workload: None,
        };
        Ok(super::profile(run, usage, recorded, self_cost))
    }
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
    selector: &Selector,
    processes: Vec<Process>,
    session: &Session,
) -> Result<(Vec<Process>, Attached)> {
    let (mut joined, mut described) = (Vec::new(), Vec::new());
    for process in processes {
        let threads = session.joined(living(&process))?;
        if threads > 0 {
            described.push(process.attached(threads));
            joined.push(process);
        } else if process.lives() {
            let shown = format!("process {} ({})", process.pid, printable(&process.name));
            let hidden = format!(
                "{shown} is in /proc, and the kernel shows none of its threads to the programs: it can't be recorded here"
            );
            match selector {
                Selector::Pids(_) => bail!("{hidden}"),
                _ => messages::tell(&hidden),
            }
        } else if let Selector::Pids(_) = selector {
            bail!(
                "process {} ({}) ended before it could be attached to",
                process.pid,
                printable(&process.name)
            );
        }
    }
    if joined.is_empty() {
        bail!("every process that was chosen ended before it could be attached to");
    }
    Ok((joined, Attached { selection: selector.into(), processes: described }))
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
