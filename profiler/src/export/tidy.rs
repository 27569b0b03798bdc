//! The tidy tables of CSV and Parquet: one observation a row, the same columns in both.
//!
//! What a reader must know of the figures stands in columns too, since CSV has no other place for it: the bound of
//! the buckets' relative width, and how many samples are in no bucket.

use super::Subject;
use super::summary::{QUANTILES, Row, rows};
use crate::profile::histogram::Quantile;
use profiler_ebpf::buckets::RELATIVE_ERROR;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A number of the kernel's, of a process or thread; below 2^32.
    Id,
    /// A count, or nanoseconds.
    Whole,
    /// A share, from 0 to 1.
    Share,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Whether some rows have nothing there.
    pub(super) optional: bool,
}

/// One field of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Text(&'a str),
    /// Of [`Kind::Id`] and [`Kind::Whole`].
    Whole(u64),
    Share(f64),
    Absent,
}

/// Columns, and rows with a value for each of them.
pub(super) struct Table<'a> {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Box<dyn Iterator<Item = Vec<Value<'a>>> + 'a>,
}

/// Every bucket, or one row a group and metric: as was asked for.
pub(super) fn table<'a>(subject: &'a Subject<'a>) -> Table<'a> {
    if subject.summary {
        Table { columns: summary_columns(), rows: Box::new(rows(subject).map(|row| summary(&row))) }
    } else {
        Table { columns: bucket_columns(), rows: Box::new(rows(subject).flat_map(|row| buckets(&row))) }
    }
}

fn always(name: &str, kind: Kind) -> Column {
    Column { name: name.to_owned(), kind, optional: false }
}

fn maybe(name: &str, kind: Kind) -> Column {
    Column { name: name.to_owned(), kind, optional: true }
}

/// What every row begins with.
fn identity_columns() -> Vec<Column> {
    vec![
        always("profile", Kind::Text),
        maybe("pid", Kind::Id),
        maybe("tid", Kind::Id),
        maybe("start_ns", Kind::Whole),
        maybe("thread", Kind::Text),
        // Of threads without a slot only their sum is there.
        maybe("threads", Kind::Whole),
        always("metric", Kind::Text),
    ]
}

fn identity<'a>(row: &Row<'a>) -> Vec<Value<'a>> {
    let key = &row.group.key;
    let threads = row.group.threads.len() as u64;
    vec![
        Value::Text(row.title),
        Value::whole(key.pid().map(u64::from)),
        Value::whole(key.tid().map(u64::from)),
        Value::whole(key.start_ns().map(|start| start.0)),
        key.name().map_or(Value::Absent, Value::Text),
        Value::whole((threads > 0).then_some(threads)),
        Value::Text(row.metric.name()),
    ]
}

fn bucket_columns() -> Vec<Column> {
    let mut columns = identity_columns();
    columns.extend(["low_ns", "high_ns", "count"].map(|name| always(name, Kind::Whole)));
    columns.push(always("max_relative_width", Kind::Share));
    columns
}

fn buckets<'a>(row: &Row<'a>) -> impl Iterator<Item = Vec<Value<'a>>> + use<'a> {
    let identity = identity(row);
    row.histogram.buckets.iter().map(move |bucket| {
        let mut values = identity.clone();
        values.extend([bucket.low_ns.0, bucket.high_ns.0, bucket.count].map(Value::Whole));
        values.push(Value::Share(RELATIVE_ERROR));
        values
    })
}

fn summary_columns() -> Vec<Column> {
    let mut columns = identity_columns();
    columns.extend(["count", "sum_ns", "min_ns"].map(|name| always(name, Kind::Whole)));
    for (name, _) in QUANTILES {
        columns.push(maybe(&format!("{name}_ns"), Kind::Whole));
        columns.push(maybe(&format!("{name}_beyond"), Kind::Whole));
    }
    columns.extend(["max_ns", "without_bucket"].map(|name| always(name, Kind::Whole)));
    columns.push(always("max_relative_width", Kind::Share));
    columns
}

fn summary<'a>(row: &Row<'a>) -> Vec<Value<'a>> {
    let histogram = row.histogram;
    let mut values = identity(row);
    values.extend([histogram.count, histogram.sum_ns.0, histogram.min_ns.0].map(Value::Whole));
    values.extend(row.quantiles().into_iter().flat_map(quantile));
    values.extend([histogram.max_ns.0, histogram.without_bucket()].map(Value::Whole));
    values.push(Value::Share(RELATIVE_ERROR));
    values
}

fn quantile<'a>(quantile: Option<Quantile>) -> [Value<'a>; 2] {
    quantile.map_or([Value::Absent; 2], |Quantile { value, beyond }| {
        [Value::Whole(value.0), Value::Whole(beyond)]
    })
}

impl Value<'_> {
    fn whole(number: Option<u64>) -> Self {
        number.map_or(Self::Absent, Self::Whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::series::{GroupBy, Selection};

    fn fits(column: &Column, value: Value<'_>) -> bool {
        match (column.kind, value) {
            (_, Value::Absent) => column.optional,
            (Kind::Text, Value::Text(_)) | (Kind::Whole, Value::Whole(_)) => true,
            (Kind::Id, Value::Whole(id)) => u32::try_from(id).is_ok(),
            (Kind::Share, Value::Share(share)) => (0.0..=1.0).contains(&share),
            _ => false,
        }
    }

    #[test]
    fn every_value_is_what_its_column_says() {
        let (one, two) = (fixture::pool(), fixture::overfull());
        let profiles = [&one, &two];
        for group_by in [GroupBy::Thread, GroupBy::Name, GroupBy::Process, GroupBy::Run] {
            for summary in [false, true] {
                let selection = Selection { metrics: Vec::new(), threads: None, group_by };
                let subject = Subject::new(&profiles, &selection, summary);
                let Table { columns, rows } = table(&subject);
                for row in rows {
                    assert_eq!(row.len(), columns.len());
                    for (column, value) in columns.iter().zip(row) {
                        assert!(fits(column, value), "{column:?}: {value:?}");
                    }
                }
            }
        }
    }
}
