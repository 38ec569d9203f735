//! A connection that writes, and its transactions: one at a time, each with a deadline.
//!
//! A transaction whose end is in doubt takes its connection with it: the next one opens another, and waits at the fence until
//! the server has ended the old one. So does a server that takes no writes any more: after a failover the same name may lead to
//! another. The connection's number stands in the row of each lane that commits by it, so that
//! whoever takes the lane can end what is left open (`lanes`).

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::TryStreamExt;
use hwan_domain::id::LaneId;
use sqlx::{
    AssertSqlSafe, Either, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlRow},
};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::Instant,
};

use super::{
    connect::{self, Purpose},
    errors::{self, Cause, Stage, store_error},
    options::MysqlOptions,
    script::Packet,
    settings,
};
use crate::storage::port::StoreError;

/// A connection that writes.
#[derive(Debug)]
pub(super) struct Committer {
    target: MySqlConnectOptions,
    connect_timeout: Duration,
    /// How long a transaction may take.
    timeout: Duration,
    purpose: Purpose,
    slot: Arc<Mutex<Slot>>,
    closed: AtomicBool,
    /// The number of the connection, for other threads.
    number: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Slot {
    connection: Option<MySqlConnection>,
    /// Whether a transaction was begun and its end was not seen.
    unfinished: bool,
    /// Whether the server said that it takes no writes: another one may, to which a new connection leads.
    is_read_only: bool,
    /// Which server the connection leads to.
    server: Arc<str>,
    /// The lanes whose rows name the connection.
    named: HashSet<LaneId>,
}

/// A turn at the connection: nobody else writes by it meanwhile.
#[derive(Debug)]
pub(super) struct Turn {
    slot: OwnedMutexGuard<Slot>,
    /// The number that the server gave the connection.
    pub(super) number: u64,
    until: Instant,
    is_in_doubt: bool,
}

/// What the server answered.
#[derive(Debug, Default)]
struct Answers {
    /// Of each statement, how many rows it matched.
    matched: Vec<u64>,
    rows: Vec<MySqlRow>,
}

/// What became of statements.
#[derive(Debug)]
pub(super) enum Failure {
    /// A statement was refused by the server: those before it were done, nothing after it was.
    Refused {
        /// How many were done before it.
        after: usize,
        /// What the server said.
        error: sqlx::Error,
    },
    /// No answer: any of it may have happened.
    Unanswered(sqlx::Error),
}

impl Failure {
    pub(super) fn error(&self) -> &sqlx::Error {
        match self {
            Failure::Refused { error, .. } | Failure::Unanswered(error) => error,
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        store_error(failure.error())
    }
}

impl Committer {
    pub(super) fn new(target: MySqlConnectOptions, options: &MysqlOptions) -> Arc<Self> {
        // Twice the lease: whoever is silent that long has lost its lanes, and its locks with them.
        let idle_seconds = options.lease.as_secs().saturating_mul(2).max(2);
        Arc::new(Self {
            target,
            connect_timeout: options.connect_timeout,
            timeout: options.commit_timeout,
            purpose: Purpose::Write { idle_seconds },
            slot: Arc::default(),
            closed: AtomicBool::new(false),
            number: Arc::default(),
        })
    }

    /// One that never connects: its store only reads.
    pub(super) fn closed(target: MySqlConnectOptions, options: &MysqlOptions) -> Arc<Self> {
        let committer = Self::new(target, options);
        committer.closed.store(true, Ordering::Release);
        committer
    }

    /// A turn, once it is free; opens the connection where there is none.
    pub(super) async fn turn(&self) -> Result<Turn, StoreError> {
        let slot = Arc::clone(&self.slot).lock_owned().await;
        self.ready(slot).await
    }

    /// A turn if it is free within this time. Turns go round in the order of asking: under load that is after one transaction.
    pub(super) async fn turn_within(&self, patience: Duration) -> Option<Result<Turn, StoreError>> {
        let slot = tokio::time::timeout(patience, Arc::clone(&self.slot).lock_owned()).await.ok()?;
        Some(self.ready(slot).await)
    }

    async fn ready(&self, mut slot: OwnedMutexGuard<Slot>) -> Result<Turn, StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable("the store is closed".to_owned()));
        }
        if slot.unfinished || slot.is_read_only {
            slot.give_up();
        }
        if slot.connection.is_none() {
            self.number.store(0, Ordering::Release);
            let mut connection = connect::open(&self.target, self.connect_timeout, self.purpose).await?;
            let number: u64 = sqlx::query_scalar("SELECT CONNECTION_ID()")
                .fetch_one(&mut connection)
                .await
                .map_err(|error| store_error(&error))?;
            slot.server = settings::server(&mut connection).await?.into();
            slot.named.clear();
            self.number.store(number, Ordering::Release);
            slot.connection = Some(connection);
        }
        Ok(Turn {
            slot,
            number: self.number.load(Ordering::Acquire),
            until: Instant::now() + self.timeout,
            is_in_doubt: false,
        })
    }

    /// Closes the connection once it is free; a transaction under way comes to its end or its deadline.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let mut slot = Arc::clone(&self.slot).lock_owned().await;
        if slot.unfinished {
            slot.give_up();
        }
        if let Some(connection) = slot.connection.take() {
            connect::close(connection).await;
        }
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self { connection: None, unfinished: false, is_read_only: false, server: Arc::from(""), named: HashSet::new() }
    }
}

impl Slot {
    fn give_up(&mut self) {
        (self.unfinished, self.is_read_only) = (false, false);
        if let Some(connection) = self.connection.take() {
            connect::give_up(connection);
        }
    }
}

impl Turn {
    /// Sends statements in one packet; how many rows each of them matched, and the rows that they brought.
    async fn send(&mut self, sql: String) -> Result<Answers, Failure> {
        let gone = || Failure::Unanswered(sqlx::Error::Io(std::io::ErrorKind::NotConnected.into()));
        let late = || Failure::Unanswered(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
        let connection = self.slot.connection.as_mut().ok_or_else(gone)?;
        let mut got = Answers::default();
        let answers = async {
            let mut results = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(connection);
            while let Some(result) = results.try_next().await? {
                match result {
                    Either::Left(done) => got.matched.push(done.rows_affected()),
                    Either::Right(row) => got.rows.push(row),
                }
            }
            Ok(())
        };
        match tokio::time::timeout_at(self.until, answers).await {
            Ok(Ok(())) => Ok(got),
            Ok(Err(error @ sqlx::Error::Database(_))) => {
                self.slot.is_read_only |= errors::cause(&error) == Cause::ReadOnly;
                Err(Failure::Refused { after: got.matched.len(), error })
            }
            Ok(Err(error)) => Err(Failure::Unanswered(error)),
            Err(_) => Err(late()),
        }
    }

    /// The rows that statements bring. Where they begin a transaction, it is open from here on.
    pub(super) async fn rows(&mut self, sql: String) -> Result<Vec<MySqlRow>, Failure> {
        if sql.starts_with("START TRANSACTION") {
            self.slot.unfinished = true;
        }
        match self.send(sql).await {
            Ok(got) => Ok(got.rows),
            Err(failure) => {
                self.doubt(&failure);
                Err(failure)
            }
        }
    }

    /// How many rows a statement that stands alone matched. Whoever gives this up gives the connection up.
    pub(super) async fn matched(&mut self, sql: String) -> Result<u64, Failure> {
        let was_open = std::mem::replace(&mut self.slot.unfinished, true);
        let answer = self.send(sql).await;
        self.slot.unfinished = was_open;
        match answer {
            Ok(got) => Ok(got.matched.first().copied().unwrap_or(0)),
            Err(failure) => {
                self.doubt(&failure);
                Err(failure)
            }
        }
    }

    /// Which server the connection leads to.
    pub(super) fn server(&self) -> Arc<str> {
        Arc::clone(&self.slot.server)
    }

    /// Whether a lane's row is yet to name this connection: from now on it does.
    pub(super) fn is_new_to(&mut self, lane: LaneId) -> bool {
        self.slot.named.insert(lane)
    }

    /// What state a connection is in that did not answer, nobody knows: it is never used again.
    fn doubt(&mut self, failure: &Failure) {
        if matches!(failure, Failure::Unanswered(_)) {
            self.slot.unfinished = true;
            self.is_in_doubt = true;
        }
    }

    /// Whether a statement was not answered.
    pub(super) const fn is_in_doubt(&self) -> bool {
        self.is_in_doubt
    }

    /// Whether a transaction is open.
    pub(super) fn is_open(&self) -> bool {
        self.slot.unfinished
    }

    /// Begins a transaction by its fence: a statement that must match exactly one row.
    pub(super) async fn begin(&mut self, fence: &str) -> Result<bool, Failure> {
        self.slot.unfinished = true;
        let got = self.send(format!("START TRANSACTION;{fence}")).await?;
        Ok(got.matched.get(1) == Some(&1))
    }

    /// Sends the rest of a transaction, whose last statement is COMMIT; tells how far a failure had come.
    pub(super) async fn finish(mut self, packets: Vec<Packet>) -> Result<(), (Stage, Failure, Self)> {
        let last = packets.len().saturating_sub(1);
        for (index, Packet { sql, statements }) in packets.into_iter().enumerate() {
            if let Err(failure) = self.send(sql).await {
                let stage = match &failure {
                    Failure::Refused { after, .. } if index < last || after + 1 < statements => Stage::Before,
                    Failure::Unanswered(_) if index < last => Stage::Before,
                    _ => Stage::Commit,
                };
                return Err((stage, failure, self));
            }
        }
        self.slot.unfinished = false;
        Ok(())
    }

    /// Leaves everything as it was. A server that does not confirm it loses the connection, which ends the transaction too.
    pub(super) async fn roll_back(mut self) {
        match self.send("ROLLBACK".to_owned()).await {
            Ok(_) => self.slot.unfinished = false,
            Err(failure) => {
                tracing::warn!(error = %failure.error(), "a rollback was not confirmed: the connection is given up");
                self.give_up();
            }
        }
    }

    /// Gives the connection up, with whatever is open on it.
    pub(super) fn give_up(mut self) {
        self.slot.give_up();
    }
}
