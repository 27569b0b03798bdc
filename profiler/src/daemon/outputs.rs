//! The sinks that the configuration asks for, and the server of the metrics.

#[cfg(feature = "metrics")]
use super::shown::Shown;
#[cfg(feature = "store")]
use super::store_thread::StoreThread;
use crate::config::Config;
use crate::watch::batch::Batch;
use crate::watch::lines::{self, Lines};
use crate::watch::sinks::{Sink, Sinks};
use crate::watch::status::SinkStatus;
use anyhow::{Context as _, Result, bail};
use std::fs;

/// The name of the store in the configuration, in the log and in the status.
pub(super) const STORE: &str = "store";

/// The name of the metrics there.
pub(super) const METRICS: &str = "metrics";

/// All of them.
pub(super) struct Outputs {
    host: String,
    sinks: Sinks,
    #[cfg(feature = "metrics")]
    shown: Option<Shown>,
}

impl Outputs {
    /// Opens those that a configuration asks for. To be called on a runtime.
    ///
    /// # Errors
    /// If one can't be opened.
    pub(super) fn open(config: &Config) -> Result<Self> {
        let mut outputs = Self {
            host: host()?,
            sinks: Sinks::default(),
            #[cfg(feature = "metrics")]
            shown: None,
        };
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
            self.sinks.replace(STORE, None);
            let opened = self.open_store(new);
            self.or_broken(STORE, opened);
        }
        if new.metrics != old.metrics {
            self.sinks.replace(METRICS, None);
            self.hide_metrics().await;
            let opened = self.show_metrics(new);
            self.or_broken(METRICS, opened);
        } else {
            #[cfg(feature = "metrics")]
            self.shown.iter().for_each(Shown::reload);
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

    /// The state of the sinks.
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
        #[cfg(feature = "store")]
        if let Some(store) = &config.store {
            self.sinks.replace(STORE, Some(Box::new(StoreThread::open(store, &self.host)?)));
        }
        Ok(())
    }

    fn show_metrics(&mut self, config: &Config) -> Result<()> {
        #[cfg(feature = "metrics")]
        if let Some(config) = &config.metrics {
            let (shown, sink) = Shown::start(config, &self.host)?;
            self.shown = Some(shown);
            self.sinks.replace(METRICS, Some(Box::new(sink)));
        }
        Ok(())
    }

    async fn hide_metrics(&mut self) {
        #[cfg(feature = "metrics")]
        if let Some(shown) = self.shown.take() {
            shown.stop().await;
        }
    }
}

/// The name of this machine.
fn host() -> Result<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").context("cannot read this host's name")?;
    Ok(name.trim().to_owned())
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
