//! Interval timers (setitimer(2)). They are kept across exec, and no child inherits them.

use nix::errno::Errno;
use nix::libc::{self, itimerval, timeval};
use serde::{Deserialize, Serialize};
use std::io;

/// Every interval timer that a process has: of wall time, of its CPU time in user mode, and of all its CPU time.
pub(crate) const ALL: [i32; 3] = [libc::ITIMER_REAL, libc::ITIMER_VIRTUAL, libc::ITIMER_PROF];

/// An interval timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timer {
    /// Until it expires, in seconds and microseconds; both are 0 of one that is not set.
    left: (i64, i64),
    /// From then on between two expirations; both are 0 of one that expires once.
    every: (i64, i64),
}

impl Timer {
    /// True if it expires some time.
    pub(crate) fn is_set(self) -> bool {
        self.left != (0, 0)
    }
}

/// Sets a timer of this process. Returns what it was.
pub(crate) fn set(which: i32, timer: Timer) -> io::Result<Timer> {
    let new = itimerval { it_interval: timeval_of(timer.every), it_value: timeval_of(timer.left) };
    let mut old = itimerval { it_interval: timeval_of((0, 0)), it_value: timeval_of((0, 0)) };
    // SAFETY: the kernel reads the first and writes the second, which are variables of its type.
    Errno::result(unsafe { libc::setitimer(which, &raw const new, &raw mut old) })?;
    let parts = |time: timeval| (time.tv_sec, time.tv_usec);
    Ok(Timer { left: parts(old.it_value), every: parts(old.it_interval) })
}

fn timeval_of((tv_sec, tv_usec): (i64, i64)) -> timeval {
    timeval { tv_sec, tv_usec }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_that_is_taken_is_set_again_as_it_was() {
        // Of CPU time, and far off: it never expires here.
        let timer = Timer { left: (100_000, 0), every: (7, 250_000) };
        assert!(!set(libc::ITIMER_VIRTUAL, timer).unwrap().is_set());
        let taken = set(libc::ITIMER_VIRTUAL, Timer::default()).unwrap();
        assert!(taken.is_set() && taken.left > (99_000, 0) && taken.every == timer.every, "{taken:?}");
        assert!(!set(libc::ITIMER_VIRTUAL, Timer::default()).unwrap().is_set());
    }
}
