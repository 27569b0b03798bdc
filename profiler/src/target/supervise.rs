//! What happens while the target runs: signals are passed on, the time limit is kept, exited threads are
//! collected.

use super::launch::{Ended, Running};
use super::signals::{Arrived, Signals};
use super::tree;
use crate::record::Source;
use crate::record::recording::Recording;
use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, interval_at, sleep_until};

/// How often exited threads are collected. Short enough that the default slots last while 80 000 threads a
/// second come and go, long enough that the wake-ups (20 a second) are lost beside the target's.
const COLLECT_EVERY: Duration = Duration::from_millis(50);

/// Between SIGTERM and SIGKILL at the time limit.
pub const GRACE: Duration = Duration::from_secs(2);

/// Has tokio say when a descriptor becomes readable. It gets one of its own, which stays open meanwhile.
fn watch(descriptor: &impl AsFd) -> Result<AsyncFd<OwnedFd>> {
    let descriptor = descriptor.as_fd().try_clone_to_owned().context("cannot watch a descriptor")?;
    #[expect(
        deprecated,
        reason = "what replaces it is an unsafe function for descriptors that may be closed under it; these can't be"
    )]
    AsyncFd::with_interest(descriptor, Interest::READABLE).context("cannot watch a descriptor")
}

/// Where the end of the time limit stands.
enum Limit {
    /// There is none, or it is used up.
    None,
    /// SIGTERM then.
    Terminate(Instant),
    /// SIGKILL then.
    Kill(Instant),
}

impl Limit {
    async fn reached(&self) {
        match self {
            Self::None => std::future::pending().await,
            Self::Terminate(at) | Self::Kill(at) => sleep_until(*at).await,
        }
    }
}

/// What happens at set times.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// When the target is ended.
    pub limit: Option<Duration>,
    /// Between two snapshots.
    pub interval: Option<Duration>,
}

/// Waits for the target's end, collecting exited threads and calling `progress` now and then.
///
/// # Errors
/// If the target can't be waited for or the records can't be collected.
pub async fn until_end<S: Source + AsFd>(
    target: &mut Running,
    recording: &mut Recording<S>,
    signals: &mut Signals,
    times: Times,
    mut progress: impl FnMut(usize),
) -> Result<Ended> {
    let urgent = watch(recording.source())?;
    let signalled = watch(signals)?;
    let mut tick = interval(COLLECT_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut snapshots = times.interval.map(|every| {
        let mut snapshots = interval_at(Instant::now() + every, every);
        // One that comes late makes its interval longer, not the next one shorter than the time it takes.
        snapshots.set_missed_tick_behavior(MissedTickBehavior::Skip);
        snapshots
    });
    let mut limit = times
        .limit
        // A limit that the clock can't hold is never reached.
        .and_then(|limit| Instant::now().checked_add(limit))
        .map_or(Limit::None, Limit::Terminate);
    let mut interrupted = false;
    loop {
        if let Some(ended) = target.try_wait()? {
            return Ok(ended);
        }
        tokio::select! {
            ready = signalled.readable() => match signals.read()? {
                None => ready.context("cannot wait for signals")?.clear_ready(),
                Some(Arrived { signal: Signal::SIGCHLD, .. }) => {}
                // The second time the user does not want to wait for the target's consent.
                Some(Arrived { signal: Signal::SIGINT, .. })
                    if std::mem::replace(&mut interrupted, true) => kill_all(target),
                Some(arrived) if arrived.has_reached(target.pid()) => {}
                Some(arrived) => target.signal(arrived.signal),
            },
            () = limit.reached() => limit = enforce(&limit, target),
            () = next(&mut snapshots) => recording.snapshot()?,
            _ = tick.tick() => {
                recording.collect()?;
                progress(recording.exited());
            }
            ready = urgent.readable() => {
                recording.collect()?;
                ready.context("cannot watch the ring buffer")?.clear_ready();
            }
        }
    }
}

/// The next tick of a clock that need not be there.
async fn next(clock: &mut Option<Interval>) {
    match clock {
        Some(clock) => drop(clock.tick().await),
        None => std::future::pending().await,
    }
}

fn enforce(limit: &Limit, target: &Running) -> Limit {
    match limit {
        Limit::Terminate(_) => {
            let descendants = tree::descendants(target.pid());
            target.signal(Signal::SIGTERM);
            tree::signal_all(&descendants, Signal::SIGTERM);
            Limit::Kill(Instant::now() + GRACE)
        }
        _ => {
            kill_all(target);
            Limit::None
        }
    }
}

fn kill_all(target: &Running) {
    let descendants = tree::descendants(target.pid());
    target.signal(Signal::SIGKILL);
    tree::signal_all(&descendants, Signal::SIGKILL);
}
