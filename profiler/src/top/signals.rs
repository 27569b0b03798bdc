//! The signals that concern a view: taken as they come, so that the terminal is put in order first.

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::os::fd::{AsFd, BorrowedFd};

const TAKEN: [Signal; 7] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGTSTP,
    Signal::SIGCONT,
    Signal::SIGWINCH,
];

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// To end.
    Quit,
    /// To stop, as a shell's job.
    Suspend,
    /// To draw: the terminal has another size.
    Draw,
    /// To draw everything anew: the terminal was used by others meanwhile.
    DrawAnew,
}

/// The signals of this process.
pub(super) struct Signals(SignalFd);

impl Signals {
    /// Takes them from here on.
    pub(super) fn take() -> Result<Self> {
        let mask: SigSet = TAKEN.into_iter().collect();
        mask.thread_block().context("cannot block signals")?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Self(SignalFd::with_flags(&mask, flags).context("cannot take signals")?))
    }

    /// What the next signal asks for, if one has come.
    pub(super) fn read(&mut self) -> Result<Option<Asked>> {
        let Some(info) = self.0.read_signal().context("cannot read a signal")? else { return Ok(None) };
        let number = i32::try_from(info.ssi_signo).ok();
        Ok(Some(match number.and_then(|number| Signal::try_from(number).ok()) {
            Some(Signal::SIGTSTP) => Asked::Suspend,
            Some(Signal::SIGWINCH) => Asked::Draw,
            Some(Signal::SIGCONT) => Asked::DrawAnew,
            _ => Asked::Quit,
        }))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
