//! The signals that concern a view, read from a descriptor, so that the terminal is restored first.

use crate::sys::signals::is_ignored;
use crate::target::effects::{self, Effect, Number};
use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::os::fd::{AsFd, BorrowedFd};

/// The request of a signal to the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// End the view.
    Quit,
    /// Stop, as a job of the shell.
    Suspend,
    /// Redraw: the terminal's size has changed.
    Draw,
    /// Redraw everything: others used the terminal meanwhile.
    DrawAnew,
}

impl Asked {
    /// The request of a signal, if it has one.
    fn by(signal: Number) -> Option<Self> {
        match (signal.named(), signal.effect()) {
            (Some(Signal::SIGTSTP), _) => Some(Self::Suspend),
            (Some(Signal::SIGWINCH), _) => Some(Self::Draw),
            (Some(Signal::SIGCONT), _) => Some(Self::DrawAnew),
            (_, Effect::Stops) => Some(Self::Quit),
            (_, Effect::Ends) => (!is_ignored(signal.get())).then_some(Self::Quit),
            (_, Effect::Child | Effect::None | Effect::Untaken) => None,
        }
    }
}

/// The signals of this process.
pub(super) struct Signals(SignalFd);

impl Signals {
    /// Blocks these signals and reads them from a descriptor.
    pub(super) fn take() -> Result<Self> {
        let mut mask = effects::taken();
        for of_a_job in [Signal::SIGTSTP, Signal::SIGCONT] {
            mask.add(of_a_job);
        }
        mask.thread_block().context("cannot block signals")?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Self(SignalFd::with_flags(&mask, flags).context("cannot take signals")?))
    }

    /// Reads the next request, if there is one.
    pub(super) fn read(&mut self) -> Result<Option<Asked>> {
        while let Some(info) = self.0.read_signal().context("cannot read a signal")? {
            if let Some(asked) = Number::try_from(info.ssi_signo).ok().and_then(Asked::by) {
                return Ok(Some(asked));
            }
        }
        Ok(None)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_ends_a_program_ends_the_view_in_order() {
        let asked = |signal: Signal| Asked::by(signal.into());
        for signal in [Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGALRM, Signal::SIGPWR] {
            assert_eq!(asked(signal), Some(Asked::Quit), "{signal}");
        }
        assert_eq!(asked(Signal::SIGTSTP), Some(Asked::Suspend));
        assert_eq!(asked(Signal::SIGWINCH), Some(Asked::Draw));
        for signal in [Signal::SIGCHLD, Signal::SIGURG] {
            assert_eq!(asked(signal), None, "{signal}");
        }
    }
}
