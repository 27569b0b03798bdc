//! `histogram` and `blocked-on`: heights and widths of areas.

use super::super::Kind;
use super::super::bins::{low_ns, number};
use super::scale::{Scale, duration, share};
use super::{Drawn, drawn};
use crate::view::series::GroupBy;
use model::metric::Metric;
use model::profile::fixture;
use model::profile::thread::Thread;
use std::collections::BTreeMap;

/// Tolerance of a measured length, in units of the file: each edge is rounded by up to half a unit, and so is
/// the axis.
const ROUNDED: f64 = 1.5;

#[test]
fn bars_of_a_histogram_show_the_share_of_samples_in_each_bin() {
    let profile = fixture::pool();
    let metric = Metric::Blocked;
    let figure = drawn(&profile, Kind::Histogram, GroupBy::Run, metric);
    let (across, up) = (Scale::across(&figure, true, duration), Scale::up(&figure, false, share));
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    let histograms = profile.threads.iter().filter_map(|thread| thread.histograms.get(metric.name()));
    for bucket in histograms.flat_map(|histogram| &histogram.buckets) {
        *counts.entry(number(bucket.low_ns.0)).or_default() += bucket.count;
    }
    let all: u64 = counts.values().sum();
    let (first, last) = (counts.keys().min().unwrap(), counts.keys().max().unwrap());
    assert!(counts.len() > 5, "{counts:?}");
    for bin in *first..=*last {
        let x = across.at((low_ns(bin) * low_ns(bin + 1)).sqrt());
        let seen: u32 = figure.along((x, up.at(1.0)), (x, up.at(0.0))).values().sum();
        let expected = up.at(0.0) - up.at(counts.get(&bin).copied().unwrap_or(0) as f64 / all as f64);
        assert!(
            (f64::from(seen) - expected).abs() <= ROUNDED,
            "bin {bin}: {seen} units are drawn, not {expected}"
        );
    }
}

/// The widths of the parts of a row, by their names in the legend.
fn parts(figure: &Drawn, row: &str) -> BTreeMap<String, f64> {
    let across = Scale::across(figure, false, share);
    let middle = figure.row(row);
    let seen = figure.along((across.at(0.0), middle), (across.at(1.0), middle));
    let whole = across.at(1.0) - across.at(0.0);
    let named = figure.areas().into_iter();
    named.filter_map(|(name, colour)| Some((name, f64::from(*seen.get(colour.as_str())?) / whole))).collect()
}

#[test]
fn bars_of_blocked_on_show_the_share_of_each_system_call() {
    let profile = fixture::pool();
    let figure = drawn(&profile, Kind::BlockedOn, GroupBy::Thread, Metric::Blocked);
    let check = |thread: &Thread| {
        let all: u64 = thread.blocked_on.iter().map(|wait| wait.sum_ns.0).sum();
        let parts = parts(&figure, &thread.name);
        for wait in &thread.blocked_on {
            let expected = wait.sum_ns.0 as f64 / all as f64;
            let drawn = parts.get(&wait.syscall).copied().unwrap_or(0.0);
            assert!((drawn - expected).abs() < 0.001, "{}: {expected} of {wait:?} in {parts:?}", thread.name);
        }
    };
    profile.threads.iter().for_each(check);
}
