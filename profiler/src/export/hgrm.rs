//! Percentiles as HdrHistogram's own tools print them (`.hgrm`), for its plotter. A file holds one distribution.
//!
//! Everything that no plotter reads is in comments, manifest and exact totals too. Values are in nanoseconds: scaled to
//! microseconds the two decimals of this format would be coarser than the buckets below 1 µs.

use super::hdr::{SUB_BUCKETS, hdr};
use super::names::Names;
use super::summary::{Row, rows};
use super::{Artifact, Subject, manifest};
use anyhow::{Result, bail};
use std::fmt::Write as _;

/// Steps in each half of the remaining distance to 100 %, as HdrHistogram's tools have it.
const TICKS_PER_HALF_DISTANCE: u32 = 5;

/// Before a value of 13 digits, `.00` and at least one space: some readers want one before the first number.
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
        [] => bail!(
            "no sample is in a bucket, so there are no percentiles; raise --histogram-memory when recording"
        ),
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
    percentiles(&hdr(row.histogram)?, &mut file)?;
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

/// The table and its footer, in the words and the order of HdrHistogram's `outputPercentileDistribution`.
fn percentiles(hdr: &hdrhistogram::Histogram<u64>, file: &mut String) -> Result<()> {
    writeln!(
        file,
        "{:>VALUE_WIDTH$} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    )?;
    let mut total: u64 = 0;
    for step in hdr.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        total = total.saturating_add(step.count_since_last_iteration());
        let (value, quantile) = (step.value_iterated_to() as f64, step.quantile_iterated_to());
        write!(file, "{value:VALUE_WIDTH$.2} {quantile:.12} {total:10}")?;
        if quantile < 1.0 {
            write!(file, " {:14.2}", 1.0 / (1.0 - quantile))?;
        }
        file.push('\n');
    }
    writeln!(file, "#[Mean    = {:12.2}, StdDeviation   = {:12.2}]", hdr.mean(), hdr.stdev())?;
    writeln!(file, "#[Max     = {:12.2}, Total count    = {:12}]", hdr.max() as f64, hdr.len())?;
    writeln!(file, "#[Buckets = {:12}, SubBuckets     = {SUB_BUCKETS:12}]", hdr.buckets())?;
    Ok(())
}
