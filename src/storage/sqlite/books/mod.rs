//! The books in a file of their own, `<data>/books.db`: written in the write-ahead log with `synchronous = FULL`.
//!
//! Any number of processes may read it, and more than one may write: every step is fenced. The file can be built again from the
//! ledger's journal, as far back as that reaches.

mod alerts;
mod closings;
mod post;
mod reads;
mod reconciliation;
mod standing;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use hwan_domain::{
    currency::CurrencySet,
    id::{LaneId, Position, Seq},
    ledger::{Chart, Journal, TrialLine},
    time::BusinessDate,
};
use sqlx::{Row, SqliteConnection};

use super::{
    book::Book,
    connect::StoreFile,
    errors::{column, store_error},
    options::SqliteOptions,
    schema,
    store::{create_dir, version},
};
use crate::storage::{
    general_ledger::{
        columns,
        port::{
            DeadLetter, GeneralLedger, JournalPage, JournalQuery, LaneBooks, LaneCursor, PostError, Redelivery, Step,
        },
    },
    port::{ChainHash, StoreError},
};

/// The books in a file.
pub struct SqliteBooks {
    name: String,
    currencies: Arc<CurrencySet>,
    book: Book,
}

impl SqliteBooks {
    /// Opens the books of a data directory to post, creating both where they are new.
    ///
    /// Fails with [`StoreError::Unsafe`] where a step would not be durable, or where currencies or the chart of accounts do not
    /// mean what is stored.
    pub async fn open(
        data_dir: &Path,
        currencies: Arc<CurrencySet>,
        chart: &Chart,
        options: &SqliteOptions,
    ) -> Result<Self, StoreError> {
        create_dir(data_dir)?;
        let mut name = String::new();
        let book = Book::open(data_dir, StoreFile::Books, options, async |connection| {
            schema::enter_currencies(connection, &currencies).await?;
            schema::check_currencies(connection, &currencies).await?;
            enter_chart(connection, chart).await?;
            name = version(connection).await?;
            Ok(())
        })
        .await?;
        Ok(Self { name, currencies, book })
    }

    /// Opens the books of a data directory to read only, beside whoever posts or without.
    pub async fn open_read_only(
        data_dir: &Path,
        currencies: Arc<CurrencySet>,
        chart: &Chart,
    ) -> Result<Self, StoreError> {
        let book = Book::open_read_only(data_dir, StoreFile::Books, &SqliteOptions::default()).await?;
        let mut reader = book.readers().lend().await?;
        schema::check_currencies(reader.connection(), &currencies).await?;
        check_chart(reader.connection(), chart).await?;
        let name = version(reader.connection()).await?;
        reader.give_back();
        Ok(Self { name, currencies, book })
    }
}

/// Refuses a chart by which what is stored would mean something else.
async fn check_chart(connection: &mut SqliteConnection, chart: &Chart) -> Result<(), StoreError> {
    let rows = sqlx::query("SELECT account, role FROM chart")
        .fetch_all(connection)
        .await
        .map_err(|error| store_error(&error))?;
    for row in &rows {
        let code: u32 = row.try_get("account").map_err(|error| column(&error))?;
        let role: &str = row.try_get("role").map_err(|error| column(&error))?;
        columns::same_chart(chart, code, role)?;
    }
    Ok(())
}

/// Enters the chart; names may change.
async fn enter_chart(connection: &mut SqliteConnection, chart: &Chart) -> Result<(), StoreError> {
    check_chart(connection, chart).await?;
    for account in chart.iter() {
        let (code, name, class, role) = columns::chart_columns(account);
        sqlx::query(
            "INSERT INTO chart (account, name, class, role) VALUES (?, ?, ?, ?) \
             ON CONFLICT (account) DO UPDATE SET name = excluded.name",
        )
        .bind(code)
        .bind(name.to_owned())
        .bind(class.to_owned())
        .bind(role.to_owned())
        .execute(&mut *connection)
        .await
        .map_err(|error| store_error(&error))?;
    }
    Ok(())
}

#[async_trait]
impl GeneralLedger for SqliteBooks {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn enter(&self, lane: LaneId) -> Result<LaneBooks, StoreError> {
        standing::enter(self, lane).await
    }

    async fn look(&self, lane: LaneId) -> Result<Option<LaneBooks>, StoreError> {
        standing::look(self, lane).await
    }

    async fn post(&self, step: &Step) -> Result<(), PostError> {
        post::post(self, step).await
    }

    async fn redeliver(&self, redelivery: &Redelivery) -> Result<bool, StoreError> {
        post::redeliver(self, redelivery).await
    }

    async fn note_stop(&self, lane: LaneId, at: Seq, reason: &str) -> Result<(), StoreError> {
        post::note_stop(self, lane, at, reason).await
    }

    async fn trail(&self, lane: LaneId, from: Seq, limit: usize) -> Result<Vec<(Seq, ChainHash)>, StoreError> {
        reads::trail(self, lane, from, limit).await
    }

    async fn cursors(&self) -> Result<Vec<LaneCursor>, StoreError> {
        standing::cursors(self).await
    }

    async fn turnovers(&self, as_of: Option<BusinessDate>, lane: Option<LaneId>) -> Result<Vec<TrialLine>, StoreError> {
        reads::turnovers(self, as_of, lane).await
    }

    async fn journals(&self, query: &JournalQuery) -> Result<JournalPage, StoreError> {
        reads::journals(self, query).await
    }

    async fn journal(&self, position: Position) -> Result<Option<Journal>, StoreError> {
        reads::journal(self, position).await
    }

    async fn dead_letters(
        &self,
        lane: Option<LaneId>,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        reads::dead_letters(self, lane, after, limit).await
    }

    async fn close(&self) {
        self.book.close().await;
    }
}
