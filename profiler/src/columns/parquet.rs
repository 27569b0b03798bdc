//! Rows as a row group of an Apache Parquet file.

use super::{Column, Kind, Value};
use anyhow::{Context as _, Result, bail};
use model::buckets::RELATIVE_ERROR;
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::reader::ColumnReader;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};
use std::io::Write;
use std::sync::Arc;

/// Rows in a row group: as many as DuckDB reads at a time, of some 100 bytes each.
pub(crate) const ROW_GROUP: usize = 122_880;

/// Definition levels of a present and of an absent value.
const PRESENT: i16 = 1;
const ABSENT: i16 = 0;

/// The schema of files with these columns.
///
/// # Errors
/// If two columns have the same name.
pub(crate) fn schema(name: &str, columns: &[Column]) -> Result<TypePtr> {
    let fields = columns.iter().map(field).collect::<Result<_>>()?;
    Ok(Arc::new(Type::group_type_builder(name).with_fields(fields).build()?))
}

fn field(column: &Column) -> Result<TypePtr> {
    let (physical, logical) = match column.kind {
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Id => (Physical::INT32, Some(LogicalType::integer(32, false))),
        Kind::Whole => (Physical::INT64, Some(LogicalType::integer(64, false))),
        Kind::Share => (Physical::DOUBLE, None),
        // Microseconds: Spark reads no nanoseconds.
        Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
    };
    let repetition = if column.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let field = Type::primitive_type_builder(&column.name, physical)
        .with_logical_type(logical)
        .with_repetition(repetition)
        .build();
    Ok(Arc::new(field?))
}

/// Metadata of files with buckets: the largest width of a bucket, relative to its lower bound.
pub(crate) fn relative_width() -> KeyValue {
    KeyValue::new("profiler.max_relative_width".to_owned(), RELATIVE_ERROR.to_string())
}

/// The values of one column in one row group.
pub(crate) struct Gathered {
    /// Definition level of each row; kept for optional columns only.
    levels: Option<Vec<i16>>,
    values: Values,
}

/// Values by physical type. Unsigned numbers are stored by their bits, as Parquet does.
enum Values {
    /// Run-length encoded, with the number of consecutive rows: one by one they would take 32 bytes a row.
    Text(Vec<(ByteArray, usize)>),
    Id(Vec<i32>),
    /// Also times, in microseconds since the epoch.
    Whole(Vec<i64>),
    Share(Vec<f64>),
}

impl Gathered {
    /// An empty column.
    pub(crate) fn new(column: &Column) -> Self {
        let values = match column.kind {
            Kind::Text => Values::Text(Vec::new()),
            Kind::Id => Values::Id(Vec::new()),
            Kind::Whole | Kind::Time => Values::Whole(Vec::new()),
            Kind::Share => Values::Share(Vec::new()),
        };
        Self { levels: column.optional.then(Vec::new), values }
    }

    /// Adds the value of one row.
    pub(crate) fn push(&mut self, value: Value<'_>) -> Result<()> {
        match (&mut self.values, value) {
            (_, Value::Absent) if self.levels.is_some() => {}
            (Values::Text(values), Value::Text(text)) => {
                add_text(values, text.as_bytes());
            }
            (Values::Id(values), Value::Whole(number)) => {
                let number = u32::try_from(number).context("the id of a process or thread is too large")?;
                values.push(number.cast_signed());
            }
            (Values::Whole(values), Value::Whole(number)) => values.push(number.cast_signed()),
            (Values::Whole(values), Value::Time(time)) => values.push(time.as_microsecond()),
            (Values::Share(values), Value::Share(share)) => values.push(share),
            (_, other) => bail!("{other:?} does not fit its column (a defect of this program)"),
        }
        if let Some(levels) = &mut self.levels {
            levels.push(if value == Value::Absent { ABSENT } else { PRESENT });
        }
        Ok(())
    }

    /// Adds the values of all `rows` of a column of a file.
    pub(crate) fn read(&mut self, reader: &mut ColumnReader, rows: usize) -> Result<()> {
        let levels = self.levels.as_mut();
        let (read, ..) = match (reader, &mut self.values) {
            (ColumnReader::ByteArrayColumnReader(reader), Values::Text(values)) => {
                let mut texts = Vec::new();
                let read = reader.read_records(rows, levels, None, &mut texts)?;
                texts.iter().for_each(|text| add_text(values, text.data()));
                read
            }
            (ColumnReader::Int32ColumnReader(reader), Values::Id(values)) => {
                reader.read_records(rows, levels, None, values)?
            }
            (ColumnReader::Int64ColumnReader(reader), Values::Whole(values)) => {
                reader.read_records(rows, levels, None, values)?
            }
            (ColumnReader::DoubleColumnReader(reader), Values::Share(values)) => {
                reader.read_records(rows, levels, None, values)?
            }
            _ => bail!("a column is not of the type that it should be"),
        };
        if read != rows {
            bail!("a column has {read} rows instead of {rows}");
        }
        Ok(())
    }

    /// Writes all values.
    pub(crate) fn write(&self, writer: &mut ColumnWriter<'_>) -> Result<()> {
        let levels = self.levels.as_deref();
        match (writer, &self.values) {
            (ColumnWriter::ByteArrayColumnWriter(writer), Values::Text(values)) => {
                write_texts(values, levels, |texts, levels| writer.write_batch(texts, levels, None))?
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

/// Adds the text of a row, which most often equals that of the row before.
fn add_text(values: &mut Vec<(ByteArray, usize)>, text: &[u8]) {
    match values.last_mut().filter(|(before, _)| before.data() == text) {
        Some((_, rows)) => *rows += 1,
        None => values.push((text.to_vec().into(), 1)),
    }
}

/// Texts that are expanded at a time: as many as the writer takes in one step.
const TEXTS: usize = 1024;

/// Passes all texts to `write`, a few rows at a time, with the definition levels of these.
fn write_texts(
    values: &[(ByteArray, usize)],
    levels: Option<&[i16]>,
    mut write: impl FnMut(&[ByteArray], Option<&[i16]>) -> parquet::errors::Result<usize>,
) -> parquet::errors::Result<usize> {
    let mut values = values.iter().flat_map(|(text, rows)| std::iter::repeat_n(text, *rows)).cloned();
    let mut texts = |count| values.by_ref().take(count).collect::<Vec<_>>();
    let mut written = 0;
    match levels {
        Some(levels) => {
            for levels in levels.chunks(TEXTS) {
                let present = levels.iter().filter(|level| **level == PRESENT).count();
                written += write(&texts(present), Some(levels))?;
            }
        }
        None => loop {
            let texts = texts(TEXTS);
            if texts.is_empty() {
                break;
            }
            written += write(&texts, None)?;
        },
    }
    Ok(written)
}

/// Writes rows as row groups. Each row has a value for each column.
///
/// # Errors
/// If a value does not fit its column, or the write fails.
pub(crate) fn write_rows<'a, W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    columns: &[Column],
    mut rows: impl Iterator<Item = Vec<Value<'a>>>,
) -> Result<()> {
    loop {
        let mut gathered: Vec<Gathered> = columns.iter().map(Gathered::new).collect();
        let mut is_empty = true;
        for row in rows.by_ref().take(ROW_GROUP) {
            is_empty = false;
            gathered.iter_mut().zip(row).try_for_each(|(column, value)| column.push(value))?;
        }
        if is_empty {
            return Ok(());
        }
        write_group(writer, gathered.into_iter().map(Ok))
            .context("cannot write the rows of the Parquet file")?;
    }
}

/// Writes a row group, a column at a time.
///
/// # Errors
/// If a column can't be made, or the write fails.
pub(crate) fn write_group<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    columns: impl Iterator<Item = Result<Gathered>>,
) -> Result<()> {
    let mut group = writer.next_row_group()?;
    for column in columns {
        let mut writer = group.next_column()?.context("the schema has fewer columns than the table")?;
        column?.write(writer.untyped())?;
        writer.close()?;
    }
    group.close()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Value;

    #[test]
    fn texts_are_handed_over_with_the_levels_of_their_rows() {
        let rows = 2 * TEXTS + 1;
        for optional in [true, false] {
            let mut column = Gathered::new(&Column { name: "text".to_owned(), kind: Kind::Text, optional });
            let text = |row: usize| ["one", "one", "two"][row % 7 % 3];
            let is_there = |row: &usize| !optional || !row.is_multiple_of(5);
            for row in 0..rows {
                let value = if is_there(&row) { Value::Text(text(row)) } else { Value::Absent };
                column.push(value).unwrap();
            }
            let Values::Text(values) = &column.values else { panic!("it is a column of texts") };
            assert!(values.len() < rows * 3 / 4);
            let (mut written, mut levels) = (Vec::new(), Vec::new());
            let count = write_texts(values, column.levels.as_deref(), |texts, of_these| {
                assert!(texts.len() <= TEXTS);
                let present = of_these.map(|levels| levels.iter().filter(|level| **level == PRESENT).count());
                assert_eq!(present.unwrap_or(texts.len()), texts.len());
                written.extend_from_slice(texts);
                levels.extend_from_slice(of_these.unwrap_or_default());
                Ok(texts.len())
            });
            let expected: Vec<ByteArray> = (0..rows).filter(is_there).map(|row| text(row).into()).collect();
            assert_eq!((count.unwrap(), written), (expected.len(), expected));
            assert_eq!(levels, column.levels.unwrap_or_default());
        }
    }
}
