//! The tidy tables of CSV and Parquet: one observation a row, the same columns in both.
//!
//! The relative width of buckets and the number of samples without a bucket are columns too, since CSV has no
//! metadata.

use super::summary::{QUANTILES, Row, rows};
use crate::columns::{Column, Kind, Value};
use crate::view::Subject;
use model::buckets::RELATIVE_ERROR;
use model::profile::histogram::Quantile;

/// Columns, and rows with a value for each column.
pub(super) struct Table<'a> {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Box<dyn Iterator<Item = Vec<Value<'a>>> + 'a>,
}

/// The table of buckets, or of summaries, as the subject requests.
pub(super) fn table<'a>(subject: &'a Subject<'a>) -> Table<'a> {
    if subject.summary {
        Table { columns: summary_columns(), rows: Box::new(rows(subject).map(|row| summary(&row))) }
    } else {
        Table { columns: bucket_columns(), rows: Box::new(rows(subject).flat_map(|row| buckets(&row))) }
    }
}

/// The leading columns of every row.
fn identity_columns() -> Vec<Column> {
    vec![
        Column::always("profile", Kind::Text),
        Column::maybe("pid", Kind::Id),
        Column::maybe("tid", Kind::Id),
        Column::maybe("start_ns", Kind::Whole),
        Column::maybe("thread", Kind::Text),
        // Of threads without a slot only the sum is known.
        Column::maybe("threads", Kind::Whole),
        Column::always("metric", Kind::Text),
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
        Value::text(key.name()),
        Value::whole((threads > 0).then_some(threads)),
        Value::Text(row.metric.name()),
    ]
}

fn bucket_columns() -> Vec<Column> {
    let mut columns = identity_columns();
    columns.extend(["low_ns", "high_ns", "count"].map(|name| Column::always(name, Kind::Whole)));
    columns.push(Column::always("max_relative_width", Kind::Share));
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
    columns.extend(["count", "sum_ns", "min_ns"].map(|name| Column::always(name, Kind::Whole)));
    for (name, _) in QUANTILES {
        columns.push(Column::maybe(&format!("{name}_ns"), Kind::Whole));
        columns.push(Column::maybe(&format!("{name}_beyond"), Kind::Whole));
    }
    columns.extend(["max_ns", "without_bucket"].map(|name| Column::always(name, Kind::Whole)));
    columns.push(Column::always("max_relative_width", Kind::Share));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::series::{GroupBy, Selection};
    use model::profile::fixture;

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
