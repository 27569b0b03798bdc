//! The signals that stop a run: taken as they come instead of ending this process.

use anyhow::{Context, Result, bail};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{Pid, getpgid, getpgrp, getpid, getsid};
use std::os::fd::{AsFd, BorrowedFd};

/// Signals that stop a run.
const STOPPING: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// `ssi_code` of a signal that the kernel itself sent (include/uapi/asm-generic/siginfo.h `SI_KERNEL`): from
/// the terminal.
const FROM_THE_KERNEL: i32 = 0x80;

/// A run that was stopped before there was anything to record.
#[derive(Debug, thiserror::Error)]
#[error("interrupted before the command started ({0})")]
pub struct Interrupted(pub Signal);

/// The exit code that tells of a signal, as a shell gives it.
#[must_use]
pub fn exit_code(signal: Signal) -> u8 {
    // Signals are numbered from 1 to 64.
    128 + signal as u8
}

/// The signals of this process.
pub struct Signals {
    fd: SignalFd,
    withheld: Vec<Signal>,
    stopped_by: Option<Signal>,
}

/// A signal that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Which.
    pub signal: Signal,
    from_the_terminal: bool,
}

impl Arrived {
    /// Whether a process has got it too: the terminal sends its signals to the process group in the foreground, which
    /// is this process's if it gets any. Only that it hangs up it tells the leader of the session alone
    /// (drivers/tty/tty_jobctrl.c `tty_signal_session_leader`).
    ///
    /// What somebody sends to the whole group with kill(2) looks like what is sent to this process alone.
    #[must_use]
    pub fn has_reached(self, pid: u32) -> bool {
        let leads_session = || getsid(None) == Ok(getpid());
        self.from_the_terminal
            && is_in_group(pid, getpgrp())
            && !(self.signal == Signal::SIGHUP && leads_session())
    }
}

fn is_in_group(pid: u32, group: Pid) -> bool {
    i32::try_from(pid).is_ok_and(|pid| getpgid(Some(Pid::from_raw(pid))) == Ok(group))
}

impl Signals {
    /// Takes the signals from here on; SIGHUP only if `nohup` does not have this process ignore it. (SIGINT is
    /// ignored too by what a shell script starts in the background, and is meant for it all the same when it comes.)
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn take() -> Result<Self> {
        let mut taken = STOPPING.to_vec();
        if ignored()?.contains(Signal::SIGHUP) {
            taken.retain(|signal| *signal != Signal::SIGHUP);
        }
        taken.push(Signal::SIGCHLD);
        let before = SigSet::thread_get_mask().context("cannot read which signals are blocked")?;
        let mask: SigSet = taken.iter().copied().collect();
        mask.thread_block().context("cannot block signals")?;
        let fd = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
            .context("cannot take signals")?;
        taken.retain(|signal| !before.contains(*signal));
        Ok(Self { fd, withheld: taken, stopped_by: None })
    }

    /// The signals that reach no child of this process until the child itself lets them through.
    #[must_use]
    pub fn withheld(&self) -> &[Signal] {
        &self.withheld
    }

    /// The next signal, if one has come.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn read(&mut self) -> Result<Option<Arrived>> {
        while let Some(info) = self.fd.read_signal().context("cannot read a signal")? {
            let number = i32::try_from(info.ssi_signo).ok();
            let Some(signal) = number.and_then(|number| Signal::try_from(number).ok()) else { continue };
            if STOPPING.contains(&signal) {
                self.stopped_by.get_or_insert(signal);
            }
            return Ok(Some(Arrived { signal, from_the_terminal: info.ssi_code == FROM_THE_KERNEL }));
        }
        Ok(None)
    }

    /// The first signal that has come to stop the run.
    ///
    /// # Errors
    /// If the signals can't be read.
    pub fn stopped_by(&mut self) -> Result<Option<Signal>> {
        while self.read()?.is_some() {}
        Ok(self.stopped_by)
    }

    /// For where there is nothing to stop yet.
    ///
    /// # Errors
    /// [`Interrupted`] if a signal has come to stop the run.
    pub fn fail_if_stopped(&mut self) -> Result<()> {
        match self.stopped_by()? {
            Some(signal) => bail!(Interrupted(signal)),
            None => Ok(()),
        }
    }
}

impl AsFd for Signals {
    /// Becomes readable when a signal has come.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Lets signals through that the parent withheld, those that have come meanwhile among them.
///
/// # Errors
/// If there is no such signal.
pub fn let_through(withheld: &[i32]) -> Result<()> {
    let signals: SigSet = withheld
        .iter()
        .map(|number| Signal::try_from(*number))
        .collect::<Result<_, _>>()
        .context("cannot let a signal through")?;
    signals.thread_unblock().context("cannot let signals through")
}

fn ignored() -> Result<SigSet> {
    let status = std::fs::read_to_string("/proc/self/status").context("cannot read /proc/self/status")?;
    ignored_in(&status).context("/proc/self/status does not say which signals are ignored")
}

/// The signals of `SigIgn` in /proc/PID/status: a bit for each, that of signal 1 first.
#[must_use]
pub fn ignored_in(status: &str) -> Option<SigSet> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    Some(Signal::iterator().filter(|signal| mask >> (*signal as i32 - 1) & 1 == 1).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    #[test]
    fn what_the_terminal_sends_reaches_only_the_group() {
        let start = |group: Option<i32>| {
            let mut command = Command::new("sleep");
            command.arg("10");
            group.map(|group| command.process_group(group));
            command.spawn().unwrap()
        };
        let (mut beside, mut apart) = (start(None), start(Some(0)));
        let typed = Arrived { signal: Signal::SIGINT, from_the_terminal: true };
        let sent = Arrived { from_the_terminal: false, ..typed };
        assert!(typed.has_reached(beside.id()));
        assert!(!typed.has_reached(apart.id()));
        assert!(!sent.has_reached(beside.id()));
        for child in [&mut beside, &mut apart] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    #[test]
    fn ignored_signals_are_read_from_their_bits() {
        // What `trap '' HUP INT` leaves in a shell.
        let ignored =
            ignored_in("Name:\tsh\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000003\n").unwrap();
        let ignored: Vec<Signal> = ignored.iter().collect();
        assert_eq!(ignored, [Signal::SIGHUP, Signal::SIGINT]);
        assert!(ignored_in("SigIgn:\tnone\n").is_none());
        assert!(ignored_in("Name:\tsh\n").is_none());
    }

    #[test]
    fn a_signal_has_a_shells_exit_code() {
        assert_eq!(exit_code(Signal::SIGINT), 130);
        assert_eq!(exit_code(Signal::SIGTERM), 143);
    }
}
