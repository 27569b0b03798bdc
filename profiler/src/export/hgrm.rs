//! Percentiles in the format of HdrHistogram's tools (`.hgrm`), for its plotter. One file holds one
//! distribution.
//!
//! Manifest and exact totals are comments, which plotters skip. Values are in nanoseconds: in microseconds, the
//! two decimals of this format would be coarser than the buckets below 1 µs.

use super::Artifact;
use super::hdr::{SUB_BUCKETS, hdr};
use super::names::Names;
use super::summary::{Row, rows};
use crate::view::{Subject, manifest};
use anyhow::Result;
use model::profile::histogram::Histogram;
use std::fmt::Write as _;

/// Steps per halving of the distance to 100 %, as in HdrHistogram's tools.
const TICKS_PER_HALF_DISTANCE: f64 = 5.0;

/// Width of a value: 13 digits, `.00` and at least one space, which some readers require before the first
/// number.
const VALUE_WIDTH: usize = 17;

pub(super) fn hgrm(subject: &Subject<'_>) -> Result<Vec<Artifact>> {
    let names = Names::new(subject);
    let mut artifacts: Vec<Artifact> = rows(subject)
        .filter(|row| !row.histogram.buckets.is_empty())
        .map(|row| {
            let suffix = names.suffix(row.group, row.metric);
            Ok(Artifact { suffix, extension: None, bytes: file(subject, &row)?.into_bytes() })
        })
        .collect::<Result<_>>()?;
    match artifacts.as_mut_slice() {
        [] => return Err(subject.nothing_in_buckets("to export", "sample in a bucket")),
        [only] => only.suffix.clear(),
        _ => {}
    }
    Ok(artifacts)
}

fn file(subject: &Subject<'_>, row: &Row<'_>) -> Result<String> {
    let mut file = String::new();
    for comment in comments(subject, row) {
        file.push_str(&format!("#[{comment}]\n"));
    }
    percentiles(row.histogram, &mut file)?;
    Ok(file)
}

fn comments(subject: &Subject<'_>, row: &Row<'_>) -> Vec<String> {
    let histogram = row.histogram;
    let mut comments = match subject.profiles.get(row.group.run) {
        Some(profile) => manifest::of_one(row.title, profile),
        None => Vec::new(),
    };
    comments.extend([
        format!("metric: {}", row.metric.name()),
        format!("of: {}", manifest::on_one_line(&row.group.key.label())),
        "unit of values: nanoseconds, the upper end of a bucket".to_owned(),
        format!(
            "exact: {} samples, sum {} ns, min {} ns, max {} ns",
            histogram.count, histogram.sum_ns.0, histogram.min_ns.0, histogram.max_ns.0
        ),
        format!("samples in no bucket, and so not below: {}", histogram.without_bucket()),
    ]);
    comments
}

/// Writes the table and footer exactly as HdrHistogram's `outputPercentileDistribution`.
fn percentiles(histogram: &Histogram, file: &mut String) -> Result<()> {
    writeln!(
        file,
        "{:>VALUE_WIDTH$} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    )?;
    for Line { value_ns, percent, samples } in lines(histogram) {
        let (value, quantile) = (value_ns as f64, percent / 100.0);
        write!(file, "{value:VALUE_WIDTH$.2} {quantile:.12} {samples:10}")?;
        if percent < 100.0 {
            write!(file, " {:14.2}", 1.0 / (1.0 - quantile))?;
        }
        file.push('\n');
    }
    let hdr = hdr(histogram)?;
    writeln!(file, "#[Mean    = {:12.2}, StdDeviation   = {:12.2}]", hdr.mean(), hdr.stdev())?;
    writeln!(file, "#[Max     = {:12.2}, Total count    = {:12}]", hdr.max() as f64, hdr.len())?;
    writeln!(file, "#[Buckets = {:12}, SubBuckets     = {SUB_BUCKETS:12}]", hdr.buckets())?;
    Ok(())
}

/// A line of the table: the smallest value that this share of the samples does not exceed, and the number of
/// those.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Line {
    /// The largest value of the bucket.
    value_ns: u64,
    percent: f64,
    samples: u64,
}

/// The steps of the Java implementation's percentile iterator. It counts in percent, where sums of steps are
/// exact. The Rust implementation counts in shares, where 0.7 + 0.05 > 0.75 and the sample at 0.75 is missed.
fn lines(histogram: &Histogram) -> Vec<Line> {
    let all = histogram.bucketed();
    let mut lines = Vec::new();
    let (mut samples, mut percent) = (0_u64, 0.0);
    for bucket in &histogram.buckets {
        samples = samples.saturating_add(bucket.count);
        let value_ns = bucket.high_ns.0.saturating_sub(1);
        while percent <= 100.0 * samples as f64 / all as f64 {
            lines.push(Line { value_ns, percent, samples });
            if samples == all {
                lines.push(Line { value_ns, percent: 100.0, samples });
                break;
            }
            let next = percent + 100.0 / ticks(percent);
            // Above some 2^50 samples, steps are below the resolution of f64.
            if next == percent {
                break;
            }
            percent = next;
        }
    }
    lines
}

/// The number of steps from 0 to 100 % if all were as long as the one at `percent`.
fn ticks(percent: f64) -> f64 {
    let halvings = (100.0 / (100.0 - percent)).log2().floor();
    TICKS_PER_HALF_DISTANCE * (halvings + 1.0).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::units::Nanos;
    use proptest::prelude::*;

    #[test]
    fn more_samples_than_shares_have_numbers_come_to_an_end() {
        let mut histogram = Histogram::of([1, 2].map(Nanos)).unwrap();
        histogram.buckets[0].count = u64::MAX - 1;
        let lines = lines(&histogram);
        assert_eq!(lines.last(), Some(&Line { value_ns: 2, percent: 100.0, samples: u64::MAX }));
    }

    #[test]
    fn a_share_that_is_met_exactly_is_met_by_the_smallest_value() {
        let histogram = Histogram::of((1..=4).map(Nanos)).unwrap();
        let line = |value_ns, percent, samples| Line { value_ns, percent, samples };
        let lines = lines(&histogram);
        assert!(lines.contains(&line(2, 50.0, 2)) && lines.contains(&line(3, 75.0, 3)), "{lines:?}");
        assert_eq!(lines[lines.len() - 2..], [line(4, 77.5, 4), line(4, 100.0, 4)]);
    }

    proptest! {
        #[test]
        fn every_line_is_true(samples in prop::collection::vec(0..1_u64 << 41, 1..300)) {
            let histogram = Histogram::of(samples.iter().copied().map(Nanos)).unwrap();
            for Line { value_ns, percent, samples: counted } in lines(&histogram) {
                let upto = samples.iter().filter(|&&sample| sample <= value_ns).count() as u64;
                prop_assert_eq!(upto, counted);
                prop_assert!(100.0 * upto as f64 / samples.len() as f64 >= percent);
            }
        }
    }
}
