//! The connections that read: opened when they are needed, at most so many, kept for the next read.
//!
//! A server that is away is known at once, or when the deadline of a connect has passed, and so is told to whoever reads: nobody
//! waits for it to come back. All are opened anew whenever a lane is taken: after a failover the name of the server may lead to
//! another one, while connections to the old one stay open, and what is read of a lane must be read where it was taken.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlRow},
};
use tokio::sync::Semaphore;

use super::{
    connect::{self, Purpose},
    errors::{self, Cause, store_error},
    options::MysqlOptions,
};
use crate::storage::port::StoreError;

/// The connections that read. Used on the store's runtime alone.
#[derive(Debug)]
pub(super) struct Readers {
    target: MySqlConnectOptions,
    connect_timeout: Duration,
    room: Semaphore,
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    connections: Vec<MySqlConnection>,
    /// How often they were opened anew: one of an earlier round does not come back.
    round: u64,
}

impl Readers {
    pub(super) fn new(target: &MySqlConnectOptions, options: &MysqlOptions) -> Self {
        Self {
            target: target.clone(),
            connect_timeout: options.connect_timeout,
            room: Semaphore::new(usize::try_from(options.readers.max(1)).unwrap_or(1)),
            idle: Mutex::default(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of one statement. A connection that the server had closed meanwhile costs a second attempt. A read that is
    /// given up takes its connection with it.
    pub(super) async fn rows(&self, sql: &str) -> Result<Vec<MySqlRow>, StoreError> {
        let closed = |_| StoreError::Unavailable("the store is closed".to_owned());
        let _room = self.room.acquire().await.map_err(closed)?;
        let (kept, round) = {
            let mut idle = self.idle();
            (idle.connections.pop(), idle.round)
        };
        if let Some(connection) = kept {
            match self.fetch(connection, round, sql).await {
                // What befell this one has befallen them all.
                Err(error) if errors::cause(&error) == Cause::Lost => self.renew(),
                done => return done.map_err(|error| store_error(&error)),
            }
        }
        let round = self.idle().round;
        let connection = connect::open(&self.target, self.connect_timeout, Purpose::Read).await?;
        self.fetch(connection, round, sql).await.map_err(|error| store_error(&error))
    }

    async fn fetch(
        &self,
        mut connection: MySqlConnection,
        round: u64,
        sql: &str,
    ) -> Result<Vec<MySqlRow>, sqlx::Error> {
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await;
        // After anything but an answer nobody knows what state it is in.
        if matches!(done, Ok(_) | Err(sqlx::Error::Database(_))) {
            let mut idle = self.idle();
            if idle.round == round && !self.room.is_closed() {
                idle.connections.push(connection);
            }
        }
        done
    }

    /// Reads that begin from now on go by connections that are opened from now on.
    pub(super) fn renew(&self) {
        let mut idle = self.idle();
        idle.round += 1;
        idle.connections.clear();
    }

    /// Refuses whatever comes from now on, and closes what is idle.
    pub(super) async fn close(&self) {
        self.room.close();
        let connections = std::mem::take(&mut self.idle().connections);
        for connection in connections {
            connect::close(connection).await;
        }
    }
}
