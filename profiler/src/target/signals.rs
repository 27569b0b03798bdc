//! The signals that come to the profiler: taken as they come instead of ending this process, and passed on where they are
//! meant for a command.

use super::effects::{Effect, Number, taken};
use super::inherited::Inherited;
use crate::sys::signals as sys;
use anyhow::{Context, Result, bail};
use nix::libc::{SI_KERNEL, SI_QUEUE, signalfd_siginfo};
use nix::sys::signal::Signal;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{Pid, getpgid, getpgrp, getpid, getsid};
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};

/// A run that was stopped before there was anything to record.
#[derive(Debug, thiserror::Error)]
#[error("interrupted before the command started ({0})")]
pub struct Interrupted(pub Number);

/// The addressee of signals that come to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeantFor {
    /// A command that it runs, to which all are passed on.
    Command,
    /// Itself, which records or shows what others do.
    Profiler,
    /// Itself, which has SIGHUP to read its configuration again, and is ended by SIGABRT: it is how a service manager asks
    /// for a core dump of a daemon that does not answer any more.
    Daemon,
}

/// The exit code that tells of a signal, as a shell gives it.
#[must_use]
pub fn exit_code(signal: Number) -> u8 {
    // Signals are numbered from 1 to 64.
    128 + u8::try_from(signal.get()).unwrap_or_default()
}

/// The signals of this process.
pub struct Signals {
    fd: SignalFd,
    meant_for: MeantFor,
    /// Signals that the caller ignored and blocked.
    ignored: u64,
    blocked: u64,
    stopped_by: Option<Number>,
    /// Signals that came before there was a command that they could be passed on to.
    early: VecDeque<Arrived>,
}

/// A signal that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    number: Number,
    from_the_terminal: bool,
    /// The value that came with it from sigqueue(3).
    value: Option<u64>,
}

impl Arrived {
    fn of(info: &signalfd_siginfo) -> Option<Self> {
        let number = Number::try_from(info.ssi_signo).ok()?;
        // A timer's signal is from the kernel too, and comes to one process only.
        let from_the_terminal = info.ssi_code == SI_KERNEL && !TIMERS.contains(&number.named());
        let value = (info.ssi_code == SI_QUEUE).then_some(info.ssi_ptr);
        Some(Self { number, from_the_terminal, value })
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> Number {
        self.number
    }

    /// The signal, unless it is for real-time use.
    #[must_use]
    pub fn signal(self) -> Option<Signal> {
        self.number.named()
    }

    /// Sends it to a process, which must not have been waited for. One that has ended is passed over.
    pub fn pass_on(self, pid: i32) {
        let number = self.number.get();
        // Ended, or another user's by now: nobody to be told.
        let _ = match self.value {
            Some(value) => sys::send_with(pid, number, value),
            None => sys::send(pid, number),
        };
    }

    /// True if a process has got it too: the terminal sends its signals to the process group in the foreground, which
    /// is this process's if it gets any. Only that it hangs up it tells the leader of the session alone
    /// (drivers/tty/tty_jobctrl.c `tty_signal_session_leader`).
    ///
    /// A signal sent to the whole group with kill(2) looks like one sent to this process alone.
    #[must_use]
    pub fn has_reached(self, pid: u32) -> bool {
        let leads_session = || getsid(None) == Ok(getpid());
        self.from_the_terminal
            && is_in_group(pid, getpgrp())
            && !(self.signal() == Some(Signal::SIGHUP) && leads_session())
    }
}

/// The signals of interval timers.
const TIMERS: [Option<Signal>; 3] = [Some(Signal::SIGALRM), Some(Signal::SIGVTALRM), Some(Signal::SIGPROF)];

fn is_in_group(pid: u32, group: Pid) -> bool {
    i32::try_from(pid).is_ok_and(|pid| getpgid(Some(Pid::from_raw(pid))) == Ok(group))
}

impl Signals {
    /// Takes the signals from here on; for all threads that this one starts, so it comes before them.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn take(inherited: &Inherited, meant_for: MeantFor) -> Result<Self> {
        let mut mask = taken();
        if meant_for == MeantFor::Daemon {
            mask.remove(Signal::SIGABRT);
        }
        mask.thread_block().context("cannot block signals")?;
        let fd = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
            .context("cannot take signals")?;
        Ok(Self {
            fd,
            meant_for,
            ignored: inherited.ignored(),
            blocked: inherited.blocked(),
            stopped_by: None,
            early: VecDeque::new(),
        })
    }

    /// The next signal that means something, if one has come.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn read(&mut self) -> Result<Option<Arrived>> {
        while let Some(info) = self.fd.read_signal().context("cannot read a signal")? {
            let Some(arrived) = Arrived::of(&info).filter(|arrived| self.concerns(arrived.number)) else {
                continue;
            };
            if self.stops(arrived.number) {
                self.stopped_by.get_or_insert(arrived.number);
            }
            return Ok(Some(arrived));
        }
        Ok(None)
    }

    /// True if a signal means something. SIGHUP does not where `nohup` has it ignored. (SIGINT is ignored too by what a
    /// shell script starts in the background, and is meant for it all the same when it comes.)
    fn concerns(&self, number: Number) -> bool {
        let is_hangup = number.named() == Some(Signal::SIGHUP);
        match (number.effect(), self.meant_for) {
            (Effect::Child, _) => true,
            (Effect::Stops, MeantFor::Command | MeantFor::Profiler) if is_hangup => {
                !number.is_in(self.ignored)
            }
            (Effect::Stops, _) | (Effect::Ends | Effect::None, MeantFor::Command) => true,
            (Effect::Ends, MeantFor::Profiler | MeantFor::Daemon) => self.would_end(number),
            (Effect::None | Effect::Untaken, _) => false,
        }
    }

    /// True if a signal stops a run, should there be nothing yet that it could be passed on to.
    fn stops(&self, number: Number) -> bool {
        match number.effect() {
            Effect::Stops => true,
            Effect::Ends => self.would_end(number),
            Effect::Child | Effect::None | Effect::Untaken => false,
        }
    }

    /// True if a signal would end a program that does nothing about it.
    fn would_end(&self, number: Number) -> bool {
        !number.is_in(self.ignored) && !number.is_in(self.blocked)
    }

    /// The first signal that has come to stop the run.
    ///
    /// # Errors
    /// If the signals can't be read.
    pub fn stopped_by(&mut self) -> Result<Option<Number>> {
        while let Some(arrived) = self.read()? {
            self.early.push_back(arrived);
        }
        Ok(self.stopped_by)
    }

    /// Signals that came before the command was there and are to be passed on to it now.
    pub fn take_early(&mut self) -> VecDeque<Arrived> {
        let mut early = std::mem::take(&mut self.early);
        early.retain(|arrived| matches!(arrived.number.effect(), Effect::Stops | Effect::Ends));
        early
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
        let typed = Arrived { number: Signal::SIGINT.into(), from_the_terminal: true, value: None };
        let sent = Arrived { from_the_terminal: false, ..typed };
        assert!(typed.has_reached(beside.id()));
        assert!(!typed.has_reached(apart.id()));
        assert!(!sent.has_reached(beside.id()));
        for child in [&mut beside, &mut apart] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn signals(meant_for: MeantFor, ignored: &[Signal], blocked: &[Signal]) -> Signals {
        let bits =
            |signals: &[Signal]| signals.iter().fold(0, |bits, signal| bits | 1 << (*signal as i32 - 1));
        let fd = SignalFd::with_flags(&nix::sys::signal::SigSet::empty(), SfdFlags::SFD_NONBLOCK).unwrap();
        let (ignored, blocked) = (bits(ignored), bits(blocked));
        Signals { fd, meant_for, ignored, blocked, stopped_by: None, early: VecDeque::new() }
    }

    #[test]
    fn what_the_caller_ignores_ends_nothing_but_is_passed_on() {
        let meant_for =
            |meant_for| signals(meant_for, &[Signal::SIGHUP, Signal::SIGUSR1], &[Signal::SIGUSR2]);
        let (command, profiler) = (meant_for(MeantFor::Command), meant_for(MeantFor::Profiler));
        let daemon = meant_for(MeantFor::Daemon);
        // The signal; whether it is passed on to a command, ends a recording, concerns a daemon, stops before the start.
        let table = [
            (Signal::SIGTERM, true, true, true, true),
            (Signal::SIGHUP, false, false, true, true),
            (Signal::SIGUSR1, true, false, false, false),
            (Signal::SIGUSR2, true, false, false, false),
            (Signal::SIGALRM, true, true, true, true),
            (Signal::SIGWINCH, true, false, false, false),
            (Signal::SIGXFSZ, false, false, false, false),
        ];
        for (signal, passed_on, ends, concerns_daemon, stops) in table {
            let number = Number::from(signal);
            let found = (
                command.concerns(number),
                profiler.concerns(number),
                daemon.concerns(number),
                command.stops(number),
            );
            assert_eq!(found, (passed_on, ends, concerns_daemon, stops), "{signal}");
        }
    }

    #[test]
    fn a_signal_has_a_shells_exit_code() {
        assert_eq!(exit_code(Signal::SIGINT.into()), 130);
        assert_eq!(exit_code(Signal::SIGTERM.into()), 143);
    }
}
