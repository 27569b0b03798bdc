//! The tidy tables as Apache Parquet, with manifest, losses and bucket width as metadata of the file.

use super::Subject;
use super::manifest::manifest;
use super::tidy::{Column, Kind, Table, Value, table};
use crate::profile::{Lost, Profile};
use anyhow::{Context as _, Result, bail};
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use profiler_ebpf::buckets::RELATIVE_ERROR;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows that are gathered before they are written: as many as DuckDB reads at a time, some 20 MB.
const ROW_GROUP: usize = 122_880;

/// The level of a value that is there, and of one that is not.
const PRESENT: i16 = 1;
const ABSENT: i16 = 0;

pub(super) fn parquet(subject: &Subject<'_>) -> Result<Vec<u8>> {
    let Table { columns, mut rows } = table(subject);
    let mut writer = writer(&columns, subject).context("cannot begin the Parquet file")?;
    loop {
        let mut gathered: Vec<Gathered> = columns.iter().map(Gathered::new).collect();
        let mut is_empty = true;
        for row in rows.by_ref().take(ROW_GROUP) {
            is_empty = false;
            gathered.iter_mut().zip(row).try_for_each(|(column, value)| column.push(value))?;
        }
        if is_empty {
            return writer.into_inner().context("cannot end the Parquet file");
        }
        write(&mut writer, gathered).context("cannot write the rows of the Parquet file")?;
    }
}

fn writer(columns: &[Column], subject: &Subject<'_>) -> Result<SerializedFileWriter<Vec<u8>>> {
    let fields = columns.iter().map(field).collect::<Result<_>>()?;
    let schema = Type::group_type_builder("profile").with_fields(fields).build()?;
    let properties = WriterProperties::builder().set_key_value_metadata(Some(metadata(subject)?)).build();
    Ok(SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?)
}

fn field(column: &Column) -> Result<Arc<Type>> {
    let (physical, logical) = match column.kind {
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Id => (Physical::INT32, Some(LogicalType::integer(32, false))),
        Kind::Whole => (Physical::INT64, Some(LogicalType::integer(64, false))),
        Kind::Share => (Physical::DOUBLE, None),
    };
    let repetition = if column.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let field = Type::primitive_type_builder(&column.name, physical)
        .with_logical_type(logical)
        .with_repetition(repetition)
        .build();
    Ok(Arc::new(field?))
}

/// JSON objects by the profiles' titles, and the bound of a bucket's width as a share of its lower bound.
fn metadata(subject: &Subject<'_>) -> Result<Vec<KeyValue>> {
    fn json<T: Serialize>(subject: &Subject<'_>, of: impl Fn(&Profile) -> T) -> Result<String> {
        let all = subject.titles.iter().zip(subject.profiles);
        let all: BTreeMap<&String, T> = all.map(|(title, profile)| (title, of(profile))).collect();
        serde_json::to_string(&all).context("cannot write the metadata")
    }
    let manifests = |profile: &Profile| -> BTreeMap<_, _> { manifest(profile).into_iter().collect() };
    let losses = |profile: &Profile| -> Lost { profile.lost };
    let entries = [
        ("profiler.manifest", json(subject, manifests)?),
        ("profiler.lost", json(subject, losses)?),
        ("profiler.max_relative_width", RELATIVE_ERROR.to_string()),
    ];
    Ok(entries.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect())
}

/// The values of a column that are to be written together.
struct Gathered {
    /// Whether each row has a value; kept for optional columns only.
    levels: Option<Vec<i16>>,
    values: Values,
}

/// Unsigned numbers are kept by their bits, as the format has it.
enum Values {
    Text(Vec<ByteArray>),
    Id(Vec<i32>),
    Whole(Vec<i64>),
    Share(Vec<f64>),
}

impl Gathered {
    fn new(column: &Column) -> Self {
        let values = match column.kind {
            Kind::Text => Values::Text(Vec::new()),
            Kind::Id => Values::Id(Vec::new()),
            Kind::Whole => Values::Whole(Vec::new()),
            Kind::Share => Values::Share(Vec::new()),
        };
        Self { levels: column.optional.then(Vec::new), values }
    }

    fn push(&mut self, value: Value<'_>) -> Result<()> {
        match (&mut self.values, value) {
            (_, Value::Absent) if self.levels.is_some() => {}
            (Values::Text(values), Value::Text(text)) => values.push(text.into()),
            (Values::Id(values), Value::Whole(number)) => {
                let number = u32::try_from(number).context("the id of a process or thread is too large")?;
                values.push(number.cast_signed());
            }
            (Values::Whole(values), Value::Whole(number)) => values.push(number.cast_signed()),
            (Values::Share(values), Value::Share(share)) => values.push(share),
            (_, other) => bail!("{other:?} does not fit its column (a defect of this program)"),
        }
        if let Some(levels) = &mut self.levels {
            levels.push(if value == Value::Absent { ABSENT } else { PRESENT });
        }
        Ok(())
    }

    fn write(&self, writer: &mut ColumnWriter<'_>) -> Result<()> {
        let levels = self.levels.as_deref();
        match (writer, &self.values) {
            (ColumnWriter::ByteArrayColumnWriter(writer), Values::Text(values)) => {
                writer.write_batch(values, levels, None)?
            }
            (ColumnWriter::Int32ColumnWriter(writer), Values::Id(values)) => {
                writer.write_batch(values, levels, None)?
            }
            (ColumnWriter::Int64ColumnWriter(writer), Values::Whole(values)) => {
                writer.write_batch(values, levels, None)?
            }
            (ColumnWriter::DoubleColumnWriter(writer), Values::Share(values)) => {
                writer.write_batch(values, levels, None)?
            }
            _ => bail!("a column is not of the type that the schema says (a defect of this program)"),
        };
        Ok(())
    }
}

fn write(writer: &mut SerializedFileWriter<Vec<u8>>, columns: Vec<Gathered>) -> Result<()> {
    let mut group = writer.next_row_group()?;
    for column in columns {
        let mut writer = group.next_column()?.context("the schema has fewer columns than the table")?;
        column.write(writer.untyped())?;
        writer.close()?;
    }
    group.close()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::series::{GroupBy, Selection};
    use bytes::Bytes;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;

    fn subject<'a>(profiles: &'a [&'a Profile], summary: bool) -> Subject<'a> {
        let selection = Selection { metrics: Vec::new(), threads: None, group_by: GroupBy::Name };
        Subject::new(profiles, &selection, summary)
    }

    fn read(file: Vec<u8>) -> SerializedFileReader<Bytes> {
        SerializedFileReader::new(Bytes::from(file)).unwrap()
    }

    fn is_same(field: &Field, value: Value<'_>) -> bool {
        match (field, value) {
            (Field::Str(text), Value::Text(expected)) => text == expected,
            (Field::UInt(number), Value::Whole(expected)) => u64::from(*number) == expected,
            (Field::ULong(number), Value::Whole(expected)) => *number == expected,
            (Field::Double(share), Value::Share(expected)) => *share == expected,
            (Field::Null, Value::Absent) => true,
            _ => false,
        }
    }

    #[test]
    fn every_row_is_read_back_as_it_was() {
        let (mut one, two) = (fixture::tokio(), fixture::overfull());
        one.threads[0].start_ns.0 = u64::MAX;
        let profiles = [&one, &two];
        for summary in [false, true] {
            let subject = subject(&profiles, summary);
            let reader = read(parquet(&subject).unwrap());
            let Table { columns, rows } = table(&subject);
            let mut read = reader.get_row_iter(None).unwrap();
            for row in rows {
                let fields = read.next().unwrap().unwrap();
                for (((name, field), value), column) in fields.get_column_iter().zip(row).zip(&columns) {
                    assert_eq!(*name, column.name);
                    assert!(is_same(field, value), "{name}: {field:?} is not {value:?}");
                }
            }
            assert!(read.next().is_none());
        }
    }

    #[test]
    fn more_rows_than_a_group_has_are_all_written() {
        let mut profile = fixture::tokio();
        let thread = profile.threads[0].clone();
        let buckets: usize = thread.histograms.values().map(|histogram| histogram.buckets.len()).sum();
        profile.threads = vec![thread; ROW_GROUP / buckets + 2];
        for (number, thread) in profile.threads.iter_mut().enumerate() {
            thread.name = number.to_string();
        }
        let profiles = [&profile];
        let subject = subject(&profiles, false);
        let file = read(parquet(&subject).unwrap());
        assert_eq!(file.metadata().num_row_groups(), 2);
        let rows = file.metadata().file_metadata().num_rows();
        assert_eq!(rows, i64::try_from(table(&subject).rows.count()).unwrap());
    }

    #[test]
    fn manifest_losses_and_bucket_width_are_metadata() {
        let (one, two) = (fixture::tokio(), fixture::overfull());
        let profiles = [&one, &two];
        let subject = subject(&profiles, true);
        let file = read(parquet(&subject).unwrap());
        let entries = file.metadata().file_metadata().key_value_metadata().unwrap();
        let value = |key: &str| {
            let entry = entries.iter().find(|entry| entry.key == key).unwrap();
            serde_json::from_str::<serde_json::Value>(entry.value.as_ref().unwrap()).unwrap()
        };
        let title = &subject.titles[1];
        assert_eq!(value("profiler.lost")[title]["threads_without_slot"], two.lost.threads_without_slot);
        let verdict = value("profiler.manifest")[title]["verdict"].as_str().unwrap().to_owned();
        assert!(verdict.starts_with("INCOMPLETE"), "{verdict}");
        assert_eq!(value("profiler.max_relative_width"), RELATIVE_ERROR);
    }
}
