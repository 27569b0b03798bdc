//! The metrics of a daemon: the sums of its intervals, a server that is scraped for them, and the push if it is wanted.

use super::outputs::METRICS;
use crate::metrics::{Metrics, MetricsConfig, Push, Server};
use crate::watch::batch::Batch;
use crate::watch::sinks::Sink;
use anyhow::Result;
use std::sync::Arc;

/// The server and the push.
pub(super) struct Shown {
    server: Server,
    push: Option<Push>,
}

impl Shown {
    /// Starts both, and returns the sink that adds intervals to what they show. On a runtime.
    ///
    /// # Errors
    /// If the address can't be listened on, or a file that they need can't be read.
    pub(super) fn start(config: &MetricsConfig, host: &str) -> Result<(Self, Added)> {
        let metrics = Arc::new(Metrics::new(config));
        let server = Server::start(config, Arc::clone(&metrics))?;
        let push = config.otlp.as_ref().map(|otlp| Push::start(otlp, host, Arc::clone(&metrics)));
        Ok((Self { server, push: push.transpose()? }, Added(metrics)))
    }

    /// Reads the files that the server needs again. Keeps the old ones if the new ones can't be used, and logs why.
    pub(super) fn reload(&self) {
        if let Err(error) = self.server.reload() {
            tracing::error!("the files that the metrics need are not used, those from before are: {error:#}");
        }
    }

    /// Ends both, with the last sums pushed.
    pub(super) async fn stop(self) {
        self.server.stop().await;
        if let Some(push) = self.push {
            push.stop().await;
        }
    }
}

/// Adds intervals to the metrics.
pub(super) struct Added(Arc<Metrics>);

impl Sink for Added {
    fn name(&self) -> &'static str {
        METRICS
    }

    fn take(&mut self, batch: &Batch) -> Result<()> {
        self.0.add(batch);
        Ok(())
    }
}
