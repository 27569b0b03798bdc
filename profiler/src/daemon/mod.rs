//! The daemon: waits for what happens, and has the watch, the sinks and the control socket do their part.
//!
//! - `outputs`: where the intervals go; `store_thread` has the store on a thread of its own.
//! - `shown`: what answers for the metrics.
//! - `log`: what is logged and how.
//! - `systemd`: what the service manager is told.

pub mod log;
mod outputs;
#[cfg(feature = "metrics")]
mod shown;
#[cfg(feature = "store")]
mod store_thread;
mod systemd;

use crate::config::Config;
use crate::control::protocol::{Answer, Request, Status};
use crate::control::server::{Asked, Server};
use crate::target::signals::Signals;
use crate::target::supervise::{next, ticks, watch};
use crate::watch::batch::Batch;
use crate::watch::interval::Interval;
use crate::watch::viewer::Shared;
use crate::watch::watcher::Watcher;
use anyhow::{Context as _, Result};
use jiff::Timestamp;
use model::losses::LossCounts;
use model::profile::units::Nanos;
use nix::sys::signal::Signal;
use outputs::Outputs;
use std::path::PathBuf;
use std::process;
use std::time::Duration;
use systemd::ServiceManager;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

/// The interval at which exited threads are collected, control groups are read and the service manager is notified.
/// Exits that are urgent and execs do not wait for it.
const TEND_EVERY: Duration = Duration::from_secs(1);

/// Between two looks at the execs: 100 wake-ups a second at most, however many programs are executed.
const REST: Duration = Duration::from_millis(10);

/// A daemon that runs.
pub struct Daemon {
    path: PathBuf,
    config: Config,
    watcher: Watcher,
    outputs: Outputs,
    server: Server,
    started_at: Timestamp,
    intervals: u64,
    lost: LossCounts,
    manager: ServiceManager,
    /// The last status that the service manager was sent: the same is not sent again.
    told: String,
}

impl Daemon {
    /// Begins to watch whom a configuration names. Within tokio's local task set.
    ///
    /// # Errors
    /// If a selector is not valid, or the control socket or what the intervals go to can't be opened.
    pub fn start(path: PathBuf, config: Config, watcher: Watcher) -> Result<Self> {
        let server = Server::open(&config.control)?;
        let mut daemon = Self {
            path,
            outputs: Outputs::open(&config)?,
            server,
            watcher,
            config,
            started_at: Timestamp::now(),
            intervals: 0,
            lost: LossCounts::default(),
            manager: ServiceManager::find(),
            told: String::new(),
        };
        daemon.watcher.select(&daemon.config.selector)?;
        Ok(daemon)
    }

    /// Runs until a signal ends it. The interval that is under way then is ended and handed out.
    ///
    /// # Errors
    /// If the kernel's counts can't be read any more.
    pub async fn run(mut self, mut signals: Signals) -> Result<()> {
        let signalled = watch(&signals)?;
        let (execs, exits) = (watch(&self.watcher.execs())?, watch(&self.watcher.exits())?);
        let mut tend = interval(TEND_EVERY);
        tend.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut intervals = ticks(Some(self.config.watch.interval));
        let mut rested = Instant::now();
        self.manager.ready();
        tracing::info!(selectors = self.config.selector.len(), "watching");
        loop {
            tokio::select! {
                ready = signalled.readable() => match signals.read()? {
                    None => ready.context("cannot wait for signals")?.clear_ready(),
                    Some(arrived) if arrived.signal() == Some(Signal::SIGCHLD) => {}
                    Some(arrived) if arrived.signal() == Some(Signal::SIGHUP) => {
                        if self.reload_as_told().await? {
                            intervals = ticks(Some(self.config.watch.interval));
                        }
                    }
                    Some(arrived) => {
                        tracing::info!(signal = %arrived.number(), "stopping");
                        break;
                    }
                },
                Some(asked) = self.server.next() => self.answer(asked)?,
                () = next(&mut intervals) => drop(self.end_interval()?),
                _ = tend.tick() => {
                    self.watcher.collect()?;
                    self.watcher.executed()?;
                    self.manager.alive();
                }
                ready = exits.readable() => {
                    self.watcher.collect()?;
                    ready.context("cannot watch the ring buffer of exits")?.clear_ready();
                }
                ready = async { sleep_until(rested).await; execs.readable().await } => {
                    let is_more = self.watcher.executed()?;
                    rested = Instant::now() + REST;
                    let mut ready = ready.context("cannot watch the ring buffer of execs")?;
                    if !is_more {
                        ready.clear_ready();
                    }
                }
            }
        }
        self.manager.stopping();
        self.end_interval()?;
        self.outputs.close().await;
        tracing::info!(intervals = self.intervals, "stopped");
        Ok(())
    }

    fn end_interval(&mut self) -> Result<Batch> {
        let batch = self.watcher.end_interval()?;
        self.intervals += 1;
        let had_lost = self.lost;
        self.lost += batch.lost;
        if had_lost.is_nothing() && !self.lost.is_nothing() {
            tracing::warn!(lost = ?batch.lost, "something was lost for the first time (profiler ctl status tells)");
        }
        self.outputs.take(&batch);
        let (processes, threads) = self.watcher.size();
        let told = format!("{processes} processes, {threads} threads");
        if told != self.told {
            self.manager.status(&told);
            self.told = told;
        }
        Ok(batch)
    }

    /// Reads the configuration again, and tells the service manager. Returns whether it was taken on.
    async fn reload_as_told(&mut self) -> Result<bool> {
        self.manager.reloading();
        let taken_on = self.reload().await?;
        self.manager.ready();
        Ok(taken_on)
    }

    /// Reads the configuration again. Returns whether it was taken on: one that is not valid is refused and logged.
    async fn reload(&mut self) -> Result<bool> {
        let new = Config::read(&self.path).and_then(|new| {
            self.server.allow(&new.control)?;
            Ok(new)
        });
        let new = match new {
            Ok(new) => new,
            Err(error) => {
                tracing::error!("the new configuration is refused, the old one goes on: {error:#}");
                return Ok(false);
            }
        };
        if (new.watch.max_threads, new.watch.histogram_memory)
            != (self.config.watch.max_threads, self.config.watch.histogram_memory)
        {
            tracing::warn!("watch.max_threads and watch.histogram_memory take effect with the next start");
        }
        if new.control.socket != self.config.control.socket {
            tracing::warn!("control.socket takes effect with the next start");
        }
        self.watcher.select(&new.selector)?;
        self.outputs.reload(&self.config, &new).await;
        self.config = new;
        tracing::info!(selectors = self.config.selector.len(), "the configuration was read again");
        Ok(true)
    }

    /// Answers a request. Whoever asked may have gone.
    fn answer(&mut self, Asked { request, viewer, answer }: Asked) -> Result<()> {
        let changed = |processes: Result<usize>| match processes {
            Ok(processes) => Answer::Changed { processes: processes as u64 },
            Err(error) => Answer::Refused { reason: format!("{error:#}") },
        };
        let said = match request {
            Request::Status => Answer::Status(Box::new(self.status()?)),
            Request::Attach { selector } => {
                tracing::info!(label = selector.label, "attach was asked for");
                changed(self.watcher.attach(*selector))
            }
            Request::Detach { label } => {
                tracing::info!(label, "detach was asked for");
                changed(self.watcher.detach(&label))
            }
            Request::Snapshot => Answer::Interval(Box::new(Interval::from(&self.watcher.so_far()?))),
            Request::Flush => {
                let ended = self.end_interval()?;
                self.outputs.flush();
                Answer::Interval(Box::new(Interval::from(&ended)))
            }
            Request::View { .. } | Request::Refresh => self.frame(viewer.as_ref())?,
        };
        let _gone = answer.send(said);
        Ok(())
    }

    /// The next frame of a view.
    fn frame(&mut self, viewer: Option<&Shared>) -> Result<Answer> {
        let begun = Instant::now();
        let admitted = viewer.context("no view was begun").and_then(|viewer| {
            self.watcher.admit_viewer(viewer)?;
            Ok(viewer)
        });
        let viewer = match admitted {
            Ok(viewer) => viewer,
            Err(error) => return Ok(Answer::Refused { reason: format!("{error:#}") }),
        };
        let frame = self.watcher.frame(viewer)?;
        viewer.borrow_mut().rest_after(begun.elapsed());
        Ok(Answer::Frame(Box::new(frame)))
    }

    fn status(&mut self) -> Result<Status> {
        let watch = self.watcher.status()?;
        let mut lost = self.lost;
        lost += watch.lost;
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: process::id(),
            started_at: self.started_at,
            interval_ns: Nanos(u64::try_from(self.config.watch.interval.as_nanos())?),
            intervals: self.intervals,
            lost,
            watch,
            sinks: self.outputs.status(),
        })
    }
}
