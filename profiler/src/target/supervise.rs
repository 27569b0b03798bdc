//! What happens while the target runs: signals are passed on, the time limit is kept, exited threads are
//! collected.

use super::launch::{Ended, Running};
use super::tree;
use crate::record::Source;
use crate::record::recording::Recording;
use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, interval_at, sleep_until};

/// How often exited threads are collected. Short enough that the default slots last while 80 000 threads a
/// second come and go, long enough that the wake-ups (20 a second) are lost beside the target's.
const COLLECT_EVERY: Duration = Duration::from_millis(50);

/// Between SIGTERM and SIGKILL at the time limit.
pub const GRACE: Duration = Duration::from_secs(2);

/// Signals that are taken while the target runs.
const PASSED_ON: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// `ssi_code` of a signal that the kernel itself sent (include/uapi/asm-generic/siginfo.h `SI_KERNEL`): from
/// the terminal, which sends it to every process in the foreground, the target among them.
const FROM_THE_KERNEL: i32 = 0x80;

/// The signals of this process, taken as they come instead of ending it.
pub struct Signals {
    fd: AsyncFd<SignalFd>,
}

impl Signals {
    /// Takes the signals from here on. Children start with none blocked.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn take() -> Result<Self> {
        let mut mask: SigSet = PASSED_ON.into_iter().collect();
        mask.add(Signal::SIGCHLD);
        mask.thread_block().context("cannot block signals")?;
        let fd = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
            .context("cannot take signals")?;
        Ok(Self { fd: watch(fd)? })
    }

    /// The next signal, and whether the target has it already.
    async fn next(&mut self) -> Result<(Signal, bool)> {
        loop {
            let mut ready = self.fd.readable_mut().await.context("cannot wait for signals")?;
            match ready.get_inner_mut().read_signal().context("cannot read a signal")? {
                None => ready.clear_ready(),
                Some(info) => {
                    let signal =
                        i32::try_from(info.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok());
                    if let Some(signal) = signal {
                        return Ok((signal, info.ssi_code == FROM_THE_KERNEL));
                    }
                }
            }
        }
    }
}

/// Has tokio say when a descriptor becomes readable. The descriptor is owned, so it stays open meanwhile.
fn watch<T: AsRawFd>(descriptor: T) -> Result<AsyncFd<T>> {
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
    let urgent = recording.source().as_fd().try_clone_to_owned().context("cannot watch the ring buffer")?;
    let urgent = watch(urgent)?;
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
            signal = signals.next() => match signal? {
                (Signal::SIGCHLD, _) => {}
                // The second time the user does not want to wait for the target's consent.
                (Signal::SIGINT, _) if std::mem::replace(&mut interrupted, true) => kill_all(target),
                (signal, already_there) if !already_there => target.signal(signal),
                _ => {}
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
