//! Metrics for monitoring systems: the sums of all intervals by group, scraped (OpenMetrics) and pushed (OTLP).
//!
//! - [`MetricsConfig`] says where.
//! - [`Metrics::add`] takes each interval; it never waits for a reader.
//! - [`Server`] answers requests, [`Push`] sends to a collector. Both only read.
//!
//! The number of series is bounded: `max_groups` groups of each selector have their own, the rest is summed. A group
//! that is gone ends its series after `expire_after`, as those of a process that ended do everywhere; the sums of each
//! selector (`profiler_selector_…`) go on, so these never go backwards.

mod config;
mod exposition;
#[cfg(test)]
mod fixture;
mod groups;
mod names;
mod otlp;
mod own;
mod pem;
mod server;
mod shape;

pub use config::{DEFAULT_TOML, Histograms, MetricsConfig, OtlpConfig, Temporality};
pub use otlp::Push;
pub use server::Server;
pub use shape::BucketFactor;

use crate::watch::batch::Batch;
use exposition::Snapshot;
use groups::{Groups, Limits};
use model::losses::LossCounts;
use model::profile::units::Nanos;
use otlp::Outcome;
use own::Own;
use shape::Shape;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The sums of all intervals.
#[derive(Debug)]
pub struct Metrics {
    scraped: Shared,
    pushed: Option<Pushed>,
    lost: Mutex<LossCounts>,
}

/// Groups that are added to while others read them: what is being read is copied before it is changed.
type Shared = Mutex<Arc<Groups>>;

/// The sums that are pushed.
#[derive(Debug)]
struct Pushed {
    groups: Shared,
    temporality: Temporality,
    outcome: Mutex<Outcome>,
}

impl Metrics {
    /// Nothing was added yet.
    #[must_use]
    pub fn new(config: &MetricsConfig) -> Self {
        let expire_after = Nanos(u64::try_from(config.expire_after.as_nanos()).unwrap_or(u64::MAX));
        let limits = Limits { groups: config.max_groups, expire_after };
        let shared = |shape| Mutex::new(Arc::new(Groups::new(shape, limits)));
        let bounds = Shape::Bounds(config.bucket_factor);
        let pushed = config.otlp.as_ref().map(|otlp| Pushed {
            groups: shared(match otlp.histograms {
                Histograms::Exponential => Shape::Exponential { scale: otlp.scale },
                Histograms::Explicit => bounds,
            }),
            temporality: otlp.temporality,
            outcome: Mutex::default(),
        });
        Self { scraped: shared(bounds), pushed, lost: Mutex::default() }
    }

    /// Adds an interval.
    pub fn add(&self, batch: &Batch) {
        *lock(&self.lost) += batch.lost;
        for groups in [Some(&self.scraped), self.pushed.as_ref().map(|pushed| &pushed.groups)] {
            let Some(groups) = groups else { continue };
            Arc::make_mut(&mut lock(groups)).add(batch);
        }
    }

    /// The content of a scrape.
    fn snapshot(&self) -> Snapshot {
        Snapshot {
            groups: Arc::clone(&lock(&self.scraped)),
            lost: *lock(&self.lost),
            pushed: self.pushed.as_ref().map(|pushed| *lock(&pushed.outcome)),
            own: Own::read(),
        }
    }
}

/// A thread that panicked while it held the lock left whole values: they are set at once.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
