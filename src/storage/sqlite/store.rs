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
    customer::CustomerState,
    id::{AccountId, CustomerId, LaneId, Position, Seq},
    interest::{DailyClosing, Period},
    money::Money,
    record::{KeyDigest, Record},
    round::Round,
    time::{BusinessDate, Timestamp},
};

use super::{
    book::Book, commit, connect::StoreFile, errors, lanes, lock::EngineLock, options::SqliteOptions, passbook,
    projections, reads, relay, schema, states, sums,
};
use crate::storage::{
    listing::{CustomerQuery, PassbookPage, PassbookQuery, RoundQuery},
    port::{
        AccountSums, ChainHash, CommitBatch, CommitError, Epoch, Household, JournalRow, LaneHead, LedgerStore,
        PassbookEntry, StoreError, TakenLane,
    },
};

/// The embedded store: two files and a lock.
pub struct SqliteStore {
    name: String,
    /// What amounts are counted in.
    pub(super) currencies: Arc<CurrencySet>,
    /// The journal, and the values that its commits leave behind.
    pub(super) ledger: Book,
    /// The projections, in a file of their own: moving them on makes no commit wait.
    pub(super) passbook: Book,
    lock: Mutex<Option<EngineLock>>,
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
        let mut name = String::new();
        let ledger = Book::open(data_dir, StoreFile::Ledger, &options, async |connection| {
            schema::enter_currencies(connection, &currencies).await?;
            schema::check_currencies(connection, &currencies).await?;
            name = version(connection).await?;
            Ok(())
        })
        .await?;
        let passbook = Book::open(data_dir, StoreFile::Passbook, &options, async |_| Ok(())).await?;
        Ok(Self { name, currencies, ledger, passbook, lock: Mutex::new(Some(lock)) })
    }

    /// Opens the ledger of a data directory to read only, beside a running engine or without one. Commits,
    /// projections and taking a lane are refused.
    pub async fn open_read_only(data_dir: &Path, currencies: Arc<CurrencySet>) -> Result<Self, StoreError> {
        let options = SqliteOptions::default();
        let ledger = Book::open_read_only(data_dir, StoreFile::Ledger, &options).await?;
        let mut reader = ledger.readers().lend().await?;
        schema::check_currencies(reader.connection(), &currencies).await?;
        let name = version(reader.connection()).await?;
        reader.give_back();
        let passbook = Book::open_read_only(data_dir, StoreFile::Passbook, &options).await?;
        Ok(Self { name, currencies, ledger, passbook, lock: Mutex::default() })
    }
}

/// Creates the data directory, and makes its own entry durable too.
pub(super) fn create_dir(data_dir: &Path) -> Result<(), StoreError> {
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

pub(super) async fn version(connection: &mut sqlx::SqliteConnection) -> Result<String, StoreError> {
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
        reads::journal(self.ledger.readers(), &self.currencies, lane, from, limit).await
    }

    async fn journal_since(&self, lane: LaneId, at: Timestamp) -> Result<Seq, StoreError> {
        reads::journal_since(self.ledger.readers(), lane, at).await
    }

    async fn records(&self, places: &[Position]) -> Result<Vec<Arc<Record>>, StoreError> {
        reads::records(self.ledger.readers(), &self.currencies, places).await
    }

    async fn find_keys(&self, keys: &[KeyDigest]) -> Result<Vec<(KeyDigest, JournalRow)>, StoreError> {
        reads::find_keys(self.ledger.readers(), &self.currencies, keys).await
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Household>, StoreError> {
        states::customer(self.ledger.readers(), &self.currencies, id).await
    }

    async fn account_sums(&self) -> Result<Vec<AccountSums>, StoreError> {
        sums::account_sums(self.ledger.readers(), &self.currencies).await
    }

    async fn customers(&self, query: &CustomerQuery) -> Result<Vec<CustomerState>, StoreError> {
        states::customers(self.ledger.readers(), &self.currencies, query).await
    }

    async fn owner(&self, id: AccountId) -> Result<Option<CustomerId>, StoreError> {
        states::owner(self.ledger.readers(), id).await
    }

    async fn pairs(&self, rounds: usize) -> Result<Vec<(Currency, Pair)>, StoreError> {
        states::pairs(self.ledger.readers(), &self.currencies, rounds).await
    }

    async fn rounds(&self, query: &RoundQuery) -> Result<Vec<Round>, StoreError> {
        states::rounds(self.ledger.readers(), query).await
    }

    async fn project(&self, lane: LaneId, from: Seq, records: &[Arc<Record>]) -> Result<(), StoreError> {
        projections::project(self, lane, from, records).await
    }

    async fn lane_heads(&self) -> Result<Vec<LaneHead>, StoreError> {
        lanes::heads(self).await
    }

    async fn projected(&self, lane: LaneId) -> Result<Seq, StoreError> {
        reads::projected(self.passbook.readers(), lane).await
    }

    async fn relayed(&self, lane: LaneId) -> Result<(Seq, ChainHash), StoreError> {
        relay::relayed(self, lane).await
    }

    async fn relay(&self, lane: LaneId, epoch: Epoch, from: Seq, to: (Seq, ChainHash)) -> Result<(), StoreError> {
        relay::relay(self, lane, epoch, from, to).await
    }

    async fn passbook(
        &self,
        id: AccountId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<PassbookEntry>, StoreError> {
        passbook::above(self.passbook.readers(), &self.currencies, id, after_version, limit).await
    }

    async fn passbook_is_current(&self, id: AccountId) -> Result<bool, StoreError> {
        // The passbook last: it only grows.
        let committed = passbook::newest(self.ledger.readers(), id, passbook::Newest::Committed).await?;
        let projected = passbook::newest(self.passbook.readers(), id, passbook::Newest::Projected).await?;
        Ok(committed <= projected)
    }

    async fn passbook_page(&self, query: &PassbookQuery) -> Result<PassbookPage, StoreError> {
        passbook::page(self.passbook.readers(), &self.currencies, query).await
    }

    async fn daily_balances(
        &self,
        id: AccountId,
        date: BusinessDate,
    ) -> Result<Vec<(BusinessDate, Money)>, StoreError> {
        passbook::daily_balances(self.passbook.readers(), &self.currencies, id, date).await
    }

    async fn daily_closings(
        &self,
        id: AccountId,
        currency: Currency,
        period: Period,
    ) -> Result<Vec<DailyClosing>, StoreError> {
        passbook::daily_closings(self.passbook.readers(), &self.currencies, id, currency, period).await
    }

    async fn close(&self) {
        self.passbook.close().await;
        self.ledger.close().await;
        // Last: another engine may come in from here on.
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
