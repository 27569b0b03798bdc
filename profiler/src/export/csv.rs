//! Tidy CSV (RFC 4180): one observation a row, one header, numbers without thousands marks, absent as empty.
//!
//! No comment lines: most readers would fail on them.

use super::tidy::{Table, table};
use crate::columns::Value;
use crate::view::Subject;
use anyhow::{Context as _, Result};
use csv::Writer;

/// The table of buckets, or of summaries.
pub(super) fn csv(subject: &Subject<'_>) -> Result<Vec<u8>> {
    let mut writer = Writer::from_writer(Vec::new());
    write(&mut writer, table(subject)).context("cannot write the CSV")?;
    writer.into_inner().map_err(csv::IntoInnerError::into_error).context("cannot write the CSV")
}

fn write(writer: &mut Writer<Vec<u8>>, table: Table<'_>) -> csv::Result<()> {
    writer.write_record(table.columns.iter().map(|column| &column.name))?;
    for row in table.rows {
        writer.write_record(row.into_iter().map(field))?;
    }
    Ok(())
}

fn field(value: Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_owned(),
        Value::Whole(number) => number.to_string(),
        Value::Share(share) => share.to_string(),
        Value::Time(time) => time.to_string(),
        Value::Absent => String::new(),
    }
}
