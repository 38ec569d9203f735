//! The store as the engine sees it: opening, closing, and the port.

use std::{
    fs::{self, File},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use hwan_domain::{
    board::Pair,
    currency::{Currency, CurrencySet},
    id::{AccountId, CustomerId, LaneId, Seq},
    money::Money,
    record::{KeyDigest, Record},
    time::{BusinessDate, Timestamp},
};

use super::{
    checkpoint::{Checkpointer, Growth},
    commit, connect, errors, lanes,
    lock::EngineLock,
    options::SqliteOptions,
    projections,
    readers::Readers,
    reads, schema, states,
    writer::Writer,
};
use crate::storage::port::{
    CommitBatch, CommitError, Household, JournalRow, LaneHead, LedgerStore, PassbookEntry, StoreError, TakenLane,
};

/// The embedded store.
pub struct SqliteStore {
    name: String,
    currencies: Arc<CurrencySet>,
    readers: Readers,
    /// `None` where the store was opened to read only.
    writer: Option<Arc<Writer>>,
    growth: Arc<Growth>,
    running: Mutex<Running>,
}

/// What ends with the store.
#[derive(Default)]
struct Running {
    checkpointer: Option<Checkpointer>,
    lock: Option<EngineLock>,
}

impl SqliteStore {
    /// Opens the ledger of a data directory for an engine, creating both where they are new.
    ///
    /// Fails with [`StoreError::Unavailable`] where another engine is at work there, and with [`StoreError::Unsafe`]
    /// where commits would not be durable or the currencies do not mean what is stored.
    pub async fn open(
        data_dir: &Path,
        currencies: Arc<CurrencySet>,
        options: SqliteOptions,
    ) -> Result<Self, StoreError> {
        create_dir(data_dir)?;
        let lock = EngineLock::take(data_dir)?;
        let write_options = connect::writer(data_dir, &options);
        let mut connection = connect::open_writer(&write_options).await?;
        schema::migrate(&mut connection, &currencies).await?;
        schema::check_currencies(&mut connection, &currencies).await?;
        let name = name(&mut connection).await?;
        let page_bytes: u32 = sqlx::query_scalar("PRAGMA page_size")
            .fetch_one(&mut connection)
            .await
            .map_err(|error| errors::store_error(&error))?;
        // An older ledger keeps the page size that it was created with.
        let options = SqliteOptions { page_bytes, ..options };
        let writer = Writer::new(write_options, connection);
        let growth = Growth::new(&options);
        let checkpointer =
            Checkpointer::start(connect::checkpointer(data_dir), &options, Arc::clone(&growth), Arc::clone(&writer))?;
        Ok(Self {
            name,
            currencies,
            readers: Readers::new(connect::reader(data_dir), options.readers),
            writer: Some(writer),
            growth,
            running: Mutex::new(Running { checkpointer: Some(checkpointer), lock: Some(lock) }),
        })
    }

    /// Opens the ledger of a data directory to read only, beside a running engine or without one. Commits,
    /// projections and taking a lane are refused.
    pub async fn open_read_only(data_dir: &Path, currencies: Arc<CurrencySet>) -> Result<Self, StoreError> {
        let options = SqliteOptions::default();
        let readers = Readers::new(connect::reader(data_dir), options.readers);
        let mut reader = readers.lend().await?;
        schema::check_version(reader.connection()).await?;
        schema::check_currencies(reader.connection(), &currencies).await?;
        let name = name(reader.connection()).await?;
        reader.give_back();
        let (growth, running) = (Growth::new(&options), Mutex::default());
        Ok(Self { name, currencies, readers, writer: None, growth, running })
    }

    pub(super) fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer
            .as_deref()
            .ok_or_else(|| StoreError::Unavailable("the store was opened to read only, only an engine writes".into()))
    }

    pub(super) fn readers(&self) -> &Readers {
        &self.readers
    }

    /// Counts a batch towards the next checkpoint: bodies share pages, keys and values may each touch one.
    pub(super) fn grown(&self, batch: &CommitBatch) {
        let bodies = batch.rows.iter().map(|row| row.body.len()).sum();
        self.growth.add(batch.rows.len().saturating_add(batch.writes.len()), bodies);
    }

    /// Counts rows towards the next checkpoint.
    pub(super) fn grown_by(&self, rows: usize) {
        self.growth.add(rows, 0);
    }
}

/// Creates the data directory, and makes its own entry durable too.
fn create_dir(data_dir: &Path) -> Result<(), StoreError> {
    if data_dir.is_dir() {
        return Ok(());
    }
    let failed = |error| StoreError::Unavailable(format!("cannot create {}: {error}", data_dir.display()));
    fs::create_dir_all(data_dir).map_err(failed)?;
    if let Some(parent) = data_dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        // Not every system can sync a directory; those that can't have nothing to sync.
        if let Ok(parent) = File::open(parent) {
            parent.sync_all().map_err(failed)?;
        }
    }
    Ok(())
}

async fn name(connection: &mut sqlx::SqliteConnection) -> Result<String, StoreError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(connection)
        .await
        .map_err(|error| errors::store_error(&error))?;
    Ok(format!("sqlite {version}"))
}

#[async_trait]
impl LedgerStore for SqliteStore {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn take_lane(&self, lane: LaneId) -> Result<TakenLane, StoreError> {
        lanes::take(self, lane).await
    }

    async fn commit(&self, batch: &CommitBatch) -> Result<(), CommitError> {
        commit::commit(self, batch).await
    }

    async fn journal(&self, lane: LaneId, from: Seq, limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        reads::journal(&self.readers, &self.currencies, lane, from, limit).await
    }

    async fn journal_since(&self, lane: LaneId, at: Timestamp) -> Result<Seq, StoreError> {
        reads::journal_since(&self.readers, lane, at).await
    }

    async fn find_keys(&self, keys: &[KeyDigest]) -> Result<Vec<(KeyDigest, JournalRow)>, StoreError> {
        reads::find_keys(&self.readers, &self.currencies, keys).await
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Household>, StoreError> {
        states::customer(&self.readers, &self.currencies, id).await
    }

    async fn owner(&self, id: AccountId) -> Result<Option<CustomerId>, StoreError> {
        states::owner(&self.readers, id).await
    }

    async fn pairs(&self, rounds: usize) -> Result<Vec<(Currency, Pair)>, StoreError> {
        states::pairs(&self.readers, &self.currencies, rounds).await
    }

    async fn project(&self, lane: LaneId, from: Seq, records: &[Arc<Record>]) -> Result<(), StoreError> {
        projections::project(self, lane, from, records).await
    }

    async fn lane_heads(&self) -> Result<Vec<LaneHead>, StoreError> {
        lanes::heads(&self.readers).await
    }

    async fn projected(&self, lane: LaneId) -> Result<Seq, StoreError> {
        reads::projected(&self.readers, lane).await
    }

    async fn passbook(
        &self,
        id: AccountId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<PassbookEntry>, StoreError> {
        states::passbook(&self.readers, &self.currencies, id, after_version, limit).await
    }

    async fn daily_balances(
        &self,
        id: AccountId,
        date: BusinessDate,
    ) -> Result<Vec<(BusinessDate, Money)>, StoreError> {
        states::daily_balances(&self.readers, &self.currencies, id, date).await
    }

    async fn close(&self) {
        let running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(checkpointer) = running.checkpointer {
            checkpointer.stop().await;
        }
        self.readers.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
        // Last: another engine may come in from here on.
        drop(running.lock);
    }
}
