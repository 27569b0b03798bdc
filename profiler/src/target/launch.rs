//! Starts the target held, releases it, waits for it, and takes its usage.

use super::family::Family;
use super::inherited::Inherited;
use super::signals::Arrived;
use super::user::Invoker;
use super::{hold, refusal};
use crate::outside_bytes;
use crate::remedy;
use anyhow::{Context, Result, bail};
use model::profile::units::{Bytes, Nanos};
use model::profile::usage::{BeforeExec, Usage};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Usage as RawUsage, UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::io::{PipeReader, PipeWriter, Read as _, Write as _, pipe};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use wait4::Wait4 as _;

/// A command that cannot be executed. Its exit code is the one a shell would give.
#[derive(Debug, thiserror::Error)]
#[error("cannot execute {command:?}: {reason}")]
pub struct ExecFailed {
    /// The command's name.
    pub command: String,
    /// The reason.
    pub reason: String,
    /// 126 or 127.
    pub code: u8,
}

/// The most by which the child's memory may grow between its last reading and its exec: pages of the code that executes
/// the command. 410 to 800 kB were seen: the kernel counts resident pages on each CPU, and adds them up now and then.
const EXEC_RSS_BYTES: u64 = 1 << 20;

/// A command to start.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The command and its arguments, which need not be UTF-8; not empty.
    pub command: Vec<OsString>,
    /// The user that it runs as, if not that of this process.
    pub user: Option<Invoker>,
    /// True if its standard output is read instead of passed through.
    pub capture_stdout: bool,
    /// State inherited from the caller, which the command is to find.
    pub inherited: Inherited,
}

/// A child that is ended when this is dropped, so that no error leaves it behind.
struct Guarded(Option<Child>);

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // On the way out of an error: what can't be ended has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A child that has not executed its command yet. Dropping it ends it.
pub struct Held {
    child: Guarded,
    pid: u32,
    command: String,
    release: PipeWriter,
    failure: PipeReader,
}

/// A child that runs its command. Dropping it ends it.
pub struct Running {
    child: Guarded,
    pid: u32,
    started: Instant,
    family: Family,
    before_exec: BeforeExec,
}

/// A child that has ended.
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// The kernel's charge for it from its exec on.
    pub usage: Usage,
    /// The charge before that.
    pub before_exec: BeforeExec,
}

/// A pipe, or why there is none and the remedy.
fn a_pipe() -> Result<(PipeReader, PipeWriter)> {
    pipe().map_err(|error| {
        let remedy = remedy::answer_of(&error).and_then(remedy::of_limit);
        failed("cannot make a pipe", error, remedy)
    })
}

/// Starts the child, held. Do it before anything large is allocated: what is forked counts as the child's.
///
/// # Errors
/// If this program can't start itself again.
pub fn start(launch: &Launch) -> Result<Held> {
    let (release_reader, release) = a_pipe()?;
    let (failure, failure_writer) = a_pipe()?;
    // Only the child's ends are inherited; they are dropped here once it has them.
    let ends = [inherit(&release_reader)?, inherit(&failure_writer)?];
    let mut command = Command::new("/proc/self/exe");
    command.arg(hold::COMMAND);
    command.args(["--release", &ends[0].to_string(), "--failure", &ends[1].to_string()]);
    let inherited = launch.inherited.clone();
    let inherited = if launch.capture_stdout { inherited.with_stdout() } else { inherited };
    command.arg("--inherited");
    command.arg(serde_json::to_string(&inherited).context("cannot write down what the caller gave")?);
    if let Some(user) = &launch.user {
        command.args(["--uid", &user.uid.to_string(), "--gid", &user.gid.to_string()]);
        if let Some((name, home)) = &user.known {
            command.env("USER", name).env("LOGNAME", name).env("HOME", home);
        }
    }
    command.arg("--").args(&launch.command);
    if launch.capture_stdout {
        command.stdout(Stdio::piped());
    }
    // Changes nothing, but has the standard library fork instead of sharing this process's memory with the child
    // (vfork): the kernel would count what is resident here as the child's largest resident set for ever.
    command.gid(nix::unistd::getgid().as_raw());
    let name = launch.command.first().map(outside_bytes::text).unwrap_or_default();
    let child = command.spawn().map_err(|error| not_started(&name, error))?;
    Ok(Held { pid: child.id(), child: Guarded(Some(child)), command: name, release, failure })
}

/// The error that this program can't start itself again with the command's arguments.
fn not_started(command: &str, error: std::io::Error) -> anyhow::Error {
    let remedy = match remedy::answer_of(&error) {
        // The command would meet the same limit.
        Some(Errno::E2BIG) => {
            return ExecFailed {
                command: command.to_owned(),
                reason: refusal::TOO_LONG.to_owned(),
                code: hold::NOT_EXECUTABLE,
            }
            .into();
        }
        Some(Errno::ENOENT) => Some("mount /proc, where this program finds itself"),
        answer => answer.and_then(remedy::of_limit),
    };
    failed("cannot start the child", error, remedy)
}

/// The error behind what could not be done and the remedy, if there is one.
fn failed(what: &str, error: std::io::Error, remedy: Option<&str>) -> anyhow::Error {
    let remedy = remedy.map_or_else(String::new, |remedy| format!("; {remedy}"));
    anyhow::Error::from(error).context(format!("{what}{remedy}"))
}

fn inherit(end: &(impl std::os::fd::AsFd + std::os::fd::AsRawFd)) -> Result<i32> {
    fcntl(end, FcntlArg::F_SETFD(FdFlag::empty())).context("cannot hand a pipe to the child")?;
    Ok(end.as_raw_fd())
}

impl Held {
    /// The child's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Has the child execute its command.
    ///
    /// # Errors
    /// [`ExecFailed`] if it can't; any other error if the child is gone.
    pub fn release(mut self) -> Result<Running> {
        let family = Family::of(self.pid)?;
        let started = Instant::now();
        let released = self.release.write_all(&[1]);
        let mut said = String::new();
        // Ends with the exec, which closes the other end, or with what went wrong.
        self.failure.read_to_string(&mut said).context("cannot hear from the child")?;
        let told = said.split_once('\n');
        if let Some(("", reason)) = told {
            bail!("{reason}");
        }
        released.context("the child ended before it was released")?;
        let (used, reason) = told.context("the child ended before it executed the command")?;
        let before_exec = serde_json::from_str(used).context("cannot understand the child's usage")?;
        if !reason.is_empty() {
            let status =
                self.child.0.as_mut().map(Child::wait).transpose().context("cannot wait for the child")?;
            let code = status.and_then(|status| u8::try_from(status.code()?).ok());
            bail!(ExecFailed {
                command: self.command.clone(),
                reason: reason.trim().to_owned(),
                code: code.unwrap_or(hold::NOT_EXECUTABLE),
            });
        }
        let Self { child, pid, .. } = self;
        Ok(Running { child, pid, started, family, before_exec })
    }
}

impl Running {
    /// The child's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The child's standard output, if it is captured and was not taken before.
    pub fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.0.as_mut()?.stdout.take()
    }

    /// Sends the child a signal. One that has ended is passed over.
    pub fn signal(&self, signal: Signal) {
        if let (Some(_), Ok(pid)) = (&self.child.0, i32::try_from(self.pid)) {
            // Not waited for yet, so the number is still the child's.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// Passes a signal on to the child, unless it has got it too.
    pub fn pass_on(&self, arrived: Arrived) {
        if let (Some(_), false, Ok(pid)) =
            (&self.child.0, arrived.has_reached(self.pid), i32::try_from(self.pid))
        {
            // Not waited for yet, so the number is still the child's.
            arrived.pass_on(pid);
        }
    }

    /// Sends a signal to every process of the command.
    pub fn signal_all(&self, signal: Signal) {
        self.signal(signal);
        self.family.signal_others(signal);
    }

    /// True if any process of the command still runs.
    #[must_use]
    pub fn is_anything_left(&self) -> bool {
        !self.family.members().is_empty()
    }

    /// Waits for what the command left behind and has ended.
    pub fn reap_orphans(&self) {
        self.family.reap_orphans();
    }

    /// The end of the child, if it has ended. After `Some` the child is gone.
    ///
    /// # Errors
    /// If the child can't be waited for.
    pub fn try_wait(&mut self) -> Result<Option<Ended>> {
        let Some(child) = &mut self.child.0 else { return Ok(None) };
        let before = usage_of_children()?;
        let Some(result) = child.try_wait4().context("cannot wait for the child")? else { return Ok(None) };
        let wall = self.started.elapsed();
        self.child.0 = None;
        let usage = self.usage(wall, &result.rusage, &before, &usage_of_children()?)?;
        Ok(Some(Ended { status: result.status, usage, before_exec: self.before_exec }))
    }

    /// The child is the only one waited for between `before` and `after`, so the growth of the sum over all children is
    /// its share. The largest resident set is not a sum; `wait4` gives it for the child alone.
    fn usage(
        &self,
        wall: Duration,
        own: &wait4::ResourceUsage,
        before: &RawUsage,
        after: &RawUsage,
    ) -> Result<Usage> {
        let held = &self.before_exec;
        let growth = |count: fn(&RawUsage) -> i64, held: u64| {
            let all = u64::try_from(count(after) - count(before))
                .context("the kernel's sum over all children shrank")?;
            all.checked_sub(held).context("the kernel's count of the child's usage shrank")
        };
        // The kernel scales its samples of user and system time to their exact sum, anew each time it is asked, so
        // that one of them may come out a little smaller than before.
        let user = own.utime.saturating_sub(Duration::from_nanos(held.user_ns.0));
        let system = own.stime.saturating_sub(Duration::from_nanos(held.system_ns.0));
        Ok(Usage {
            wall_ns: Nanos(u64::try_from(wall.as_nanos())?),
            user_ns: Some(Nanos(u64::try_from(user.as_nanos())?)),
            system_ns: Some(Nanos(u64::try_from(system.as_nanos())?)),
            cpu_ns: None,
            cpu_percent: 100.0 * (user + system).as_secs_f64() / wall.as_secs_f64(),
            max_rss_bytes: Some(Bytes(own.maxrss)),
            max_rss_floor_bytes: Some(Bytes(held.max_rss_bytes.0 + EXEC_RSS_BYTES)),
            voluntary_switches: growth(|usage| usage.voluntary_context_switches(), held.voluntary_switches)?,
            involuntary_switches: growth(
                |usage| usage.involuntary_context_switches(),
                held.involuntary_switches,
            )?,
            minor_faults: growth(|usage| usage.minor_page_faults(), held.minor_faults)?,
            major_faults: growth(|usage| usage.major_page_faults(), held.major_faults)?,
        })
    }
}

fn usage_of_children() -> Result<RawUsage> {
    getrusage(UsageWho::RUSAGE_CHILDREN).context("cannot read the usage of this process's children")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_are_too_long_are_the_commands_failure() {
        // The kernel takes less than this as one argument (include/uapi/linux/binfmts.h `MAX_ARG_STRLEN`).
        let argument = "a".repeat(1 << 17);
        let command = vec!["true".into(), argument.into()];
        let launch = Launch { command, user: None, capture_stdout: false, inherited: Inherited::default() };
        let error = start(&launch).err().unwrap();
        let failed = error.downcast_ref::<ExecFailed>().unwrap();
        assert_eq!(failed.code, hold::NOT_EXECUTABLE);
        assert!(failed.reason.contains("argument") && !error.to_string().contains("/proc"), "{error}");
    }

    #[test]
    fn a_child_that_cannot_be_started_has_the_remedy_of_its_error() {
        let said = |errno: Errno| format!("{:#}", not_started("true", errno.into()));
        assert!(said(Errno::EMFILE).contains("ulimit -n") && !said(Errno::EMFILE).contains("/proc"));
        assert!(said(Errno::EAGAIN).contains("ulimit -u"));
        assert!(said(Errno::ENOENT).contains("mount /proc"));
        assert!(!said(Errno::EACCES).contains("mount"));
    }
}
