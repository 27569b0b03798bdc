//! The table: what of an interval stands in which row.
//!
//! Every figure stands in one row, so that sums over any rows count nothing twice and nothing has to be joined.

use crate::columns::{Column, Kind, Value};
use crate::watch::batch::{Batch, Group, Key};
use model::losses::Loss;
use model::metric::Metric;
use model::profile::histogram::{Bucket, Histogram};
use std::iter::once;

/// The rows that have a value in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    /// All.
    All,
    /// One an interval: kind `interval`.
    Interval,
    /// All but those.
    Grouped,
    /// One an interval and group: kind `group`.
    Group,
    /// Those of kinds `histogram` and `bucket`.
    Measured,
    /// One an interval, group and metric: kind `histogram`.
    Histogram,
    /// One a bucket: kind `bucket`.
    Bucket,
}

/// A column, and what people are told of it.
#[derive(Clone, Copy)]
struct Documented {
    name: &'static str,
    kind: Kind,
    rows: Rows,
    text: &'static str,
}

const fn column(name: &'static str, kind: Kind, rows: Rows, text: &'static str) -> Documented {
    Documented { name, kind, rows, text }
}

/// The columns before the losses, in their order in the files. Times by the wall clock are UTC, in microseconds; a name that
/// ends in `_ns` is nanoseconds.
const BEFORE_LOSSES: [Documented; 4] = [
    column("kind", Kind::Text, Rows::All, "what the row is: `interval`, `group`, `histogram` or `bucket`"),
    column("from_at", Kind::Time, Rows::All, "when the interval began, by the wall clock, UTC"),
    column("until_at", Kind::Time, Rows::All, "when it ended; `date` is that day"),
    column("length_ns", Kind::Whole, Rows::Interval, "how long it was, whatever the wall clock did"),
];

/// Those after the losses.
const AFTER_LOSSES: [Documented; 20] = [
    column("selector", Kind::Text, Rows::Grouped, "which selector chose the process"),
    column("process", Kind::Text, Rows::Grouped, "its name, if processes are told apart"),
    column("pid", Kind::Id, Rows::Grouped, "its number, if those of one name are told apart"),
    column("thread", Kind::Text, Rows::Grouped, "the thread's name, if threads are told apart"),
    column("threads", Kind::Whole, Rows::Group, "threads of the group that did anything in the interval"),
    column("on_cpu_ns", Kind::Whole, Rows::Group, "how long they were on a CPU, all together"),
    column("runqueue_wait_ns", Kind::Whole, Rows::Group, "woken and not yet on a CPU"),
    column("blocked_ns", Kind::Whole, Rows::Group, "after a voluntary switch, not yet woken"),
    column("preempted_ns", Kind::Whole, Rows::Group, "after an involuntary switch to another thread"),
    column(
        "runnable_idle_ns",
        Kind::Whole,
        Rows::Group,
        "after an involuntary switch to the idle task; `held_back_ns` in earlier files",
    ),
    column(
        "throttled_ns",
        Kind::Whole,
        Rows::Group,
        "kept from running by a limit (`cpu.max`, deadline, real-time)",
    ),
    column(
        "unattributed_wait_ns",
        Kind::Whole,
        Rows::Group,
        "blocked or waiting, in waits whose wake was not announced; `unsplit_ns` in earlier files",
    ),
    column("metric", Kind::Text, Rows::Measured, "what was measured"),
    column("low_ns", Kind::Whole, Rows::Bucket, "the shortest duration in the bucket"),
    column("high_ns", Kind::Whole, Rows::Bucket, "the end of the bucket, not in it"),
    column("count", Kind::Whole, Rows::Bucket, "samples in the bucket"),
    column("sum_ns", Kind::Whole, Rows::Histogram, "the sum of all samples, exact"),
    column("min_ns", Kind::Whole, Rows::Histogram, "the shortest, as exact as the buckets"),
    column("max_ns", Kind::Whole, Rows::Histogram, "the longest, as exact as the buckets"),
    column(
        "without_bucket",
        Kind::Whole,
        Rows::Histogram,
        "samples that are in no bucket, for want of memory",
    ),
];

/// All columns, in their order in the files.
fn all_columns() -> Vec<Documented> {
    let losses = Loss::OF_INTERVAL.map(|loss| {
        column(loss.name(), Kind::Whole, Rows::Interval, loss.described().in_interval.unwrap_or_default())
    });
    BEFORE_LOSSES.into_iter().chain(losses).chain(AFTER_LOSSES).collect()
}

/// The columns of the store's files.
pub(super) fn columns() -> Vec<Column> {
    let column = |column: &Documented| Column {
        name: column.name.to_owned(),
        kind: column.kind,
        optional: column.rows != Rows::All,
    };
    all_columns().iter().map(column).collect()
}

/// The columns of a row beside its interval. The lengths are numbers because rustc 1.95 breaks off at a name there.
#[derive(Clone, Copy)]
struct Row<'a> {
    kind: &'static str,
    length: Value<'a>,
    lost: [Value<'a>; 8],
    key: [Value<'a>; 4],
    /// Threads, and time by state.
    group: [Value<'a>; 8],
    metric: Value<'a>,
    bucket: [Value<'a>; 3],
    /// Of a histogram, what buckets do not say.
    totals: [Value<'a>; 4],
}

impl<'a> Row<'a> {
    const EMPTY: Self = Self {
        kind: "",
        length: Value::Absent,
        lost: [Value::Absent; 8],
        key: [Value::Absent; 4],
        group: [Value::Absent; 8],
        metric: Value::Absent,
        bucket: [Value::Absent; 3],
        totals: [Value::Absent; 4],
    };

    fn values(&self, batch: &Batch) -> Vec<Value<'a>> {
        let mut values = Vec::new();
        values.extend([
            Value::Text(self.kind),
            Value::Time(batch.from),
            Value::Time(batch.until),
            self.length,
        ]);
        values.extend(self.lost);
        values.extend(self.key);
        values.extend(self.group);
        values.push(self.metric);
        values.extend(self.bucket);
        values.extend(self.totals);
        values
    }
}

/// The rows of an interval: at least one, so that one in which nothing happened can be told from one that was not watched.
pub(super) fn rows(batch: &Batch) -> impl Iterator<Item = Vec<Value<'_>>> {
    let lost = batch.lost.only(Loss::OF_INTERVAL).map(|(_, count)| Value::Whole(count));
    let interval = Row { kind: "interval", length: Value::Whole(batch.length_ns.0), lost, ..Row::EMPTY };
    once(interval).chain(batch.groups.iter().flat_map(group)).map(|row| row.values(batch))
}

fn group(group: &Group) -> impl Iterator<Item = Row<'_>> {
    let states = group.states.all().map(|time| Value::Whole(time.0));
    let [on_cpu, runqueue_wait, blocked, preempted, runnable_idle, throttled, unattributed_wait] = states;
    let threads = Value::Whole(group.threads);
    let row = Row {
        kind: "group",
        key: key(&group.key),
        group: [
            threads,
            on_cpu,
            runqueue_wait,
            blocked,
            preempted,
            runnable_idle,
            throttled,
            unattributed_wait,
        ],
        ..Row::EMPTY
    };
    let measured = Row { group: Row::EMPTY.group, ..row };
    let histograms = group.histograms.iter();
    once(row).chain(histograms.flat_map(move |(&metric, of)| histogram(measured, metric, of)))
}

fn key(key: &Key) -> [Value<'_>; 4] {
    [
        Value::Text(&key.selector),
        Value::text(key.process.as_deref()),
        Value::whole(key.pid.map(u64::from)),
        Value::text(key.thread.as_deref()),
    ]
}

fn histogram<'a>(
    group: Row<'a>,
    metric: Metric,
    histogram: &'a Histogram,
) -> impl Iterator<Item = Row<'a>> + use<'a> {
    let Histogram { sum_ns, min_ns, max_ns, .. } = *histogram;
    let row = Row {
        kind: "histogram",
        metric: Value::Text(metric.name()),
        totals: [sum_ns.0, min_ns.0, max_ns.0, histogram.without_bucket()].map(Value::Whole),
        ..group
    };
    let measured = Row { kind: "bucket", totals: Row::EMPTY.totals, ..row };
    let bucket = move |&Bucket { low_ns, high_ns, count }: &Bucket| Row {
        bucket: [low_ns.0, high_ns.0, count].map(Value::Whole),
        ..measured
    };
    once(row).chain(histogram.buckets.iter().map(bucket))
}

/// The columns as a table in Markdown, which is in `docs/store.md`: which rows have them, and what is in them.
#[must_use]
pub fn documentation() -> String {
    let rows = |rows| match rows {
        Rows::All => "all",
        Rows::Interval => "`interval`",
        Rows::Grouped => "all but `interval`",
        Rows::Group => "`group`",
        Rows::Measured => "`histogram`, `bucket`",
        Rows::Histogram => "`histogram`",
        Rows::Bucket => "`bucket`",
    };
    let line =
        |column: &Documented| format!("| `{}` | {} | {} |\n", column.name, rows(column.rows), column.text);
    let lines: String = all_columns().iter().map(line).collect();
    format!("| column | rows of kind | holds |\n| --- | --- | --- |\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{batch, noon};
    use model::losses::LossCounts;

    #[test]
    fn the_readme_has_every_column() {
        let page = include_str!("../../../docs/store.md");
        assert!(page.contains(&documentation()), "docs/store.md must have:\n{}", documentation());
    }

    #[test]
    fn what_was_lost_is_in_the_column_of_its_name() {
        let mut batch = batch(3, noon());
        batch.lost = LossCounts::of(Loss::OF_INTERVAL.into_iter().zip(1..));
        let interval = rows(&batch).next().unwrap();
        for (loss, count) in batch.lost.only(Loss::OF_INTERVAL) {
            let place = columns().iter().position(|column| column.name == loss.name()).unwrap();
            assert_eq!(interval[place], Value::Whole(count), "{loss:?}");
        }
    }

    #[test]
    fn a_row_has_values_in_the_columns_of_its_kind_alone() {
        let mut batch = batch(3, noon());
        batch.groups[0].key.thread = Some("worker".into());
        let columns = columns();
        let mut kinds = Vec::new();
        for row in rows(&batch) {
            assert_eq!(row.len(), columns.len());
            let Value::Text(kind) = row[0] else { panic!("{row:?}") };
            kinds.push(kind);
            for (column, value) in all_columns().iter().zip(row) {
                let is_of_kind = match column.rows {
                    Rows::All => true,
                    Rows::Interval => kind == "interval",
                    Rows::Grouped => kind != "interval",
                    Rows::Group => kind == "group",
                    Rows::Measured => ["histogram", "bucket"].contains(&kind),
                    Rows::Histogram => kind == "histogram",
                    Rows::Bucket => kind == "bucket",
                };
                assert_eq!(value != Value::Absent, is_of_kind, "{} of {kind}: {value:?}", column.name);
            }
        }
        assert_eq!(kinds, ["interval", "group", "histogram", "bucket"]);
    }
}
