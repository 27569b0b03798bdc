//! Tidy CSV (RFC 4180): one observation a row, one header, numbers without thousands marks, absent as empty.
//!
//! Comment lines would break most readers, so that what a reader must know of the figures stands in columns: the
//! bound of the buckets' relative width, and how many samples are in no bucket.

use super::Subject;
use super::summary::{QUANTILES, Row, rows};
use crate::profile::histogram::Quantile;
use anyhow::{Context as _, Result};
use csv::Writer;
use profiler_ebpf::buckets::RELATIVE_ERROR;

/// What every row begins with.
const IDENTITY: [&str; 7] = ["profile", "pid", "tid", "start_ns", "thread", "threads", "metric"];

/// The table of buckets, or of summaries.
pub(super) fn csv(subject: &Subject<'_>) -> Result<Vec<u8>> {
    let mut writer = Writer::from_writer(Vec::new());
    if subject.summary { summaries(&mut writer, subject) } else { buckets(&mut writer, subject) }
        .context("cannot write the CSV")?;
    writer.into_inner().map_err(csv::IntoInnerError::into_error).context("cannot write the CSV")
}

fn buckets(writer: &mut Writer<Vec<u8>>, subject: &Subject<'_>) -> csv::Result<()> {
    let header = ["low_ns", "high_ns", "count", "max_relative_width"];
    writer.write_record(IDENTITY.iter().chain(&header))?;
    let width = RELATIVE_ERROR.to_string();
    for row in rows(subject) {
        let identity = identity(&row);
        for bucket in &row.histogram.buckets {
            let figures = [bucket.low_ns.0, bucket.high_ns.0, bucket.count].map(|figure| figure.to_string());
            writer.write_record(identity.iter().chain(&figures).chain([&width]))?;
        }
    }
    Ok(())
}

fn summaries(writer: &mut Writer<Vec<u8>>, subject: &Subject<'_>) -> csv::Result<()> {
    let quantiles = QUANTILES.iter().flat_map(|(name, _)| [format!("{name}_ns"), format!("{name}_beyond")]);
    let mut header: Vec<String> = IDENTITY.iter().map(|&name| name.to_owned()).collect();
    header.extend(["count", "sum_ns", "min_ns"].map(str::to_owned));
    header.extend(quantiles);
    header.extend(["max_ns", "without_bucket", "max_relative_width"].map(str::to_owned));
    writer.write_record(&header)?;
    for row in rows(subject) {
        let histogram = row.histogram;
        let mut fields = identity(&row).to_vec();
        fields.extend(
            [histogram.count, histogram.sum_ns.0, histogram.min_ns.0].map(|figure| figure.to_string()),
        );
        fields.extend(row.quantiles().into_iter().flat_map(quantile));
        fields.extend([histogram.max_ns.0, histogram.without_bucket()].map(|figure| figure.to_string()));
        fields.push(RELATIVE_ERROR.to_string());
        writer.write_record(&fields)?;
    }
    Ok(())
}

fn quantile(quantile: Option<Quantile>) -> [String; 2] {
    quantile
        .map_or_else(Default::default, |quantile| [quantile.value.0.to_string(), quantile.beyond.to_string()])
}

fn identity(row: &Row<'_>) -> [String; IDENTITY.len()] {
    let key = &row.group.key;
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    [
        row.title.to_owned(),
        number(key.pid().map(u64::from)),
        number(key.tid().map(u64::from)),
        number(key.start_ns().map(|start| start.0)),
        key.name().unwrap_or_default().to_owned(),
        // Of threads without a slot only their sum is there.
        number((!row.group.threads.is_empty()).then_some(row.group.threads.len() as u64)),
        row.metric.name().to_owned(),
    ]
}
