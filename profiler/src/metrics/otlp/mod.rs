//! Pushes the sums to a collector, by OTLP/HTTP with protobuf.

mod client;
mod message;
#[cfg(test)]
mod tests;

use super::config::{OtlpConfig, Temporality};
use super::{Metrics, lock};
use anyhow::{Context as _, Result};
use client::{Client, Verdict};
use hyper::body::Bytes;
use jiff::Timestamp;
use message::{Attributes, Content, data_points};
use model::outside_text::excerpt;
use prost::Message as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

/// Waits between the attempts for one request, unless the collector asks for longer ones. In all 15 s: what is added
/// meanwhile is in the next.
const BACKOFF: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// The longest wait that a collector may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The fate of the data points that were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The collector took them.
    pub(super) accepted: u64,
    /// It did not, or could not be reached. With cumulative temporality the next push makes up for them.
    pub(super) dropped: u64,
}

/// Pushes as long as it lives.
pub struct Push {
    task: JoinHandle<()>,
    stop: watch::Sender<()>,
}

impl Push {
    /// Starts pushing; `host` is what this machine is called. To be called on a runtime.
    ///
    /// # Errors
    /// If the configuration can't be used.
    pub fn start(config: &OtlpConfig, host: &str, metrics: Arc<Metrics>) -> Result<Self> {
        let client = Client::new(config).context("cannot push metrics by OTLP")?;
        let (stop, stopped) = watch::channel(());
        let pusher = Pusher { client, metrics, resource: Arc::new(resource(config, host)) };
        Ok(Self { task: tokio::spawn(pusher.run(config.interval, stopped)), stop })
    }

    /// Ends it, once what was added since the last time was pushed or tried once: that takes at most twice the timeout.
    pub async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!("pushing metrics ended before it was stopped: {error}");
        }
    }
}

fn resource(config: &OtlpConfig, host: &str) -> Attributes {
    let own =
        [("service.name", "profiler"), ("service.version", env!("CARGO_PKG_VERSION")), ("host.name", host)];
    let mut resource: Attributes = own.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    resource.extend(config.resource.clone());
    resource
}

struct Pusher {
    client: Client,
    metrics: Arc<Metrics>,
    resource: Arc<Attributes>,
}

/// A request, ready to be sent as often as it takes.
struct Prepared {
    bytes: Bytes,
    points: u64,
}

impl Pusher {
    /// Until the sender is dropped.
    async fn run(self, interval: Duration, mut stopped: watch::Receiver<()>) {
        let began = Timestamp::now();
        let mut ticks = interval_at(Instant::now() + interval, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut goes_on = true;
        while goes_on {
            tokio::select! {
                biased;
                _ = stopped.changed() => goes_on = false,
                _ = ticks.tick() => {}
            }
            if let Some(request) = self.prepare(began).await {
                self.push(&request, &BACKOFF, &mut stopped).await;
            }
        }
    }

    /// Away from the thread on which the intervals are recorded.
    async fn prepare(&self, began: Timestamp) -> Option<Prepared> {
        let (metrics, resource) = (Arc::clone(&self.metrics), Arc::clone(&self.resource));
        let prepared = spawn_blocking(move || metrics.prepare(&resource, began)).await;
        prepared.unwrap_or_else(|error| {
            tracing::error!("cannot prepare metrics for OTLP: {error}");
            None
        })
    }

    /// Sends, again after each of the waits as long as the collector may take it later and nobody waits for the end.
    async fn push(&self, request: &Prepared, waits: &[Duration], stopped: &mut watch::Receiver<()>) {
        let mut waits = waits.iter();
        let outcome = loop {
            let (reason, wait) = match self.client.send(request.bytes.clone()).await {
                Verdict::Accepted { rejected: 0, .. } => {
                    break Outcome { accepted: request.points, dropped: 0 };
                }
                Verdict::Accepted { rejected, reason } => {
                    tracing::warn!("the collector rejected {rejected} data points: {}", excerpt(&reason));
                    let dropped = rejected.min(request.points);
                    break Outcome { accepted: request.points - dropped, dropped };
                }
                Verdict::Refused { reason } => (reason, None),
                Verdict::Later { reason, after } => {
                    let asked_for = after.unwrap_or_default().min(LONGEST_WAIT);
                    (reason, waits.next().map(|&wait| wait.max(asked_for)))
                }
            };
            let ended = match wait {
                None => true,
                Some(wait) => timeout(wait, stopped.changed()).await.is_ok(),
            };
            if ended {
                tracing::warn!("{} data points were dropped: the collector: {reason}", request.points);
                break Outcome { accepted: 0, dropped: request.points };
            }
            tracing::debug!("metrics are pushed again: {reason}");
        };
        self.metrics.count(outcome);
    }
}

impl Metrics {
    /// The next request; with delta temporality its sums are taken out. `began` is the time when counting began.
    fn prepare(&self, resource: &Attributes, began: Timestamp) -> Option<Prepared> {
        let pushed = self.pushed.as_ref()?;
        let groups = {
            let mut groups = lock(&pushed.groups);
            match pushed.temporality {
                Temporality::Cumulative => Arc::clone(&groups),
                Temporality::Delta => {
                    let empty = Arc::new(groups.emptied());
                    std::mem::replace(&mut *groups, empty)
                }
            }
        };
        let content =
            Content { groups: &groups, temporality: pushed.temporality, lost: (*lock(&self.lost), began) };
        let request = content.request(resource)?;
        Some(Prepared { points: data_points(&request), bytes: request.encode_to_vec().into() })
    }

    fn count(&self, outcome: Outcome) {
        let Some(pushed) = &self.pushed else { return };
        let mut sum = lock(&pushed.outcome);
        sum.accepted = sum.accepted.saturating_add(outcome.accepted);
        sum.dropped = sum.dropped.saturating_add(outcome.dropped);
    }
}
