//! The recording of one command: held until every probe is live, released, supervised to its end, and made a profile of.

use crate::clock::monotonic_now;
use crate::kernel::load::Target;
use crate::outside_bytes;
use crate::privilege;
use crate::record::reconcile::Child;
use crate::record::recording::Recorded;
use crate::settings::Settings;
use crate::target::inherited::Inherited;
use crate::target::launch::{self, Held, Launch};
use crate::target::select;
use crate::target::signals::Signals;
use crate::target::supervise;
use crate::target::user::Invoker;
use anyhow::{Context, Result};
use model::outside_text::excerpt;
use model::profile::units::Nanos;
use model::profile::usage::Usage;
use model::profile::{Profile, Run, Workload};
use std::ffi::OsString;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ChildStdout;

/// A recording to make, checked.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// The name of the sample workload that the command is, if it is one: its standard output is then a JSON line
    /// about itself.
    pub(crate) name: Option<&'static str>,
    /// The command and its arguments, which need not be UTF-8; not empty.
    pub(crate) command: Vec<OsString>,
    /// The user that it runs as, if not that of this process.
    pub(crate) user: Option<Invoker>,
    /// The settings of the recording.
    pub(crate) settings: Settings,
    /// True if this process records another command after it, and so can't give up its capabilities yet.
    pub(crate) more_to_come: bool,
}

impl Recipe {
    /// Starts the command's process, held.
    ///
    /// # Errors
    /// As [`launch::start`].
    pub(crate) fn hold(&self, inherited: &Inherited) -> Result<Held> {
        launch::start(&Launch {
            command: self.command.clone(),
            user: self.user.clone(),
            capture_stdout: self.name.is_some(),
            inherited: inherited.clone(),
        })
    }
}

/// Records one command, which is held.
///
/// # Errors
/// If the kernel refuses the programs, the command can't be executed, or a signal came before it was; the child is
/// gone then.
pub(crate) fn record(
    recipe: &Recipe,
    held: Held,
    signals: &mut Signals,
    progress: impl FnMut(usize),
) -> Result<Profile> {
    let runtime = super::runtime()?;
    let _entered = runtime.enter();
    let begun = super::begin(&recipe.settings, Target { pid: held.pid(), living: &[] })?;
    if !recipe.more_to_come {
        privilege::give_up()?;
    }
    let (started_at, started_ns) = (jiff::Timestamp::now(), monotonic_now()?);
    let mut begun = begun.cut_from(started_ns, &recipe.settings);
    signals.fail_if_stopped()?;
    let cpus_allowed = select::cpus_allowed(held.pid());
    // The terminal's signals go to the child too, which may not live long enough to execute its command.
    let mut running = held.release().or_else(|error| signals.fail_if_stopped().and(Err(error)))?;
    let stdout = running.take_stdout();
    let ended = runtime.block_on(supervise::until_end(
        &mut running,
        &mut begun.recording,
        signals,
        (&recipe.settings).into(),
        progress,
    ))?;
    let child =
        Child { usage: &ended.usage, before_exec: &ended.before_exec, follow: recipe.settings.follow };
    let (recorded, self_cost) = begun.finish(Some(child))?;
    if recorded.threads.is_empty() {
        signals.fail_if_stopped()?;
    }
    let usage = until_its_end(ended.usage, &recorded, started_ns);
    let run = Run {
        name: recipe.name.map(str::to_owned),
        command: recipe.command.iter().map(outside_bytes::text).collect(),
        attached: None,
        started_at: super::rfc3339(started_at),
        started_ns,
        wall_ns: usage.wall_ns,
        exit_code: ended.status.code(),
        signal: ended.status.signal(),
        cpus_allowed: Some(cpus_allowed),
        options: recipe.settings.options(),
        workload: stdout.map(|stdout| summary(stdout, signals)).transpose()?.flatten(),
    };
    Ok(super::profile(run, usage, recorded, self_cost))
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

/// The output of a workload. A stopped one may leave half a line.
fn summary(stdout: ChildStdout, signals: &mut Signals) -> Result<Option<Workload>> {
    match read_summary(stdout) {
        Err(_) if signals.stopped_by()?.is_some() => Ok(None),
        read => read,
    }
}

/// The workload's own line. One that was ended early has written none.
pub(crate) fn read_summary(stdout: impl std::io::Read) -> Result<Option<Workload>> {
    /// The capacity of a pipe, and so the most that can be there once the workload has ended.
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
    use crate::recorder::rfc3339;

    #[test]
    fn a_moment_has_nine_digits_whatever_they_are() {
        let at = |nanos| rfc3339(jiff::Timestamp::new(1_800_000_000, nanos).unwrap());
        assert_eq!(at(0), "2027-01-15T08:00:00.000000000Z");
        assert_eq!(at(120_000_000), "2027-01-15T08:00:00.120000000Z");
    }
}
