//! The one connection that writes to a file, and its transactions.
//!
//! A transaction whose future was dropped stays open on the connection; the next one to write ends it first. So no
//! statement ever runs inside half of somebody else's transaction, on whatever runtime the first one died.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{Mutex, MutexGuard};

use super::{
    connect::{self, StoreFile},
    errors,
};
use crate::storage::port::{CommitError, StoreError};

/// Why there is no transaction to write in; nothing was written.
pub(super) type BeginError = StoreError;

/// The writing connection.
pub(super) struct Writer {
    options: SqliteConnectOptions,
    file: StoreFile,
    slot: Mutex<Slot>,
    closed: AtomicBool,
}

struct Slot {
    /// `None` after a failure that only a new connection mends.
    connection: Option<SqliteConnection>,
    /// Whether a transaction may be open.
    unfinished: bool,
}

/// A transaction that writes, and holds the connection.
pub(super) struct Transaction<'a> {
    slot: MutexGuard<'a, Slot>,
}

impl Writer {
    pub(super) fn new(options: SqliteConnectOptions, file: StoreFile, connection: SqliteConnection) -> Arc<Self> {
        let slot = Mutex::new(Slot { connection: Some(connection), unfinished: false });
        Arc::new(Self { options, file, slot, closed: AtomicBool::new(false) })
    }

    /// Begins a transaction that holds the write lock from the start.
    pub(super) async fn begin(&self) -> Result<Transaction<'_>, BeginError> {
        let mut slot = self.slot.lock().await;
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable("the store is closed".into()));
        }
        if slot.unfinished {
            slot.roll_back().await;
        }
        if slot.connection.is_none() {
            slot.connection = Some(connect::open_writer(&self.options, self.file).await?);
        }
        let mut transaction = Transaction { slot };
        transaction.slot.unfinished = true;
        let began = sqlx::query("BEGIN IMMEDIATE").execute(transaction.connection()?).await;
        match began {
            Ok(_) => Ok(transaction),
            Err(error) => {
                transaction.roll_back().await;
                Err(errors::store_error(&error))
            }
        }
    }

    /// Holds off every transaction while `work` runs.
    pub(super) async fn paused<T>(&self, work: impl Future<Output = T>) -> T {
        let _slot = self.slot.lock().await;
        work.await
    }

    /// Ends what is unfinished and closes the connection; waits for a transaction under way.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let mut slot = self.slot.lock().await;
        if slot.unfinished {
            slot.roll_back().await;
        }
        slot.discard().await;
    }
}

impl Slot {
    /// Ends the open transaction, if one is open, with nothing changed. Where SQLite does not confirm it, the
    /// connection is given up, which ends it too.
    async fn roll_back(&mut self) {
        let Some(connection) = self.connection.as_mut() else {
            self.unfinished = false;
            return;
        };
        match sqlx::query("ROLLBACK").execute(connection).await {
            Ok(_) => self.unfinished = false,
            // SQLite ended it by itself, as it does after a full disk, or it had been committed.
            Err(sqlx::Error::Database(error)) if error.message().contains("no transaction is active") => {
                self.unfinished = false;
            }
            Err(error) => {
                tracing::warn!(%error, "rollback failed, opening a new connection to the ledger");
                self.discard().await;
            }
        }
    }

    /// Gives the connection up; the next transaction opens another.
    async fn discard(&mut self) {
        self.unfinished = false;
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "a connection to the ledger did not close cleanly");
        }
    }
}

impl Transaction<'_> {
    /// The connection, to run statements on.
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.slot.connection.as_mut().ok_or_else(|| StoreError::Unavailable("the connection is gone".into()))
    }

    /// Makes what was written durable.
    pub(super) async fn commit(mut self) -> Result<(), CommitError> {
        let connection = self.connection().map_err(|error| CommitError::NotDone(error.to_string()))?;
        let Err(error) = sqlx::query("COMMIT").execute(connection).await else {
            self.slot.unfinished = false;
            return Ok(());
        };
        let error = errors::commit_error(errors::Stage::Commit, &error);
        self.slot.roll_back().await;
        if let CommitError::Unknown(text) = &error {
            tracing::error!(error = %text, "a commit's outcome is unknown, opening a new connection to the ledger");
            self.slot.discard().await;
        }
        Err(error)
    }

    /// Leaves everything as it was.
    pub(super) async fn roll_back(mut self) {
        self.slot.roll_back().await;
    }
}
