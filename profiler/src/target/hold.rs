//! The child's first moment. `run` starts this program again as its child; it takes on the user's identity,
//! holds until every probe is live, and then executes the command in its own place. Nothing of the profiler's
//! memory is in it, so the command's usage starts from little.

use super::inherited::Inherited;
use super::refusal::{self, Refusal};
use crate::privilege;
use crate::sys::trim::{self, Peak};
use anyhow::{Context, Result};
use model::profile::units::{Bytes, Nanos};
use model::profile::usage::BeforeExec;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use nix::unistd::{Gid, Uid, User, close, execvp, initgroups, setgid, setgroups, setuid};
use std::ffi::{CString, OsString};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;

/// The hidden command.
pub const COMMAND: &str = "__hold";

/// Exit code for a command that was not found (POSIX `sh`, 2.8.2).
pub const NOT_FOUND: u8 = 127;

/// Exit code for a command that was found and can't be executed (likewise).
pub const NOT_EXECUTABLE: u8 = 126;

/// The orders of a held child, from its command line.
#[derive(Debug)]
pub struct Order {
    /// The descriptor on which the release comes.
    pub release: i32,
    /// The descriptor that takes the error if the command can't be executed.
    pub failure: i32,
    /// State inherited from the caller, as JSON.
    pub inherited: String,
    /// The user and the group to become.
    pub user: Option<(u32, u32)>,
    /// The command.
    pub command: Vec<OsString>,
}

/// Holds, then executes the command. Returns the exit code only if that is not possible, or if the profiler is
/// gone.
///
/// # Errors
/// If the descriptors are not those of a profiler, or the identity can't be changed.
pub fn hold(order: &Order) -> Result<u8> {
    let inherited: Inherited = serde_json::from_str(&order.inherited).with_context(|| {
        format!("cannot understand what the command is to find; {COMMAND} is for profiler run only")
    })?;
    // Opened again rather than used as they are: these copies close by themselves at exec, and the inherited
    // numbers are closed now, so that the command finds neither.
    let mut release = reopen(order.release, OpenOptions::new().read(true))?;
    let mut failure = reopen(order.failure, OpenOptions::new().write(true))?;
    let mut peak = Peak::open();
    if let Err(error) = settle(order) {
        return give_up(&mut failure, &error);
    }
    let mut go = [0];
    if release.read_exact(&mut go).is_err() {
        // The profiler is gone: nothing is started.
        return Ok(0);
    }
    // First: a signal that was withheld may end this process, and then it has nothing to tell.
    if let Err(error) = inherited.give() {
        return give_up(&mut failure, &error);
    }
    let program = order.command.first().context("there is no command to hold")?;
    let command =
        order.command.iter().map(|word| CString::new(word.as_bytes())).collect::<Result<Vec<_>, _>>();
    let command = command.context("an argument holds a zero byte")?;
    trim::trim()?;
    inherited.start_timers()?;
    // Maps again what telling needs, so that it does not count as the command's a moment later.
    write!(std::io::sink(), "{}", usage_line()?).context("cannot write down this process's usage")?;
    peak.set_back()?;
    tell_usage(&mut failure)?;
    // The standard library's exec would set SIGPIPE back, which the command may be meant to ignore.
    let Err(error) = execvp(command.first().context("there is no command to hold")?, &command);
    let Refusal { reason, code } = refusal::explain(program, &error.into());
    writeln!(failure, "{reason}").context("cannot tell the profiler that the command failed")?;
    Ok(code)
}

/// Tells the profiler why the command is not executed.
fn give_up(failure: &mut File, error: &anyhow::Error) -> Result<u8> {
    // The empty line stands for the usage, which is told only of a child that got so far.
    write!(failure, "\n{error:#}").context("cannot tell the profiler what is wrong")?;
    Ok(NOT_EXECUTABLE)
}

/// Takes on the identity that the command is to have.
fn settle(order: &Order) -> Result<()> {
    if let Some((uid, gid)) = order.user {
        become_user(Uid::from_raw(uid), Gid::from_raw(gid))
            .context("cannot take on the identity of the calling user")?;
    }
    privilege::disinherit()
}

/// The profiler takes the usage of this process so far off the command's.
fn tell_usage(to: &mut File) -> Result<()> {
    writeln!(to, "{}", usage_line()?).context("cannot tell the profiler this process's usage")
}

fn usage_line() -> Result<String> {
    serde_json::to_string(&own_usage()?).context("cannot write down this process's usage")
}

/// The unit of `ru_maxrss` (getrusage(2)).
const BYTES_PER_KIBIBYTE: u64 = 1024;

fn own_usage() -> Result<BeforeExec> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).context("cannot read this process's usage")?;
    Ok(BeforeExec {
        user_ns: Nanos(u64::try_from(usage.user_time().num_nanoseconds())?),
        system_ns: Nanos(u64::try_from(usage.system_time().num_nanoseconds())?),
        voluntary_switches: u64::try_from(usage.voluntary_context_switches())?,
        involuntary_switches: u64::try_from(usage.involuntary_context_switches())?,
        minor_faults: u64::try_from(usage.minor_page_faults())?,
        major_faults: u64::try_from(usage.major_page_faults())?,
        max_rss_bytes: Bytes(u64::try_from(usage.max_rss())? * BYTES_PER_KIBIBYTE),
    })
}

fn reopen(descriptor: i32, how: &OpenOptions) -> Result<File> {
    let path = format!("/proc/self/fd/{descriptor}");
    let file =
        how.open(&path).with_context(|| format!("cannot open {path}; {COMMAND} is for profiler run only"))?;
    close(descriptor).with_context(|| format!("cannot close descriptor {descriptor}"))?;
    Ok(file)
}

/// Supplementary groups first, the user last: after that nothing can be changed any more.
fn become_user(uid: Uid, gid: Gid) -> Result<()> {
    match User::from_uid(uid)? {
        Some(user) => {
            let name = CString::new(user.name.clone())?;
            initgroups(&name, gid)?;
        }
        None => setgroups(&[gid])?,
    }
    setgid(gid)?;
    setuid(uid)?;
    Ok(())
}
