//! A small pool of connections that only read. Each read is one statement, so it sees one state of the ledger.
//!
//! A connection goes back to the pool only after a read that came to its end; one whose read failed or whose future
//! was dropped is closed. Reads beyond the pool's size wait.

use std::sync::{Mutex, PoisonError};

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::errors;
use crate::storage::port::StoreError;

/// The connections that read.
pub(super) struct Readers {
    options: SqliteConnectOptions,
    size: u32,
    permits: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A connection on loan.
pub(super) struct Reader<'a> {
    _permit: SemaphorePermit<'a>,
    home: &'a Readers,
    connection: SqliteConnection,
}

impl Readers {
    pub(super) fn new(options: SqliteConnectOptions, size: u32) -> Self {
        let size = size.max(1);
        let permits = Semaphore::new(usize::try_from(size).unwrap_or(1));
        Self { options, size, permits, idle: Mutex::new(Vec::new()) }
    }

    /// Lends a connection, once one is free.
    pub(super) async fn lend(&self) -> Result<Reader<'_>, StoreError> {
        let permit = self.permits.acquire().await.map_err(|_| StoreError::Unavailable("the store is closed".into()))?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.options.connect().await.map_err(|error| errors::store_error(&error))?,
        };
        Ok(Reader { _permit: permit, home: self, connection })
    }

    /// Refuses further reads, waits for those under way and closes the connections.
    pub(super) async fn close(&self) {
        // All permits at once: every reader is home then.
        let all = self.permits.acquire_many(self.size).await;
        self.permits.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a reading connection did not close cleanly");
            }
        }
    }
}

impl Reader<'_> {
    /// The connection, to read on.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Gives the connection back after a read that came to its end.
    pub(super) fn give_back(self) {
        self.home.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.connection);
    }
}
