//! Shows and pushes the intervals of a file until its standard input ends: what the readers of metrics are tried with.
//!
//! `cargo xtask test --consumers` builds and starts it: `metrics_source CONFIG.toml INTERVALS.json`. The first line that
//! it prints is the address it answers on.

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::interval::States;
use model::profile::units::Nanos;
use profiler::metrics::{Metrics, MetricsConfig, Push, Server};
use profiler::watch::batch::{Batch, Group, Key};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

const USAGE: &str = "metrics_source CONFIG.toml INTERVALS.json";

/// The claimed length of each interval.
const INTERVAL: SignedDuration = SignedDuration::from_secs(1);

#[derive(Deserialize)]
struct Config {
    metrics: MetricsConfig,
}

/// A group in an interval, with all its samples in nanoseconds.
#[derive(Deserialize)]
struct Source {
    selector: String,
    process: Option<String>,
    pid: Option<u32>,
    thread: Option<String>,
    threads: u64,
    states: States,
    samples: BTreeMap<String, Vec<Nanos>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let config = arguments.next().context(USAGE)?;
    let intervals = arguments.next().context(USAGE)?;
    let Config { metrics: config } = toml::from_str(&std::fs::read_to_string(config)?)?;
    let intervals: Vec<Vec<Source>> = serde_json::from_str(&std::fs::read_to_string(intervals)?)?;

    let metrics = Arc::new(Metrics::new(&config));
    let server = Server::start(&config, Arc::clone(&metrics))?;
    let push = config.otlp.as_ref().map(|otlp| Push::start(otlp, "source", Arc::clone(&metrics)));
    let push = push.transpose()?;
    let mut from = Timestamp::now() - INTERVAL * i32::try_from(intervals.len())?;
    for groups in intervals {
        let until = from + INTERVAL;
        let groups = groups.into_iter().map(Source::group).collect();
        let length_ns = Nanos(INTERVAL.as_nanos().try_into()?);
        metrics.add(&Batch { from, until, length_ns, groups, lost: model::losses::LossCounts::default() });
        from = until;
    }
    println!("{}", server.address().context("the configuration names no address")?);
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await??;
    if let Some(push) = push {
        push.stop().await;
    }
    Ok(())
}

impl Source {
    fn group(self) -> Group {
        let Self { selector, process, pid, thread, threads, states, samples } = self;
        let key = Key {
            selector: selector.into(),
            process: process.map(Into::into),
            pid,
            thread: thread.map(Into::into),
        };
        let histograms = Metric::ALL
            .into_iter()
            .filter_map(|metric| Some((metric, Histogram::of(samples.get(metric.name())?.iter().copied())?)))
            .collect();
        Group { key, threads, states, histograms }
    }
}
