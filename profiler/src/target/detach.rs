//! Supervision of processes that ran before: they are recorded and left alone. A signal or the time limit
//! ends the recording, and so does the end of all of them.

use super::select::Process;
use super::signals::Signals;
use super::supervise::{COLLECT_EVERY, Times, next, ticks, watch};
use crate::record::Source;
use crate::record::recording::Recording;
use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use std::os::fd::AsFd;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

/// Waits until the recording is to end, collecting exited threads. Of these `processes` the first that lives is looked at
/// again and again, so that many cost no more than one.
///
/// # Errors
/// If the records can't be collected.
pub async fn until_over<S: Source + AsFd>(
    processes: &[Process],
    recording: &mut Recording<S>,
    signals: &mut Signals,
    times: Times,
) -> Result<()> {
    let urgent = watch(recording.source())?;
    let signalled = watch(signals)?;
    let mut tick = interval(COLLECT_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut snapshots = ticks(times.interval);
    let limit = times.limit_from_now();
    let mut living = processes;
    loop {
        tokio::select! {
            ready = signalled.readable() => match signals.read()? {
                None => ready.context("cannot wait for signals")?.clear_ready(),
                Some(arrived) if arrived.signal() == Some(Signal::SIGCHLD) => {}
                Some(_) => return Ok(()),
            },
            () = next(&mut snapshots) => recording.snapshot()?,
            () = at(limit) => return Ok(()),
            _ = tick.tick() => {
                recording.collect()?;
                while living.first().is_some_and(|process| !process.lives()) {
                    living = &living[1..];
                }
                if living.is_empty() {
                    return Ok(());
                }
            }
            ready = urgent.readable() => {
                recording.collect()?;
                ready.context("cannot watch the ring buffer")?.clear_ready();
            }
        }
    }
}

/// Returns at a time that need not come.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
