//! `timeline` and `heatmap`: positions along the time axis.

use super::super::Kind;
use super::super::bins::{low_ns, number};
use super::super::rows::ROW_PT;
use super::super::sheet::units;
use super::super::timeline::GAP_SHARE;
use super::scale::{Scale, duration};
use super::{Drawn, drawn, extent};
use crate::golden::golden;
use crate::view::series::GroupBy;
use model::metric::Metric;
use model::profile::interval::{Interval, States, ThreadInterval};
use model::profile::units::Nanos;
use model::profile::{Profile, file, fixture};
use std::collections::BTreeMap;

/// Tolerance of a measured length, in units of the file: each edge is rounded by up to half a unit, and so is
/// the axis.
const ROUNDED: f64 = 1.5;

/// A run recorded with intervals.
fn recorded() -> Profile {
    file::read(&golden("intervals.profile.json")).unwrap()
}

/// A run in which every thread is in every state, for a different time in each interval; the first thread lives
/// from the second interval on, for half of it.
fn in_all_states() -> Profile {
    const PERCENT: [u64; States::COUNT] = [31, 23, 17, 12, 8, 6, 3];
    const LENGTH_NS: u64 = 20_000_000;
    let mut profile = fixture::pool();
    let states = |turn: usize, part: u64| {
        States::from_all(std::array::from_fn(|state| {
            Nanos(PERCENT[(state + turn) % States::COUNT] * LENGTH_NS / 100 / part)
        }))
    };
    let threads = profile.threads.len();
    let interval = |number: usize| {
        let of = |thread: usize| ThreadInterval {
            thread: u32::try_from(thread).unwrap(),
            states: states(number + 2 * thread, if (number, thread) == (1, 0) { 2 } else { 1 }),
            histograms: BTreeMap::new(),
        };
        let from_ns = profile.run.started_ns + Nanos(number as u64 * LENGTH_NS);
        let first = usize::from(number == 0);
        Interval {
            from_ns,
            until_ns: from_ns + Nanos(LENGTH_NS),
            threads: (first..threads).map(of).collect(),
        }
    };
    profile.intervals = (0..4).map(interval).collect();
    profile
}

/// Times by the states' names in figures.
fn named(states: &States) -> [(&'static str, f64); States::COUNT] {
    [
        ("on_cpu", states.on_cpu_ns),
        ("preempted", states.preempted_ns),
        ("runqueue_wait", states.runqueue_wait_ns),
        ("runnable_idle", states.runnable_idle_ns),
        ("throttled", states.throttled_ns),
        ("unattributed_wait", states.unattributed_wait_ns),
        ("blocked", states.blocked_ns),
    ]
    .map(|(name, time)| (name, time.0 as f64))
}

/// Each interval with its middle and its length, in nanoseconds since the start.
fn columns(profile: &Profile) -> impl Iterator<Item = (&Interval, f64, f64)> {
    let start = profile.intervals[0].from_ns.0;
    profile.intervals.iter().map(move |interval| {
        let (from, until) = (interval.from_ns.0 - start, interval.until_ns.0 - start);
        (interval, (from + until) as f64 / 2.0, (until - from) as f64)
    })
}

/// Compares a row of a timeline with its threads' times in every interval.
fn check_row(figure: &Drawn, profile: &Profile, row: &str, members: &[u32]) {
    let (across, colours) = (Scale::across(figure, false, duration), figure.areas());
    let pitch = f64::from(units(ROW_PT));
    let height = pitch * (1.0 - 2.0 * GAP_SHARE);
    let middle = figure.row(row);
    for (interval, at, length) in columns(profile) {
        let threads: Vec<_> =
            interval.threads.iter().filter(|thread| members.contains(&thread.thread)).collect();
        let mut sums = States::default();
        threads.iter().for_each(|thread| sums.add(&thread.states));
        // A row is full where a record ends after its snapshot.
        let whole = (length * threads.len() as f64).max(sums.total().0 as f64);
        let x = across.at(at);
        let seen = figure.along((x, middle - pitch / 2.0), (x, middle + pitch / 2.0));
        for (state, time) in named(&sums) {
            let expected = if whole > 0.0 { time / whole * height } else { 0.0 };
            let measured = colours
                .get(state)
                .and_then(|colour| seen.get(colour.as_str()))
                .map_or(0.0, |&long| f64::from(long));
            assert!(
                (measured - expected).abs() <= ROUNDED,
                "{row} at {at} ns, {state}: {measured} of {height} units are drawn, not {expected}"
            );
        }
    }
}

#[test]
fn rows_of_a_timeline_show_the_shares_of_each_thread() {
    for profile in [in_all_states(), recorded()] {
        let figure = drawn(&profile, Kind::Timeline, GroupBy::Thread, Metric::OnCpu);
        for (number, thread) in profile.threads.iter().enumerate() {
            check_row(&figure, &profile, &thread.name, &[u32::try_from(number).unwrap()]);
        }
    }
}

#[test]
fn a_row_of_several_threads_shows_the_shares_of_all_their_time() {
    let profile = in_all_states();
    let figure = drawn(&profile, Kind::Timeline, GroupBy::Process, Metric::OnCpu);
    let all: Vec<u32> = (0..).take(profile.threads.len()).collect();
    check_row(&figure, &profile, "thread-pool-wor", &all);
}

/// Samples of a metric in an interval, by bin; samples of 0 ns have none.
fn binned(interval: &Interval, metric: Metric) -> BTreeMap<u32, u64> {
    let histograms = interval.threads.iter().filter_map(|thread| thread.histograms.get(metric.name()));
    let mut counts = BTreeMap::new();
    for bucket in
        histograms.flat_map(|histogram| &histogram.buckets).filter(|bucket| bucket.low_ns > Nanos(0))
    {
        *counts.entry(number(bucket.low_ns.0)).or_default() += bucket.count;
    }
    counts
}

/// The lightness of a heatmap's colour: the sum of its three components.
fn lightness(colour: &str) -> f64 {
    let part = |from: usize| f64::from(u8::from_str_radix(&colour[from..from + 2], 16).unwrap());
    part(1) + part(3) + part(5)
}

/// The legend's rates, in samples a second, with their lightness, lowest rate first.
fn rates(figure: &Drawn) -> Vec<(f64, f64)> {
    let areas = figure.areas();
    let entries =
        areas.iter().map(|(name, colour)| (name.replace(',', "").parse().unwrap(), lightness(colour)));
    let mut entries: Vec<(f64, f64)> = entries.collect();
    entries.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert!(entries.windows(2).all(|pair| pair[0].1 > pair[1].1), "the more the darker: {entries:?}");
    entries
}

/// The rate of a colour, interpolated between two entries of the legend.
fn rate(legend: &[(f64, f64)], colour: &str) -> f64 {
    let light = lightness(colour);
    let index = legend.iter().rposition(|entry| entry.1 >= light).unwrap_or(0).min(legend.len() - 2);
    let ((low, lightest), (high, darkest)) = (legend[index], legend[index + 1]);
    low * (high / low).powf((lightest - light) / (lightest - darkest))
}

#[test]
fn cells_of_a_heatmap_show_how_many_samples_a_second_ended_there() {
    /// Tolerance as a factor: rates are printed with two digits, and shades between two entries are not quite
    /// proportional.
    const NEARLY: f64 = 1.2;
    let profile = recorded();
    for metric in [Metric::OnCpu, Metric::RunqueueWait, Metric::Blocked] {
        let figure = drawn(&profile, Kind::Heatmap, GroupBy::Run, metric);
        let (across, up) = (Scale::across(&figure, false, duration), Scale::up(&figure, true, duration));
        let legend = rates(&figure);
        let [(_, top), (_, bottom)] = extent(&figure.grid.concat());
        let middle = |bin: u32| up.at((low_ns(bin) * low_ns(bin + 1)).sqrt());
        let bins: Vec<u32> =
            (1..number(u64::MAX)).filter(|&bin| (top..bottom).contains(&middle(bin))).collect();
        let mut cells = Vec::new();
        for (interval, at, length) in columns(&profile) {
            let counts = binned(interval, metric);
            assert!(counts.keys().all(|bin| bins.contains(bin)), "{counts:?}");
            for &bin in &bins {
                let colour = figure.colour_at((across.at(at), middle(bin)));
                let Some(&count) = counts.get(&bin) else {
                    assert_eq!(colour, None, "{metric:?}: nothing of bin {bin} ended at {at} ns");
                    continue;
                };
                let expected = count as f64 / (length / 1e9);
                let colour = colour.unwrap_or_else(|| panic!("{metric:?}: bin {bin} is empty at {at} ns"));
                let shown = rate(&legend, colour);
                assert!(
                    (expected / NEARLY..expected * NEARLY).contains(&shown),
                    "{metric:?}, bin {bin} at {at} ns: {colour} is {shown} samples a second, not {expected}"
                );
                cells.push((expected, lightness(colour)));
            }
        }
        assert!(cells.len() > 10, "{metric:?}: {} cells", cells.len());
        cells.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(
            cells.windows(2).all(|pair| pair[0].1 >= pair[1].1),
            "{metric:?}: the more the darker: {cells:?}"
        );
    }
}
