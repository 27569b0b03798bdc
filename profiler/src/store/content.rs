//! The content of the store's files: Apache Parquet with the columns of [`rows`](super::rows).

use super::rows::{columns, rows};
use crate::columns::Column;
use crate::columns::parquet::{Gathered, ROW_GROUP, relative_width, schema, write_group, write_rows};
use crate::watch::batch::Batch;
use anyhow::{Context as _, Result};
use parquet::basic::Compression;
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{KeyValue, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{ChunkReader, FileReader as _, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::TypePtr;
use std::io::Write;
use std::sync::Arc;

/// The key, in a file's metadata, of the number of the last interval in it.
const LAST: &str = "profiler.last_interval";

/// The parts that all files of a store share.
pub(super) struct Format {
    host: String,
    columns: Vec<Column>,
    schema: TypePtr,
}

/// The metadata of a file.
pub(super) struct About {
    /// The number of the last interval in it.
    pub(super) last: u64,
    /// True if it has the columns that this version writes.
    pub(super) is_current: bool,
}

impl Format {
    pub(super) fn new(host: &str) -> Result<Self> {
        let columns = columns();
        Ok(Self { host: host.to_owned(), schema: schema("interval", &columns)?, columns })
    }

    /// A file with one interval.
    pub(super) fn encode(&self, batch: &Batch, number: u64) -> Result<Vec<u8>> {
        let mut writer = self.begin(Vec::new(), number)?;
        write_rows(&mut writer, &self.columns, rows(batch))?;
        writer.into_inner().context("cannot end the Parquet file")
    }

    /// Begins a file whose last interval will be this one.
    pub(super) fn begin<W: Write + Send>(&self, output: W, last: u64) -> Result<SerializedFileWriter<W>> {
        let metadata = [(LAST, last.to_string()), ("profiler.host", self.host.clone())]
            .map(|(key, value)| KeyValue::new(key.to_owned(), value));
        // Statistics of each page would be larger than a page.
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_key_value_metadata(Some(metadata.into_iter().chain([relative_width()]).collect()))
            .build();
        Ok(SerializedFileWriter::new(output, Arc::clone(&self.schema), Arc::new(properties))?)
    }

    /// Reads what a file says of itself.
    pub(super) fn about<R: ChunkReader>(&self, file: &R) -> Result<About> {
        let metadata = ParquetMetaDataReader::new().parse_and_finish(file)?;
        let metadata = metadata.file_metadata();
        let entries = metadata.key_value_metadata().map_or(&[][..], Vec::as_slice);
        let last = entries.iter().find(|entry| entry.key == LAST).and_then(|entry| entry.value.as_deref());
        let last = last.context("it does not say which intervals are in it")?;
        Ok(About { last: last.parse()?, is_current: *metadata.schema() == *self.schema })
    }

    /// Writes the rows of these files, together as one row group: at least one file, and some [`ROW_GROUP`] rows at the most.
    pub(super) fn merge<W: Write + Send, R: ChunkReader + 'static>(
        &self,
        writer: &mut SerializedFileWriter<W>,
        files: &[SerializedFileReader<R>],
    ) -> Result<()> {
        let columns = self.columns.iter().enumerate();
        write_group(writer, columns.map(|(place, column)| gather(place, column, files)))
    }
}

/// All values of a column.
fn gather<R: ChunkReader + 'static>(
    place: usize,
    column: &Column,
    files: &[SerializedFileReader<R>],
) -> Result<Gathered> {
    let mut gathered = Gathered::new(column);
    for file in files {
        for group in 0..file.num_row_groups() {
            let group = file.get_row_group(group)?;
            let rows = usize::try_from(group.metadata().num_rows())?;
            gathered.read(&mut group.get_column_reader(place)?, rows)?;
        }
    }
    Ok(gathered)
}

/// Writes the row groups of a file as they are, byte for byte.
pub(super) fn copy<W: Write + Send, R: ChunkReader>(
    writer: &mut SerializedFileWriter<W>,
    file: &R,
) -> Result<()> {
    let metadata: ParquetMetaData = ParquetMetaDataReader::new().parse_and_finish(file)?;
    for from in metadata.row_groups() {
        let mut to = writer.next_row_group()?;
        for column in from.columns() {
            let column = ColumnCloseResult {
                bytes_written: u64::try_from(column.compressed_size())?,
                rows_written: u64::try_from(from.num_rows())?,
                metadata: column.clone(),
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            };
            to.append_column(file, column)?;
        }
        to.close()?;
    }
    Ok(())
}

/// The number of rows in a file.
pub(super) fn count<R: ChunkReader + 'static>(file: &SerializedFileReader<R>) -> usize {
    usize::try_from(file.metadata().file_metadata().num_rows()).unwrap_or(ROW_GROUP)
}
