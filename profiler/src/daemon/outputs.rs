//! Where the intervals go: the sinks that the configuration asks for, and what answers for the metrics.

use super::keeper::{self, Keeper};
use crate::config::Config;
use crate::metrics::{Metrics, MetricsConfig, Push, Server};
use crate::watch::batch::Batch;
use crate::watch::lines::{self, Lines};
use crate::watch::sinks::{Sink, Sinks};
use crate::watch::status::SinkStatus;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::sync::Arc;

/// All of them.
pub(super) struct Outputs {
    host: String,
    sinks: Sinks,
    shown: Option<Shown>,
}

/// What answers for the metrics.
struct Shown {
    server: Server,
    push: Option<Push>,
}

impl Outputs {
    /// Opens those that a configuration asks for. To be called on a runtime.
    ///
    /// # Errors
    /// If one can't be opened.
    pub(super) fn open(config: &Config) -> Result<Self> {
        let mut outputs = Self { host: host()?, sinks: Sinks::default(), shown: None };
        outputs.open_lines(config);
        outputs.open_store(config)?;
        outputs.show_metrics(config)?;
        Ok(outputs)
    }

    /// Opens what a new configuration says otherwise again, and reads the files that the metrics need again. What can't be
    /// opened is told of, in the log and by [`status`](Self::status), and everything else goes on.
    pub(super) async fn reload(&mut self, old: &Config, new: &Config) {
        if new.lines != old.lines {
            self.open_lines(new);
        }
        if new.store != old.store {
            // Only one may have the folder.
            self.sinks.replace(keeper::NAME, None);
            let opened = self.open_store(new);
            self.or_broken(keeper::NAME, opened);
        }
        if new.metrics != old.metrics {
            self.sinks.replace(METRICS, None);
            self.hide_metrics().await;
            let opened = self.show_metrics(new);
            self.or_broken(METRICS, opened);
        } else if let Some(Err(error)) = self.shown.as_ref().map(|shown| shown.server.reload()) {
            tracing::error!("the files that the metrics need are not used, those from before are: {error:#}");
        }
    }

    fn or_broken(&mut self, name: &'static str, opened: Result<()>) {
        if let Err(error) = opened {
            tracing::error!(sink = name, "cannot be opened: {error:#}");
            self.sinks.replace(name, Some(Box::new(Broken { name, reason: format!("{error:#}") })));
        }
    }

    /// Hands out an interval.
    pub(super) fn take(&mut self, batch: &Batch) {
        self.sinks.take(batch);
    }

    /// Has all intervals be where others find them.
    pub(super) fn flush(&mut self) {
        self.sinks.flush();
    }

    /// How they are.
    pub(super) fn status(&self) -> Vec<SinkStatus> {
        self.sinks.status()
    }

    /// Ends all of them, with everything written.
    pub(super) async fn close(mut self) {
        self.hide_metrics().await;
    }

    fn open_lines(&mut self, config: &Config) {
        let lines = config.lines.as_ref().map(|lines| Box::new(Lines::new(lines)) as Box<dyn Sink>);
        self.sinks.replace(lines::NAME, lines);
    }

    fn open_store(&mut self, config: &Config) -> Result<()> {
        let Some(store) = &config.store else { return Ok(()) };
        let keeper = Keeper::open(store, &self.host)?;
        self.sinks.replace(keeper::NAME, Some(Box::new(keeper)));
        Ok(())
    }

    fn show_metrics(&mut self, config: &Config) -> Result<()> {
        let Some(config) = &config.metrics else { return Ok(()) };
        let metrics = Arc::new(Metrics::new(config));
        self.shown = Some(self.show(config, &metrics)?);
        self.sinks.replace(METRICS, Some(Box::new(Added(metrics))));
        Ok(())
    }

    fn show(&self, config: &MetricsConfig, metrics: &Arc<Metrics>) -> Result<Shown> {
        let server = Server::start(config, Arc::clone(metrics))?;
        let push = config.otlp.as_ref().map(|otlp| Push::start(otlp, &self.host, Arc::clone(metrics)));
        Ok(Shown { server, push: push.transpose()? })
    }

    async fn hide_metrics(&mut self) {
        let Some(Shown { server, push }) = self.shown.take() else { return };
        server.stop().await;
        if let Some(push) = push {
            push.stop().await;
        }
    }
}

/// What this machine is called.
fn host() -> Result<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").context("cannot read this host's name")?;
    Ok(name.trim().to_owned())
}

/// What the metrics are called in the configuration.
const METRICS: &str = "metrics";

/// Adds intervals to the metrics.
struct Added(Arc<Metrics>);

impl Sink for Added {
    fn name(&self) -> &'static str {
        METRICS
    }

    fn take(&mut self, batch: &Batch) -> Result<()> {
        self.0.add(batch);
        Ok(())
    }
}

/// In the place of a sink that could not be opened.
struct Broken {
    name: &'static str,
    reason: String,
}

impl Sink for Broken {
    fn name(&self) -> &'static str {
        self.name
    }

    fn take(&mut self, _: &Batch) -> Result<()> {
        bail!("{}", self.reason)
    }
}
