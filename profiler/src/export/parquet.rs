//! The tidy tables as Apache Parquet; manifest, losses and bucket width are file metadata.

use super::tidy::{Table, table};
use crate::columns::Column;
use crate::columns::parquet::{relative_width, schema, write_rows};
use crate::view::Subject;
use crate::view::manifest::manifest;
use anyhow::{Context as _, Result};
use model::losses::OfProfile;
use model::profile::Profile;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn parquet(subject: &Subject<'_>) -> Result<Vec<u8>> {
    let Table { columns, rows } = table(subject);
    let mut writer = writer(&columns, subject).context("cannot begin the Parquet file")?;
    write_rows(&mut writer, &columns, rows)?;
    writer.into_inner().context("cannot end the Parquet file")
}

fn writer(columns: &[Column], subject: &Subject<'_>) -> Result<SerializedFileWriter<Vec<u8>>> {
    let properties = WriterProperties::builder().set_key_value_metadata(Some(metadata(subject)?)).build();
    Ok(SerializedFileWriter::new(Vec::new(), schema("profile", columns)?, Arc::new(properties))?)
}

/// File metadata: manifests and losses as JSON objects by title, and the largest relative width of a bucket.
fn metadata(subject: &Subject<'_>) -> Result<Vec<KeyValue>> {
    fn json<T: Serialize>(subject: &Subject<'_>, of: impl Fn(&Profile) -> T) -> Result<String> {
        let all = subject.titles.iter().zip(subject.profiles);
        let all: BTreeMap<&String, T> = all.map(|(title, profile)| (title, of(profile))).collect();
        serde_json::to_string(&all).context("cannot write the metadata")
    }
    let manifests = |profile: &Profile| -> BTreeMap<_, _> { manifest(profile).into_iter().collect() };
    let losses = |profile: &Profile| OfProfile(profile.lost);
    Ok(vec![
        KeyValue::new("profiler.manifest".to_owned(), json(subject, manifests)?),
        KeyValue::new("profiler.lost".to_owned(), json(subject, losses)?),
        relative_width(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Value;
    use crate::columns::parquet::ROW_GROUP;
    use crate::view::series::{GroupBy, Selection};
    use bytes::Bytes;
    use model::buckets::RELATIVE_ERROR;
    use model::losses::Loss;
    use model::profile::fixture;
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
        assert_eq!(value("profiler.lost")[title]["threads_without_slot"], two.lost[Loss::ThreadsWithoutSlot]);
        let verdict = value("profiler.manifest")[title]["verdict"].as_str().unwrap().to_owned();
        assert!(verdict.starts_with("INCOMPLETE"), "{verdict}");
        assert_eq!(value("profiler.max_relative_width"), RELATIVE_ERROR);
    }
}
