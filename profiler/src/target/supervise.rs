//! Supervision of the target while it runs: signals are passed on, the time limit is kept, exited threads are
//! collected.

use super::launch::{Ended, Running};
use super::signals::Signals;
use crate::record::Source;
use crate::record::recording::Recording;
use crate::settings::Settings;
use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, interval_at, sleep_until};

/// The interval at which exited threads are collected. Short enough that the default slots last while 80 000 threads a
/// second come and go, long enough that the wake-ups (20 a second) are lost beside the target's.
pub(crate) const COLLECT_EVERY: Duration = Duration::from_millis(50);

/// Between SIGTERM and SIGKILL at the time limit, and for what SIGKILL does not end at once.
pub const GRACE: Duration = Duration::from_secs(2);

/// Two SIGINT that are not further apart are one: `timeout` sends it to a process and then to the group that it is in,
/// and nobody types so fast.
const SAME_INTERRUPT: Duration = Duration::from_millis(200);

/// Has tokio say when a descriptor becomes readable. It gets one of its own, which stays open meanwhile.
pub(crate) fn watch(descriptor: &impl AsFd) -> Result<AsyncFd<OwnedFd>> {
    let descriptor = descriptor.as_fd().try_clone_to_owned().context("cannot watch a descriptor")?;
    #[expect(
        deprecated,
        reason = "what replaces it is an unsafe function for descriptors that may be closed under it; these can't be"
    )]
    AsyncFd::with_interest(descriptor, Interest::READABLE).context("cannot watch a descriptor")
}

/// The progress of the end of all of the target's processes.
enum Ending {
    /// It is not asked for. The child's end is the run's, whatever it leaves behind.
    None,
    /// SIGTERM then.
    Terminate(Instant),
    /// SIGTERM was sent; SIGKILL then.
    Kill(Instant),
    /// SIGKILL was sent. What has not ended then is not waited for.
    GiveUp(Instant),
}

impl Ending {
    fn at_once(target: &Running) -> Self {
        target.signal_all(Signal::SIGKILL);
        Self::GiveUp(Instant::now() + GRACE)
    }

    /// Returns when the next step is due.
    async fn due(&self) {
        match self {
            Self::None => std::future::pending().await,
            Self::Terminate(at) | Self::Kill(at) | Self::GiveUp(at) => sleep_until(*at).await,
        }
    }

    fn next_step(&self, target: &Running) -> Self {
        match self {
            Self::Terminate(_) => {
                target.signal_all(Signal::SIGTERM);
                Self::Kill(Instant::now() + GRACE)
            }
            Self::Kill(_) => Self::at_once(target),
            Self::None | Self::GiveUp(_) => Self::None,
        }
    }

    /// True if the run is over with the child's end.
    fn is_over(&self, target: &Running) -> bool {
        match self {
            Self::None | Self::Terminate(_) => true,
            Self::Kill(_) | Self::GiveUp(_) => !target.is_anything_left(),
        }
    }
}

/// The timed events of a recording.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// The time at which the target is ended.
    pub limit: Option<Duration>,
    /// Between two snapshots.
    pub interval: Option<Duration>,
}

impl From<&Settings> for Times {
    fn from(settings: &Settings) -> Self {
        Self { limit: settings.duration, interval: settings.interval }
    }
}

impl Times {
    /// The end of a time limit that begins now; `None` without one, or for one beyond the clock's range.
    pub(super) fn limit_from_now(self) -> Option<Instant> {
        self.limit.and_then(|limit| Instant::now().checked_add(limit))
    }
}

/// Waits for the target's end, collecting exited threads and calling `progress` now and then. That is the child's end;
/// where all processes are ended, by the time limit or a second SIGINT, it is theirs.
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
    let mut snapshots = ticks(times.interval);
    let mut ending = times.limit_from_now().map_or(Ending::None, Ending::Terminate);
    let (mut interrupted, mut ended): (Option<Instant>, _) = (None, None);
    signals.take_early().into_iter().for_each(|arrived| target.pass_on(arrived));
    loop {
        ended = ended.map_or_else(|| target.try_wait(), |ended| Ok(Some(ended)))?;
        if let Some(ended) = ended.take_if(|_| ending.is_over(target)) {
            return Ok(ended);
        }
        tokio::select! {
            ready = signalled.readable() => match signals.read()? {
                None => ready.context("cannot wait for signals")?.clear_ready(),
                Some(arrived) if arrived.signal() == Some(Signal::SIGCHLD) => target.reap_orphans(),
                // The second time the user does not want to wait for the target's consent.
                Some(arrived)
                    if arrived.signal() == Some(Signal::SIGINT)
                        && interrupted.get_or_insert_with(Instant::now).elapsed() > SAME_INTERRUPT =>
                {
                    ending = Ending::at_once(target);
                }
                Some(arrived) => target.pass_on(arrived),
            },
            () = next(&mut snapshots) => recording.snapshot()?,
            () = ending.due() => ending = ending.next_step(target),
            _ = tick.tick() => {
                recording.collect()?;
                progress(recording.exited());
                if let Ending::GiveUp(_) = ending {
                    // Processes that were born while the others were killed.
                    target.signal_all(Signal::SIGKILL);
                }
            }
            ready = urgent.readable() => {
                recording.collect()?;
                ready.context("cannot watch the ring buffer")?.clear_ready();
            }
        }
    }
}

/// The clock of snapshots, if any are to be taken.
pub(crate) fn ticks(every: Option<Duration>) -> Option<Interval> {
    let every = every?;
    let mut ticks = interval_at(Instant::now() + every, every);
    // One that comes late makes its interval longer, not the next one shorter than the time it takes.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    Some(ticks)
}

/// The next tick of a clock that need not be there.
pub(crate) async fn next(clock: &mut Option<Interval>) {
    match clock {
        Some(clock) => drop(clock.tick().await),
        None => std::future::pending().await,
    }
}
