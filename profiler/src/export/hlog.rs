//! The interval log of HdrHistogram (`.hlog`, version 1.3, histograms compressed as V2): lossless, and read by
//! HdrHistogram's implementations in all languages.
//!
//! A line holds one metric of one group in one interval; its tag names them (see [`Names::tag`]). A run without
//! intervals is a single interval. Manifest, losses and samples without a bucket are comments.

use super::hdr::hdr;
use super::intervals::{Interval, intervals};
use super::names::Names;
use super::summary::rows;
use crate::view::Subject;
use crate::view::manifest::{comments, on_one_line};
use crate::view::series::Group;
use anyhow::{Context as _, Result};
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use jiff::Timestamp;
use model::outside_text::excerpt;
use model::profile::Profile;
use std::time::Duration;

/// Unit of an interval's maximum: milliseconds, as in the Java implementation.
const MAX_VALUE_DIVISOR: f64 = 1e6;

const LEGEND: &str = r#""StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram""#;

/// A line before it is written.
struct Line<'a> {
    tag: String,
    /// Start, relative to the base time.
    start: Duration,
    interval: Interval<'a>,
}

pub(super) fn hlog(subject: &Subject<'_>) -> Result<Vec<u8>> {
    let starts = subject.profiles.iter().map(|profile| started(profile)).collect::<Result<Vec<_>>>()?;
    let base = starts.iter().min().copied().unwrap_or_default();
    let mut log = header(subject, base).into_bytes();
    let lines = lines(subject, &starts, base)?;
    if lines.is_empty() {
        return Err(subject.nothing_in_buckets("to export", "sample in a bucket"));
    }
    let mut serializer = V2DeflateSerializer::new();
    let mut writer = IntervalLogWriterBuilder::new()
        .with_max_value_divisor(MAX_VALUE_DIVISOR)
        .begin_log_with(&mut log, &mut serializer)
        .context("cannot begin the interval log")?;
    for Line { tag, start, interval } in &lines {
        let tag = Tag::new(tag).with_context(|| format!("{tag:?} is no tag (a defect of this program)"))?;
        let length = Duration::from_nanos(interval.until_ns.0.saturating_sub(interval.from_ns.0));
        writer
            .write_histogram(&hdr(&interval.histogram)?, *start, length, Some(tag))
            .with_context(|| format!("cannot write the histogram {}", tag.as_str()))?;
    }
    Ok(log)
}

/// Everything before the intervals. The crate's writer would write the two times but not the legend, which
/// follows them.
fn header(subject: &Subject<'_>, base: Timestamp) -> String {
    let seconds = base.as_nanosecond() as f64 / 1e9;
    let mut lines = vec!["#[Histogram log format version 1.3]".to_owned()];
    lines.extend(comments(subject).into_iter().map(|comment| format!("#[{comment}]")));
    lines.push("#[unit of values: nanoseconds; tags: percent-encoded]".to_owned());
    lines.extend(without_bucket(subject));
    lines.push(format!("#[StartTime: {seconds:.3} (seconds since epoch), {base}]"));
    lines.push(format!("#[BaseTime: {seconds:.3} (seconds since epoch)]"));
    lines.push(LEGEND.to_owned());
    lines.join("\n") + "\n"
}

/// A comment for each distribution with samples that are in no bucket.
fn without_bucket(subject: &Subject<'_>) -> Vec<String> {
    let lacking = rows(subject).filter(|row| row.histogram.without_bucket() > 0);
    let comment = |row: super::summary::Row<'_>| {
        format!(
            "#[in no bucket, and so in no line: {} samples of {}, {}, {}]",
            row.histogram.without_bucket(),
            row.metric.name(),
            on_one_line(&row.group.key.label()),
            on_one_line(row.title),
        )
    };
    lacking.map(comment).collect()
}

/// Lines sorted by start, as readers expect.
fn lines<'a>(subject: &'a Subject<'a>, starts: &[Timestamp], base: Timestamp) -> Result<Vec<Line<'a>>> {
    let names = Names::new(subject);
    let mut lines = Vec::new();
    for ((run, profile), started) in subject.profiles.iter().enumerate().zip(starts) {
        let since_base = Duration::try_from(started.duration_since(base))
            .context("the profiles' times are too far from each other")?;
        let groups: Vec<&Group<'_>> = subject.groups.iter().filter(|group| group.run == run).collect();
        for series in intervals(profile, &groups) {
            let tag = names.tag(series.group, series.metric);
            for interval in series.intervals {
                let since_start = interval.from_ns.0.saturating_sub(profile.run.started_ns.0);
                let start = since_base.saturating_add(Duration::from_nanos(since_start));
                lines.push(Line { tag: tag.clone(), start, interval });
            }
        }
    }
    lines.sort_by_key(|line| line.start);
    Ok(lines)
}

fn started(profile: &Profile) -> Result<Timestamp> {
    let text = &profile.run.started_at;
    text.parse()
        .with_context(|| format!("the profile's started_at {:?} is no time; record it again", excerpt(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::series::{GroupBy, Selection};
    use base64::Engine as _;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use model::profile::fixture;
    use model::profile::histogram::{Bucket, Histogram};
    use model::profile::units::Nanos;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn subject<'a>(profiles: &'a [&'a Profile], group_by: GroupBy) -> Subject<'a> {
        Subject::new(profiles, &Selection { metrics: Vec::new(), threads: None, group_by }, false)
    }

    /// Buckets by tag, summed over intervals.
    fn read(log: &[u8]) -> BTreeMap<String, BTreeMap<u64, u64>> {
        let mut tags: BTreeMap<String, BTreeMap<u64, u64>> = BTreeMap::new();
        for entry in IntervalLogIterator::new(log) {
            let LogEntry::Interval(interval) = entry.unwrap() else { continue };
            let encoded = interval.encoded_histogram();
            let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
            let histogram: hdrhistogram::Histogram<u64> =
                Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
            let buckets = tags.entry(interval.tag().unwrap().to_string()).or_default();
            for step in histogram.iter_recorded() {
                let low = histogram.lowest_equivalent(step.value_iterated_to());
                *buckets.entry(low).or_default() += step.count_at_value();
            }
        }
        tags
    }

    fn expected(subject: &Subject<'_>) -> BTreeMap<String, BTreeMap<u64, u64>> {
        let names = Names::new(subject);
        let buckets = |histogram: &Histogram| {
            histogram.buckets.iter().map(|&Bucket { low_ns, count, .. }| (low_ns.0, count)).collect()
        };
        let bucketed = rows(subject).filter(|row| !row.histogram.buckets.is_empty());
        bucketed.map(|row| (names.tag(row.group, row.metric), buckets(row.histogram))).collect()
    }

    #[test]
    fn intervals_are_in_order_and_counted_from_the_first_start() {
        let (mut first, mut second) = (fixture::tokio(), fixture::pool());
        second.run.started_at = "2026-08-21T10:11:14.345678Z".to_owned();
        first.run.wall_ns = Nanos(4_000_000_000);
        fixture::cut_in_two(&mut first);
        let profiles = [&second, &first];
        let log = hlog(&subject(&profiles, GroupBy::Run)).unwrap();
        let times: Vec<(u128, u128)> = IntervalLogIterator::new(&log)
            .filter_map(|entry| match entry.unwrap() {
                LogEntry::Interval(line) => {
                    Some((line.start_timestamp().as_millis(), line.duration().as_millis()))
                }
                LogEntry::StartTime(time) | LogEntry::BaseTime(time) => {
                    assert_eq!(time.as_millis(), 1_787_307_072_346);
                    None
                }
            })
            .collect();
        assert!(times.is_sorted_by_key(|(start, _)| *start), "{times:?}");
        assert_eq!(times.first(), Some(&(0, 2_000)));
        assert!(times.contains(&(2_000, 2_000)), "{times:?}");
        assert!(times.contains(&(2_000, u128::from(second.run.wall_ns.0 / 1_000_000))), "{times:?}");
    }

    #[test]
    fn samples_in_no_bucket_are_told() {
        let profile = fixture::overfull();
        let profiles = [&profile];
        let log = String::from_utf8(hlog(&subject(&profiles, GroupBy::Run)).unwrap()).unwrap();
        assert!(log.contains("#[in no bucket, and so in no line: "), "{log}");
        assert!(log.contains("#[verdict: INCOMPLETE"), "{log}");
    }

    #[test]
    fn a_start_that_is_no_time_is_refused() {
        let mut profile = fixture::tokio();
        profile.run.started_at = "yesterday".to_owned();
        let error = format!("{:#}", hlog(&subject(&[&profile], GroupBy::Run)).unwrap_err());
        assert!(error.contains("yesterday"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_is_read_back_with_the_same_counts(
            threads in prop::collection::vec(
                ("\\PC{0,12}", prop::collection::vec(0..1_u64 << 43, 1..40), 0..3_u32), 1..6,
            ),
            group_by in prop::sample::select(vec![GroupBy::Thread, GroupBy::Name, GroupBy::Process, GroupBy::Run]),
            is_cut in any::<bool>(),
        ) {
            let mut profile = fixture::tokio();
            let model = profile.threads[0].clone();
            profile.threads = threads
                .into_iter()
                .map(|(name, samples, tid)| {
                    let mut thread = model::profile::thread::Thread { name, tid, ..model.clone() };
                    let histogram = Histogram::of(samples.into_iter().map(Nanos)).unwrap();
                    thread.histograms = [("blocked".to_owned(), histogram)].into();
                    thread
                })
                .collect();
            for (start, thread) in profile.threads.iter_mut().enumerate() {
                thread.start_ns = Nanos(start as u64);
            }
            if is_cut {
                fixture::cut_in_two(&mut profile);
            }
            let profiles = [&profile];
            let subject = subject(&profiles, group_by);
            match hlog(&subject) {
                Ok(log) => prop_assert_eq!(read(&log), expected(&subject)),
                Err(_) => prop_assert!(expected(&subject).is_empty()),
            }
        }
    }
}
