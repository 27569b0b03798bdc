//! Each signal's effect on the profiler, in one table.

use super::inherited::LAST_SIGNAL;
use nix::sys::signal::{SigSet, Signal};
use std::fmt;

/// A signal by its number, 1 to 64: those for real-time use have no other name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(i32);

impl Number {
    /// The number as it is in the kernel.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0
    }

    /// The signal, unless it is for real-time use.
    #[must_use]
    pub fn named(self) -> Option<Signal> {
        Signal::try_from(self.0).ok()
    }

    /// Its effect.
    #[must_use]
    pub fn effect(self) -> Effect {
        self.named().map_or(Effect::Ends, effect_of)
    }

    /// True if it is in a set of the kernel's: a bit for each, that of signal 1 first.
    #[must_use]
    pub fn is_in(self, set: u64) -> bool {
        set >> (self.0 - 1) & 1 == 1
    }
}

impl From<Signal> for Number {
    fn from(signal: Signal) -> Self {
        Self(signal as i32)
    }
}

impl TryFrom<u32> for Number {
    type Error = u32;

    fn try_from(number: u32) -> Result<Self, u32> {
        match i32::try_from(number) {
            Ok(signal @ 1..=LAST_SIGNAL) => Ok(Self(signal)),
            _ => Err(number),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.named() {
            Some(signal) => signal.fmt(to),
            None => write!(to, "signal {}", self.0),
        }
    }
}

/// Effect of a signal on the profiler. One that is meant for a command is passed on to it in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The user wants it to end, even if whoever started it blocks or ignores the signal.
    Stops,
    /// It would end a program that does nothing about it: the profiler ends in order.
    Ends,
    /// A child has ended.
    Child,
    /// None, as in any program that does nothing about it.
    None,
    /// The kernel's own: job control, and what a write answers with an error instead.
    Untaken,
}

fn effect_of(signal: Signal) -> Effect {
    use Signal as S;
    match signal {
        S::SIGINT | S::SIGTERM | S::SIGHUP | S::SIGQUIT => Effect::Stops,
        S::SIGCHLD => Effect::Child,
        S::SIGWINCH | S::SIGURG => Effect::None,
        S::SIGKILL | S::SIGSTOP | S::SIGTSTP | S::SIGTTIN | S::SIGTTOU | S::SIGCONT => Effect::Untaken,
        // Ignored by the profiler, so that a write fails instead.
        S::SIGPIPE | S::SIGXFSZ => Effect::Untaken,
        // SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGIO, SIGPWR, SIGSTKFLT, SIGABRT; abort(3) does not
        // care who takes the last. And SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, if somebody sends them: a fault of
        // this program has the kernel's effect even where it is blocked (kernel/signal.c `force_sig_info_to_task`).
        _ => Effect::Ends,
    }
}

/// The signals that are taken as they come instead of having the kernel's effect.
#[must_use]
pub fn taken() -> SigSet {
    // Those for real-time use can't be put in one by one.
    let mut taken = SigSet::all();
    for signal in Signal::iterator().filter(|signal| effect_of(*signal) == Effect::Untaken) {
        taken.remove(signal);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::libc;

    fn effect(number: i32) -> Effect {
        Number(number).effect()
    }

    #[test]
    fn whatever_ends_a_program_has_an_effect() {
        // signal(7): default action Term, less SIGPIPE and SIGKILL, and Core, less SIGXFSZ.
        let ending = [
            libc::SIGALRM,
            libc::SIGIO,
            libc::SIGPROF,
            libc::SIGPWR,
            libc::SIGSTKFLT,
            libc::SIGUSR1,
            libc::SIGUSR2,
            libc::SIGVTALRM,
            libc::SIGABRT,
            libc::SIGXCPU,
            libc::SIGSEGV,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGILL,
            libc::SIGTRAP,
            libc::SIGSYS,
        ];
        for signal in ending.into_iter().chain(libc::SIGRTMIN()..=libc::SIGRTMAX()) {
            assert_eq!(effect(signal), Effect::Ends, "{signal}");
        }
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM, libc::SIGQUIT] {
            assert_eq!(effect(signal), Effect::Stops, "{signal}");
        }
    }

    #[test]
    fn job_control_and_failed_writes_are_left_to_the_kernel() {
        for signal in [Signal::SIGTSTP, Signal::SIGCONT, Signal::SIGPIPE, Signal::SIGXFSZ] {
            assert!(!taken().contains(signal), "{signal}");
        }
        for signal in [Signal::SIGUSR1, Signal::SIGALRM, Signal::SIGCHLD, Signal::SIGINT] {
            assert!(taken().contains(signal), "{signal}");
        }
    }

    #[test]
    fn a_signal_for_real_time_use_has_a_number_for_a_name() {
        assert_eq!(Number::from(Signal::SIGUSR1).to_string(), "SIGUSR1");
        assert_eq!(Number(35).to_string(), "signal 35");
        assert!(Number(35).is_in(1 << 34) && !Number(35).is_in(1 << 35));
        assert_eq!((Number::try_from(0), Number::try_from(65)), (Err(0), Err(65)));
    }
}
