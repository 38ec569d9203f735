//! A file of one table and lane, written row by row.
//!
//! Rows gather until a row group is full, by rows or by bytes, whichever comes first; then it is compressed and leaves. So memory is
//! bounded by a row group and what is on its way, whatever the day holds. What the bytes are depends on the rows alone.

use std::{io, mem, sync::Arc};

use bytes::Bytes;
use object_store::buffered::BufWriter;
use parquet::{
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::{
        properties::{EnabledStatistics, WriterProperties, WriterVersion},
        writer::SerializedFileWriter,
    },
    schema::{parser::parse_message_type, types::ColumnPath},
};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use crate::{
    columns::Columns,
    day::Purpose,
    error::SealedError,
    manifest::FileEntry,
    place::Place,
    table::{Filling, Row, Table},
};

/// Rows of a row group, at most.
pub const GROUP_ROWS_MAX: usize = 131_072;
/// About how many bytes a row group gathers before it is written.
pub const GROUP_BYTES_MAX: usize = 64 * 1_024 * 1_024;
/// How hard the rows are pressed: more costs much time for little.
const ZSTD_LEVEL: i32 = 3;
/// What the files say of who made them: no version, so that the same rows stay the same bytes.
const CREATED_BY: &str = "hwan-sealed";

/// Where encoded bytes wait until they leave.
#[derive(Debug, Default)]
struct Leaving(Vec<u8>);

impl io::Write for Leaving {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file that is being written.
pub struct TableFile {
    place: Place,
    table: Table,
    path: String,
    lane: u16,
    columns: Columns,
    writer: SerializedFileWriter<Leaving>,
    /// `None` where the file is only compared.
    upload: Option<BufWriter>,
    digest: Sha256,
    bytes: u64,
    rows: u64,
}

impl std::fmt::Debug for TableFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableFile").field("path", &self.path).field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// Where the file of a table and lane lies.
pub fn path_of(table: Table, date: &str, lane: u16) -> String {
    let name = table.name();
    format!("{name}/business_date={date}/lane={lane}/{name}.parquet")
}

impl TableFile {
    pub(crate) fn create(
        place: &Place,
        table: Table,
        date: &str,
        lane: u16,
        purpose: Purpose,
    ) -> Result<Self, SealedError> {
        let path = path_of(table, date, lane);
        let failed = |error: ParquetError| SealedError::Parquet { path: path.clone(), cause: error.to_string() };
        let schema = Arc::new(parse_message_type(table.schema()).map_err(failed)?);
        let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(failed)?;
        let mut properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_created_by(CREATED_BY.to_owned())
            .set_compression(Compression::ZSTD(level));
        for column in table.unique_columns() {
            let column = ColumnPath::from(*column);
            properties = properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_statistics_enabled(column, EnabledStatistics::None);
        }
        let writer = SerializedFileWriter::new(Leaving::default(), schema, Arc::new(properties.build()));
        let writer = writer.map_err(failed)?;
        let columns = Columns::of(writer.schema_descr());
        let upload = match purpose {
            Purpose::Write => Some(place.upload(&path)),
            Purpose::Compare => None,
        };
        Ok(Self {
            place: place.clone(),
            table,
            path,
            lane,
            columns,
            writer,
            upload,
            digest: Sha256::new(),
            bytes: 0,
            rows: 0,
        })
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> SealedError {
        SealedError::Parquet { path: self.path.clone(), cause: error.to_string() }
    }

    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), SealedError> {
        self.digest.update(&bytes);
        self.bytes += bytes.len() as u64;
        match &mut self.upload {
            Some(upload) => {
                let sent = upload.put(Bytes::from(bytes)).await;
                sent.map_err(|error| self.place.upload_failed(&self.path, error))
            }
            None => Ok(()),
        }
    }

    async fn write_group(&mut self) -> Result<(), SealedError> {
        let Self { columns, writer, .. } = self;
        columns.write_group(writer).map_err(|error| self.failed(&error))?;
        self.writer.flush().map_err(|error| self.failed(&error))?;
        let bytes = mem::take(&mut self.writer.inner_mut().0);
        self.send(bytes).await
    }

    /// Writes what is left: the file is there.
    pub async fn finish(mut self) -> Result<FileEntry, SealedError> {
        if self.columns.rows() > 0 {
            self.write_group().await?;
        }
        self.writer.finish().map_err(|error| self.failed(&error))?;
        self.writer.flush().map_err(|error| self.failed(&error))?;
        let bytes = mem::take(&mut self.writer.inner_mut().0);
        self.send(bytes).await?;
        if let Some(upload) = &mut self.upload {
            upload.shutdown().await.map_err(|error| self.place.upload_failed(&self.path, error))?;
        }
        let sha256 = self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(FileEntry {
            table: self.table.name().to_owned(),
            lane: self.lane,
            path: self.path,
            rows: self.rows,
            bytes: self.bytes,
            sha256,
        })
    }

    /// Gives it up: nothing of it is there.
    pub async fn abandon(mut self) {
        if let Some(upload) = &mut self.upload {
            // What is left of an upload that cannot be ended either is the store's to clear away.
            let _ended = upload.abort().await;
        }
    }

    /// Adds a row of the file's own table. They come in the order in which they are to lie.
    pub async fn push<T: Row>(&mut self, row: &T) -> Result<(), SealedError> {
        if T::TABLE != self.table {
            return Err(self.failed(&format!("a row of {} does not belong here", T::TABLE.name())));
        }
        row.fill(&mut Filling(&mut self.columns));
        self.columns.end_row();
        self.rows += 1;
        if self.columns.rows() >= GROUP_ROWS_MAX || self.columns.bytes() >= GROUP_BYTES_MAX {
            self.write_group().await?;
        }
        Ok(())
    }
}
