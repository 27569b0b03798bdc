//! Writes the stores of a few simulated hosts, and what their histograms come to all together.
//!
//! An example of this package rather than a program of its own, because the library is then built already;
//! `cargo xtask test --consumers` builds and starts it: `fleet FOLDER` leaves FOLDER/store and FOLDER/expected.json.

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::interval::States;
use model::profile::units::Nanos;
use profiler::store::{Store, StoreConfig};
use profiler::watch::batch::{Batch, Group, Key};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// One has a name that is no name for a folder, one a name that could be a number.
const HOSTS: [&str; 5] = ["db1", "db2", "web-1.example.net", "lab/2 ü", "1042"];

const PROCESSES: [&str; 3] = ["postgres", "nginx", "cron"];

const LENGTH: SignedDuration = SignedDuration::from_secs(10);

/// Half of them end on the day before `DAY`, and there are several hours.
const INTERVALS: u64 = 1200;

/// Intervals that ended before it are not asked for.
const DAY: &str = "2026-11-27T00:00:00Z";

const SHARES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).context("fleet FOLDER")?;
    let (folder, day) = (Path::new(&folder), DAY.parse()?);
    let config = StoreConfig {
        path: folder.join("store"),
        keep: None,
        max_size: None,
        publish: Duration::from_secs(300),
    };
    let mut wanted = Vec::new();
    for (seed, host) in (1..).zip(HOSTS) {
        let mut store = Store::open(&config, host)?;
        let mut dice = Dice(seed);
        for batch in batches(day, &mut dice) {
            store.append(&batch)?;
            if batch.until >= day {
                wanted.push((host, batch));
            }
        }
        store.flush()?;
    }
    let text = serde_json::to_string(&expected(&wanted))?;
    std::fs::write(folder.join("expected.json"), text).context("cannot write expected.json")
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Durations over many orders of magnitude; a few are too long for any bucket.
    fn duration(&mut self) -> Nanos {
        Nanos(self.roll() >> (20 + self.roll() % 40))
    }
}

fn batches(day: Timestamp, dice: &mut Dice) -> impl Iterator<Item = Batch> {
    let half = i32::try_from(INTERVALS / 2).unwrap_or(0);
    (0..).zip(0..INTERVALS).map(move |(place, _)| {
        let until = day + LENGTH * (place - half);
        Batch {
            from: until - LENGTH,
            until,
            length_ns: Nanos(LENGTH.unsigned_abs().as_nanos() as u64),
            groups: PROCESSES.into_iter().map(|process| group(process, dice)).collect(),
            lost: model::losses::LossCounts::default(),
        }
    })
}

fn group(process: &str, dice: &mut Dice) -> Group {
    let key = Key { selector: "all".into(), process: Some(process.into()), pid: None, thread: None };
    let mut histograms = BTreeMap::new();
    for metric in Metric::ALL {
        let samples = dice.roll() % 30;
        let histogram = Histogram::of((0..samples).map(|_| dice.duration()));
        histograms.extend(histogram.map(|histogram| (metric, histogram)));
    }
    let states = States::from_all([(); States::COUNT].map(|()| Nanos(dice.roll() % 1_000_000_000)));
    Group { key, threads: 1 + dice.roll() % 8, states, histograms }
}

/// By metric: samples, sum and extremes, and quantiles as (share, value). By host: time on a CPU.
fn expected(wanted: &[(&str, Batch)]) -> Value {
    let groups =
        || wanted.iter().flat_map(|(host, batch)| batch.groups.iter().map(move |group| (*host, group)));
    let mut metrics = serde_json::Map::new();
    for metric in Metric::ALL {
        let Some(whole) = Histogram::merged(groups().filter_map(|(_, group)| group.histograms.get(&metric)))
        else {
            continue;
        };
        let quantile = |share| whole.quantile(share).map(|quantile| (share, quantile.value.0));
        let quantiles: Vec<_> = SHARES.into_iter().filter_map(quantile).collect();
        let Histogram { count, sum_ns, min_ns, max_ns, .. } = whole;
        let of_metric = json!({
            "count": count, "bucketed": whole.bucketed(), "sum_ns": sum_ns, "min_ns": min_ns, "max_ns": max_ns,
            "quantiles": quantiles,
        });
        metrics.insert(metric.name().to_owned(), of_metric);
    }
    let mut on_cpu: BTreeMap<&str, u64> = BTreeMap::new();
    for (host, group) in groups() {
        *on_cpu.entry(host).or_default() += group.states.on_cpu_ns.0;
    }
    json!({ "metrics": metrics, "on_cpu_ns": on_cpu })
}
