//! State that a process inherits across exec besides its arguments: signal dispositions and the mask, timers, limits,
//! closed descriptors, the signal at the parent's death. The profiler takes it over at its start and changes what would
//! hinder it; the command gets exactly what the caller gave.

use crate::privilege;
use crate::sys::{signals, startup, timers};
use anyhow::{Context, Result};
use caps::Capability;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::close;
use serde::{Deserialize, Serialize};

/// Limits that would hinder or end the profiler, whose soft value it raises as far as it may: they are meant for the
/// command.
const RAISED: [Resource; 6] = [
    Resource::RLIMIT_NOFILE,
    Resource::RLIMIT_FSIZE,
    Resource::RLIMIT_CPU,
    Resource::RLIMIT_AS,
    Resource::RLIMIT_DATA,
    Resource::RLIMIT_NPROC,
];

/// Dispositions that the profiler changes: children of whoever ignores SIGCHLD can't be waited for, and a write that
/// SIGPIPE or SIGXFSZ would answer is to fail instead.
const CHANGED: [(Signal, bool); 3] =
    [(Signal::SIGCHLD, false), (Signal::SIGPIPE, true), (Signal::SIGXFSZ, true)];

/// Signals are numbered from 1 to this (include/uapi/asm-generic/signal.h `_NSIG`).
pub(super) const LAST_SIGNAL: i32 = 64;

/// State inherited from the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inherited {
    /// The signals that are ignored: a bit for each, that of signal 1 first.
    ignored: u64,
    /// The signals that are blocked, likewise.
    blocked: u64,
    /// The standard descriptors that are closed.
    closed: Vec<i32>,
    /// The soft and the hard value of each of [`RAISED`].
    limits: [(u64, u64); RAISED.len()],
    /// Each of [`timers::ALL`]. None is set until they are taken over.
    timers: [timers::Timer; timers::ALL.len()],
    /// The signal that comes when the parent ends.
    at_parents_death: Option<i32>,
}

impl Inherited {
    /// Takes over what the caller gave, timers left alone.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn take() -> Result<Self> {
        let mut limits = [(0, 0); RAISED.len()];
        for (limit, resource) in limits.iter_mut().zip(RAISED) {
            *limit = getrlimit(resource).context("cannot read a limit of this process")?;
            raise(resource, *limit);
        }
        let mut ignored = 0;
        for signal in (1..=LAST_SIGNAL).filter(|signal| signals::is_ignored(*signal)) {
            set_bit(&mut ignored, signal, true);
        }
        set_bit(&mut ignored, Signal::SIGPIPE as i32, startup::ignored_sigpipe());
        for (signal, is_ignored) in CHANGED {
            signals::set_ignored(signal, is_ignored).context("cannot change what a signal does")?;
        }
        Ok(Self {
            ignored,
            blocked: signals::blocked().context("cannot read which signals are blocked")?,
            closed: startup::closed().collect(),
            limits,
            timers: Default::default(),
            // Fails for one that is for real-time use; nobody is known to ask for one.
            at_parents_death: prctl::get_pdeathsig().ok().flatten().map(|signal| signal as i32),
        })
    }

    /// Takes over the timers: they would send this process a signal that is meant for the command.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn with_timers(mut self) -> Result<Self> {
        for (timer, which) in self.timers.iter_mut().zip(timers::ALL) {
            *timer = timers::set(which, timers::Timer::default()).context("cannot take a timer over")?;
        }
        Ok(self)
    }

    /// The same for a command whose standard output is captured.
    #[must_use]
    pub fn with_stdout(mut self) -> Self {
        self.closed.retain(|descriptor| *descriptor != 1);
        self
    }

    /// The signals that the caller ignored.
    pub(super) fn ignored(&self) -> u64 {
        self.ignored
    }

    /// The signals that the caller blocked.
    pub(super) fn blocked(&self) -> u64 {
        self.blocked
    }

    /// Gives this process all but the timers. Signals that have come and are let through now take effect.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub(super) fn give(&self) -> Result<()> {
        if let Some(signal) = self.at_parents_death {
            prctl::set_pdeathsig(Signal::try_from(signal)?)
                .context("cannot set the signal at the parent's death")?;
        }
        for ((soft, hard), resource) in self.limits.into_iter().zip(RAISED) {
            if getrlimit(resource) != Ok((soft, hard)) {
                setrlimit(resource, soft, hard).context("cannot give a limit back")?;
            }
        }
        for descriptor in &self.closed {
            close(*descriptor).context("cannot close a standard descriptor")?;
        }
        for (signal, _) in CHANGED {
            let is_ignored = self.ignored >> (signal as i32 - 1) & 1 == 1;
            signals::set_ignored(signal, is_ignored).context("cannot give a signal's effect back")?;
        }
        signals::block_only(self.blocked).context("cannot let signals through")
    }

    /// Sets the timers of this process. They run from here on.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub(super) fn start_timers(&self) -> Result<()> {
        for (timer, which) in self.timers.into_iter().zip(timers::ALL) {
            if timer.is_set() {
                timers::set(which, timer).context("cannot give a timer back")?;
            }
        }
        Ok(())
    }
}

/// Raises a limit's soft value as far as possible. Where it is not, the limit holds for the profiler too, and what it
/// hinders tells of it.
fn raise(resource: Resource, (soft, hard): (u64, u64)) {
    // A profile that can't be written is lost, and without memory for the maps there is none; who may raise these limits was
    // not to be kept from it.
    const LIFTED: [Resource; 3] = [Resource::RLIMIT_FSIZE, Resource::RLIMIT_AS, Resource::RLIMIT_DATA];
    let _ = if LIFTED.contains(&resource) && privilege::may_use(Capability::CAP_SYS_RESOURCE) {
        privilege::raised(|| Ok(setrlimit(resource, nix::libc::RLIM_INFINITY, nix::libc::RLIM_INFINITY)?))
    } else if soft < hard {
        setrlimit(resource, hard, hard).map_err(Into::into)
    } else {
        Ok(())
    };
}

fn set_bit(set: &mut u64, signal: i32, value: bool) {
    let bit = 1 << (signal - 1);
    *set = if value { *set | bit } else { *set & !bit };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_set_and_cleared() {
        let mut set = 0b11;
        set_bit(&mut set, Signal::SIGPIPE as i32, true);
        assert_eq!(set, 0b11 | 1 << 12);
        set_bit(&mut set, Signal::SIGPIPE as i32, false);
        assert_eq!(set, 0b11);
    }
}
