//! One file of the store: the connection that writes, those that read, and what keeps its write-ahead log short.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use sqlx::SqliteConnection;

use super::{
    checkpoint::{Checkpointer, Growth},
    connect::{self, StoreFile},
    errors,
    options::SqliteOptions,
    readers::Readers,
    schema,
    writer::Writer,
};
use crate::storage::port::StoreError;

/// A file of the store, open.
pub(super) struct Book {
    readers: Readers,
    /// `None` where the store was opened to read only.
    writer: Option<Arc<Writer>>,
    growth: Arc<Growth>,
    checkpointer: Mutex<Option<Checkpointer>>,
}

impl Book {
    /// Opens a file to write, creating it where it is new, and brings its tables up to date; `prepare` has it before
    /// anybody else.
    pub(super) async fn open<F>(
        data_dir: &Path,
        file: StoreFile,
        options: &SqliteOptions,
        prepare: F,
    ) -> Result<Self, StoreError>
    where
        F: AsyncFnOnce(&mut SqliteConnection) -> Result<(), StoreError>,
    {
        let write_options = connect::writer(data_dir, file, options);
        let mut connection = connect::open_writer(&write_options, file).await?;
        schema::migrate(&mut connection, file).await?;
        prepare(&mut connection).await?;
        let page_bytes: u32 = sqlx::query_scalar("PRAGMA page_size")
            .fetch_one(&mut connection)
            .await
            .map_err(|error| errors::store_error(&error))?;
        // An older file keeps the page size that it was created with.
        let options = SqliteOptions { page_bytes, ..options.clone() };
        let writer = Writer::new(write_options, file, connection);
        let growth = Growth::new(&options);
        let log = connect::checkpointer(data_dir, file);
        let checkpointer = Checkpointer::start(log, &options, Arc::clone(&growth), Arc::clone(&writer))?;
        Ok(Self {
            readers: Readers::new(connect::reader(data_dir, file), options.readers),
            writer: Some(writer),
            growth,
            checkpointer: Mutex::new(Some(checkpointer)),
        })
    }

    /// Opens a file to read only, beside a running engine or without one.
    pub(super) async fn open_read_only(
        data_dir: &Path,
        file: StoreFile,
        options: &SqliteOptions,
    ) -> Result<Self, StoreError> {
        let readers = Readers::new(connect::reader(data_dir, file), options.readers);
        let mut reader = readers.lend().await?;
        schema::check_version(reader.connection(), file).await?;
        reader.give_back();
        Ok(Self { readers, writer: None, growth: Growth::new(options), checkpointer: Mutex::default() })
    }

    pub(super) fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer
            .as_deref()
            .ok_or_else(|| StoreError::Unavailable("the store was opened to read only, only an engine writes".into()))
    }

    pub(super) const fn readers(&self) -> &Readers {
        &self.readers
    }

    /// Counts what was written towards the next checkpoint: rows that may each touch a page, bytes in rows that share.
    pub(super) fn grown(&self, rows: usize, bytes: usize) {
        self.growth.add(rows, bytes);
    }

    /// Finishes what is under way and closes every connection.
    pub(super) async fn close(&self) {
        let checkpointer = self.checkpointer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(checkpointer) = checkpointer {
            checkpointer.stop().await;
        }
        self.readers.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}
