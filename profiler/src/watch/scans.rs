//! The schedule of scans of all processes, which find those that changed their name without an exec.

use anyhow::{Context as _, Result};
use nix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// The time from one scan to the next. A scan of 500 processes takes about 4 ms.
const AFTER: Duration = Duration::from_secs(10);

/// It is due later where there are so many processes that looks would take more of a CPU than a part in this: 0.2 %.
const SHARE: u32 = 500;

/// The scans.
pub(super) struct Scans {
    next: Instant,
}

impl Scans {
    pub(super) fn new() -> Self {
        Self { next: Instant::now() }
    }

    /// True if the next one is due.
    pub(super) fn is_due(&self) -> bool {
        self.next <= Instant::now()
    }

    /// Takes a look, which need not have been due.
    ///
    /// # Errors
    /// Those of `look`.
    pub(super) fn take<T>(&mut self, scan: impl FnOnce() -> Result<T>) -> Result<T> {
        let before = cpu_time()?;
        let seen = scan()?;
        self.next = Instant::now() + until_next(cpu_time()?.saturating_sub(before));
        Ok(seen)
    }
}

/// The time to the next scan after one that used so much of a CPU.
fn until_next(used: Duration) -> Duration {
    AFTER.max(used * SHARE)
}

/// The CPU time of this thread.
fn cpu_time() -> Result<Duration> {
    let used =
        clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).context("cannot read CLOCK_THREAD_CPUTIME_ID")?;
    Ok(used.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_that_take_long_are_rare() {
        assert_eq!(until_next(Duration::from_millis(4)), Duration::from_secs(10));
        assert_eq!(until_next(Duration::from_millis(140)), Duration::from_secs(70));
    }

    #[test]
    fn one_is_due_until_it_was_taken() {
        let mut scans = Scans::new();
        assert!(scans.is_due());
        assert!(scans.take(|| Err::<(), _>(anyhow::anyhow!("no"))).is_err() && scans.is_due());
        assert_eq!(scans.take(|| Ok(1)).unwrap(), 1);
        assert!(!scans.is_due());
    }
}
