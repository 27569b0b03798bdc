//! One profile in every form that it is given: each says the same count and the same sum of each metric.
//!
//! The recorded run was cut into intervals, so that the forms that a daemon writes are made of these, one after the
//! other, and those of an export of the whole run.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests are not recognised as such in an integration test"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use jiff::{SignedDuration, Timestamp};
use model::losses::LossCounts;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::interval::{Interval, States};
use model::profile::units::Nanos;
use model::profile::{Profile, file};
use parquet::file::reader::{ChunkReader, FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use profiler::export::Format;
use profiler::metrics::{Metrics, MetricsConfig, Server};
use profiler::report::{self, Style};
use profiler::store::{Store, StoreConfig};
use profiler::view::Subject;
use profiler::view::series::{GroupBy, Selection};
use profiler::watch::batch::{Batch, Group, Key};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Count and sum in nanoseconds of each metric, by its name. A sum that a form tells with less than all its digits, or
/// only by buckets, is the range that it may be in.
type Sums = BTreeMap<String, (u64, RangeInclusive<u64>)>;

fn recorded() -> Profile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/intervals.profile.json");
    file::read(&path).unwrap()
}

/// Count and sum of each metric as the profile's file has them, added up here.
fn of_the_file(profile: &Profile) -> BTreeMap<String, (u64, u64)> {
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (metric, histogram) in profile.threads.iter().flat_map(|thread| &thread.histograms) {
        let (count, sum) = sums.entry(metric.clone()).or_default();
        *count += histogram.count;
        *sum += histogram.sum_ns.0;
    }
    sums
}

/// Asserts that a form says of every metric what the file says, and of no other metric anything.
fn agrees(form: &str, profile: &Profile, found: &Sums) {
    let expected = of_the_file(profile);
    assert!(expected.len() >= 5, "{expected:?}");
    assert!(found.keys().eq(expected.keys()), "{form} has {:?}", found.keys());
    for (metric, (count, sum)) in expected {
        let (told, range) = &found[&metric];
        assert_eq!(*told, count, "{form}: samples of {metric}");
        assert!(range.contains(&sum), "{form}: {metric} took {sum} ns, not {range:?}");
    }
}

/// Adds to the sums of a metric.
fn add(sums: &mut Sums, metric: &str, count: u64, least: u64, most: u64) {
    let (all, range) = sums.entry(metric.to_owned()).or_insert((0, 0..=0));
    *all += count;
    *range = range.start() + least..=range.end() + most;
}

/// The file that a format makes of the run as one group.
fn exported(profile: &Profile, format: Format, summary: bool) -> Vec<u8> {
    let profiles = [profile];
    let selection = Selection { metrics: Vec::new(), threads: None, group_by: GroupBy::Run };
    format.make(&Subject::new(&profiles, &selection, summary)).unwrap().remove(0).bytes
}

#[test]
fn the_report() {
    let profile = recorded();
    let text = report::single(&profile, &Style::plain(100));
    let table = text.split("What getrusage cannot say").nth(1).unwrap();
    let (_, unit) = table.split_once("totals in ").unwrap();
    let unit = match unit.split(',').next().unwrap() {
        "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        other => panic!("totals in {other}"),
    };
    let mut sums = Sums::new();
    for metric in Metric::ALL {
        let row =
            table.lines().map(str::split_whitespace).find(|row| row.clone().next() == Some(metric.name()));
        let row: Vec<&str> = row.unwrap().collect();
        let Ok(count) = row[1].replace(',', "").parse() else { continue };
        // Three digits, or all before the point.
        let total = row.last().unwrap().replace(',', "").parse::<f64>().unwrap() * unit;
        add(&mut sums, metric.name(), count, (total * 0.995) as u64, (total * 1.005) as u64);
    }
    agrees("the report", &profile, &sums);
}

#[test]
fn csv() {
    let profile = recorded();
    let summary = exported(&profile, Format::Csv, true);
    let mut sums = Sums::new();
    for row in csv::Reader::from_reader(summary.as_slice()).deserialize() {
        let row: BTreeMap<String, String> = row.unwrap();
        let number = |column: &str| -> u64 { row[column].parse().unwrap() };
        add(&mut sums, &row["metric"], number("count"), number("sum_ns"), number("sum_ns"));
    }
    agrees("CSV with --summary", &profile, &sums);

    let buckets = exported(&profile, Format::Csv, false);
    let mut sums = Sums::new();
    for row in csv::Reader::from_reader(buckets.as_slice()).deserialize() {
        let row: BTreeMap<String, String> = row.unwrap();
        let number = |column: &str| -> u64 { row[column].parse().unwrap() };
        let (low, high, count) = (number("low_ns"), number("high_ns"), number("count"));
        add(&mut sums, &row["metric"], count, low * count, (high - 1) * count);
    }
    agrees("CSV", &profile, &sums);
}

#[test]
fn hlog() {
    let profile = recorded();
    let log = exported(&profile, Format::Hlog, false);
    let mut sums = Sums::new();
    for entry in IntervalLogIterator::new(&log) {
        let LogEntry::Interval(interval) = entry.unwrap() else { continue };
        let bytes = STANDARD.decode(interval.encoded_histogram()).unwrap();
        let histogram: hdrhistogram::Histogram<u64> =
            Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
        let tag = interval.tag().unwrap();
        let metric = tag.as_str().rsplit('/').next().unwrap();
        for step in histogram.iter_recorded() {
            let (value, count) = (step.value_iterated_to(), step.count_at_value());
            let (low, high) = (histogram.lowest_equivalent(value), histogram.highest_equivalent(value));
            add(&mut sums, metric, count, low * count, high * count);
        }
    }
    agrees("hlog", &profile, &sums);
}

/// The rows of a Parquet file.
fn rows<R: ChunkReader + 'static>(file: R) -> Vec<Row> {
    let reader = SerializedFileReader::new(file).unwrap();
    reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

/// The value of a column; 0 of one that has none in this row.
fn number(row: &Row, column: &str) -> u64 {
    match field(row, column) {
        Field::ULong(number) => *number,
        Field::Null => 0,
        other => panic!("{column} is {other:?}"),
    }
}

fn field<'a>(row: &'a Row, column: &str) -> &'a Field {
    row.get_column_iter().find(|(name, _)| *name == column).unwrap().1
}

fn word<'a>(row: &'a Row, column: &str) -> &'a str {
    match field(row, column) {
        Field::Str(text) => text,
        other => panic!("{column} is {other:?}"),
    }
}

#[test]
fn parquet() {
    let profile = recorded();
    let mut sums = Sums::new();
    for row in rows(bytes::Bytes::from(exported(&profile, Format::Parquet, true))) {
        let sum = number(&row, "sum_ns");
        add(&mut sums, word(&row, "metric"), number(&row, "count"), sum, sum);
    }
    agrees("Parquet with --summary", &profile, &sums);
}

/// The intervals as a daemon has them, all threads as one group.
fn batches(profile: &Profile) -> Vec<Batch> {
    let started: Timestamp = profile.run.started_at.parse().unwrap();
    let at =
        |ns: u64| started + SignedDuration::from_nanos(i64::try_from(ns - profile.run.started_ns.0).unwrap());
    let of = |interval: &Interval| {
        let all = |metric: Metric| {
            interval.threads.iter().filter_map(move |thread| thread.histograms.get(metric.name()))
        };
        let merged = |metric: Metric| Some((metric, Histogram::merged(all(metric))?));
        let group = Group {
            key: Key { selector: "all".into(), process: Some("pool".into()), pid: None, thread: None },
            threads: interval.threads.len() as u64,
            states: States::default(),
            histograms: Metric::ALL.into_iter().filter_map(merged).collect(),
        };
        Batch {
            from: at(interval.from_ns.0),
            until: at(interval.until_ns.0),
            length_ns: Nanos(interval.until_ns.0 - interval.from_ns.0),
            groups: vec![group],
            lost: LossCounts::default(),
        }
    };
    profile.intervals.iter().map(of).collect()
}

/// Every published file below a store's folder.
fn published(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(published(&path));
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            files.push(path);
        }
    }
    files
}

#[test]
fn the_store() {
    let profile = recorded();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let config =
        StoreConfig { path: path.clone(), keep: None, max_size: None, publish: Duration::from_mins(5) };
    let mut store = Store::open(&config, "host").unwrap();
    for batch in batches(&profile) {
        store.append(&batch).unwrap();
    }
    store.flush().unwrap();
    let mut sums = Sums::new();
    let files = published(&path);
    for file in &files {
        for row in rows(std::fs::File::open(file).unwrap()) {
            match word(&row, "kind") {
                "histogram" => {
                    let sum = number(&row, "sum_ns");
                    add(&mut sums, word(&row, "metric"), number(&row, "without_bucket"), sum, sum);
                }
                "bucket" => add(&mut sums, word(&row, "metric"), number(&row, "count"), 0, 0),
                _ => {}
            }
        }
    }
    agrees(&format!("the store in {files:?}"), &profile, &sums);
}

/// The text that a scrape of OpenMetrics answers.
async fn scraped(metrics: Metrics) -> String {
    let config = MetricsConfig { address: Some("127.0.0.1:0".parse().unwrap()), ..MetricsConfig::default() };
    let server = Server::start(&config, Arc::new(metrics)).unwrap();
    let mut stream = tokio::net::TcpStream::connect(server.address().unwrap()).await.unwrap();
    // The earlier version has no chunks in its answers.
    let request = "GET /metrics HTTP/1.0\r\nAccept: application/openmetrics-text;version=1.0.0\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    server.stop().await;
    answer
}

#[test]
fn openmetrics() {
    let profile = recorded();
    let metrics = Metrics::new(&MetricsConfig::default());
    batches(&profile).iter().for_each(|batch| metrics.add(batch));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let text = runtime.block_on(scraped(metrics));
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut sums = Sums::new();
    for metric in Metric::ALL {
        let series = |part: &str| -> Option<f64> {
            let name = format!("profiler_{}_seconds_{part}{{", metric.name());
            let line = text.lines().find(|line| line.starts_with(&name) && line.contains("process=\"pool\""));
            Some(line?.rsplit_once(' ')?.1.parse().unwrap())
        };
        let (Some(count), Some(sum)) = (series("count"), series("sum")) else { continue };
        let sum = (sum * 1e9).round() as u64;
        add(&mut sums, metric.name(), count as u64, sum, sum);
    }
    agrees("OpenMetrics", &profile, &sums);
}
