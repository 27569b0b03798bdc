use super::super::fixture::{batch, group, text};
use super::super::groups::Limits;
use super::super::shape::{BucketFactor, Shape};
use super::*;
use crate::golden::matches;
use crate::watch::batch::{Group, Key, OTHERS};
use model::losses::{Loss, LossCounts};
use model::profile::histogram::Histogram;
use model::profile::units::{Bytes, Nanos};
use std::collections::BTreeSet;

const SHAPE: Shape = Shape::Bounds(BucketFactor::Four);

/// Two groups of one selector, one that needs care in every format, and one beyond the limit.
fn snapshot() -> Snapshot {
    let mut groups = Groups::new(SHAPE, Limits { groups: 3, expire_after: Nanos(u64::MAX) });
    let mut full = group("a full one", 0);
    full.key = Key { pid: Some(1), thread: Some("main".into()), ..full.key };
    for metric in Metric::ALL {
        let samples = (0_u32..42).step_by(7).map(|bits| Nanos((1 << bits) + metric.index() as u64));
        full.histograms.extend(Histogram::of(samples).map(|samples| (metric, samples)));
    }
    full.states = model::profile::interval::States::from_all(
        [1, 20, 300, 4_000, 50_000, 7_000_000, 600_000].map(Nanos),
    );
    let mut odd = group("\"q\"\\b\nnewline", 1);
    odd.key =
        Key { pid: Some(42), thread: Some("wörker {x=\"y\"}".into()), selector: "odd".into(), ..odd.key };
    let beyond = Histogram::of([Nanos(1 << 50), Nanos(1_023), Nanos(1_024)]).unwrap();
    odd.histograms.insert(Metric::Blocked, beyond);
    let mut alone = group("", 3);
    alone.key.process = None;
    let more = [group("one", 1), group("one too many", 2), group("two too many", 3)];
    groups.add(&batch(0, &[&[full, odd, alone][..], &more].concat()));
    groups.add(&batch(1, &[group("one", 4)]));
    let lost = LossCounts::of([(Loss::SamplesWithoutBucket, 1), (Loss::MissedProgramRuns, 2)]);
    let own = Own { cpu: Some(Nanos(1_500_000_000)), resident: Some(Bytes(12_345_678)) };
    Snapshot { groups: Arc::new(groups), lost, pushed: Some(Outcome { accepted: 7, dropped: 8 }), own }
}

#[test]
fn the_texts() {
    matches("metrics/openmetrics.txt", &text(&snapshot(), Format::OpenMetrics));
    matches("metrics/prometheus.txt", &text(&snapshot(), Format::Prometheus));
}

/// Else a server that is given another form joins nothing across the change.
#[test]
fn series_are_the_same_in_both_texts() {
    let bounds = |format| -> BTreeSet<String> {
        let text = text(&snapshot(), format);
        let after =
            text.lines().filter_map(|line| line.split_once(",le=\"").or_else(|| line.split_once("{le=\"")));
        after.filter_map(|(_, rest)| Some(rest.split_once('"')?.0.to_owned())).collect()
    };
    assert_eq!(bounds(Format::OpenMetrics), bounds(Format::Prometheus));
    assert_eq!(bounds(Format::Prometheus).len(), SHAPE.bounds().len() + 1);
}

#[test]
fn without_anything_recorded_there_is_a_text() {
    let groups = Arc::new(Groups::new(SHAPE, Limits { groups: 3, expire_after: Nanos(1) }));
    let none = Snapshot { groups, lost: LossCounts::default(), pushed: None, own: Own::default() };
    let text = text(&none, Format::OpenMetrics);
    assert!(text.ends_with("# EOF\n"));
    // Unknown figures are not shown as 0.
    assert!(!text.contains("\nprofiler_last_interval_timestamp_seconds "));
    assert!(!text.contains("process_") && !text.contains("otlp"));
}

#[test]
fn every_loss_of_a_daemon_is_a_series() {
    let lost = LossCounts::of(Loss::OF_INTERVAL.into_iter().zip(101..));
    let text = text(&Snapshot { lost, ..snapshot() }, Format::OpenMetrics);
    for (loss, count) in lost.only(Loss::OF_INTERVAL) {
        let series = format!("profiler_lost_total{{kind=\"{}\"}} {count}\n", loss.name());
        assert!(text.contains(&series), "{loss:?}: {text}");
    }
}

/// No series twice, and the sums of the groups are those of the selector.
#[test]
fn groups_add_up_to_their_selector() {
    let text = text(&snapshot(), Format::OpenMetrics);
    let mut series: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, _)| name)
        .collect();
    let count = series.len();
    series.sort_unstable();
    series.dedup();
    assert_eq!(series.len(), count);

    let sum = |name: &str| -> u64 {
        let lines = text.lines().filter_map(|line| line.strip_prefix(name));
        lines
            .filter(|line| line.starts_with('{') && line.contains("selector=\"web\""))
            .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
            .sum()
    };
    assert_eq!(sum("profiler_blocked_seconds_count"), 6 + 3 + 1 + 2 + 3 + 4);
    assert_eq!(sum("profiler_selector_blocked_seconds_count"), sum("profiler_blocked_seconds_count"));
    assert_eq!(sum("profiler_selector_blocked_seconds_bucket"), sum("profiler_blocked_seconds_bucket"));
    assert!(text.contains(&format!("process=\"{OTHERS}\"")));
}

#[test]
fn a_group_without_threads_in_the_last_interval_shows_none() {
    let text = text(&snapshot(), Format::OpenMetrics);
    let threads: Vec<&str> = text.lines().filter(|line| line.starts_with("profiler_threads{")).collect();
    assert_eq!(threads, ["profiler_threads{selector=\"web\",process=\"one\"} 1"]);
}

/// Not a test: `cargo test … -- --ignored --nocapture` with an optimised build says what a scrape costs.
#[test]
#[ignore = "a measurement, not a test"]
fn cost_of_two_thousand_groups() {
    let mut groups = Groups::new(SHAPE, Limits { groups: 4_000, expire_after: Nanos(u64::MAX) });
    let samples = Histogram::of((0..2_000).map(|at| Nanos(1 << (at % 40)))).unwrap();
    let all: Vec<Group> = (0..2_000_u32)
        .map(|number| {
            let mut one = group("a-usual-name", 1);
            one.key = Key { pid: Some(number), thread: Some(format!("worker-{number}").into()), ..one.key };
            one.histograms = Metric::ALL.map(|metric| (metric, samples.clone())).into();
            one
        })
        .collect();
    let before = Own::read();
    groups.add(&batch(0, &all));
    let own = Own::read();
    println!("resident: {:?} without them, {:?} with them", before.resident, own.resident);
    let snapshot = Snapshot { groups: Arc::new(groups), lost: LossCounts::default(), pushed: None, own };
    for _ in 0..5 {
        let began = std::time::Instant::now();
        let text = text(&snapshot, Format::OpenMetrics);
        let (took, resident) = (began.elapsed(), Own::read().resident);
        println!("{took:?}, {} bytes, {} lines; resident: {resident:?}", text.len(), text.lines().count());
    }
}
