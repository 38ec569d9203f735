//! Moves the write-ahead log into the ledger's file, beside the commits.
//!
//! A passive checkpoint never makes a commit wait, but the log begins anew only once all of it is moved, and under
//! steady load a passive one is always a little late. So once the log is long, the last stretch is moved while the
//! writer pauses: that is what was written during the passive round, a few milliseconds' worth. Where a reader holds
//! on to an old state even that cannot finish; past a limit the writer then waits for the readers, for a bounded time,
//! and what is logged names the cause.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout},
};

use super::{errors, options::SqliteOptions, writer::Writer};
use crate::storage::port::StoreError;

/// After this long without a checkpoint, whatever is in the log is moved: an idle ledger has a short log.
const IDLE_ROUND: Duration = Duration::from_secs(1);
/// How long commits may wait for readers that hold on to an old state.
const READERS_WAIT_MS: u32 = 250;
/// How long until readers are waited for again.
const READERS_WAIT_PAUSE: Duration = Duration::from_secs(10);

const MIB: u64 = 1_024 * 1_024;

/// What commits tell the checkpointer.
pub(super) struct Growth {
    /// At most this many bytes have been added to the log since the last round.
    bytes: AtomicU64,
    threshold_bytes: u64,
    page_bytes: u64,
    wake: Notify,
    ended: AtomicBool,
}

/// The thread that moves the log.
pub(super) struct Checkpointer {
    growth: Arc<Growth>,
    ended: oneshot::Receiver<()>,
}

/// What a checkpoint says: pages in the log, and how many of them are moved.
struct Log {
    pages: u64,
    moved: u64,
}

impl Growth {
    pub(super) fn new(options: &SqliteOptions) -> Arc<Self> {
        Arc::new(Self {
            // A log that an earlier engine left is looked at once.
            bytes: AtomicU64::new(1),
            threshold_bytes: u64::from(options.checkpoint_mib) * MIB,
            page_bytes: u64::from(options.page_bytes),
            wake: Notify::new(),
            ended: AtomicBool::new(false),
        })
    }

    /// Counts a commit of so many rows, each in a page of its own at worst, and so many bytes in rows that share.
    pub(super) fn add(&self, rows: usize, bytes: usize) {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX).saturating_mul(self.page_bytes);
        let added = rows.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        let before = self.bytes.fetch_add(added, Ordering::Relaxed);
        if before.saturating_add(added) >= self.threshold_bytes {
            self.wake.notify_one();
        }
    }
}

impl Checkpointer {
    /// Starts the thread. It has a runtime of its own, so it goes on whatever runtimes the callers have.
    pub(super) fn start(
        options: SqliteConnectOptions,
        settings: &SqliteOptions,
        growth: Arc<Growth>,
        writer: Arc<Writer>,
    ) -> Result<Self, StoreError> {
        let failed = |error| StoreError::Unavailable(format!("cannot start the checkpoint thread: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        let rounds = Rounds {
            options,
            page_bytes: u64::from(settings.page_bytes),
            begin_anew_bytes: u64::from(settings.checkpoint_mib) * MIB * 2,
            bytes_max: u64::from(settings.wal_mib_max) * MIB,
            growth: Arc::clone(&growth),
            writer,
        };
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("checkpoints".into())
            .spawn(move || {
                runtime.block_on(rounds.run());
                // Nobody waits where the store was dropped without being closed.
                let _ = end.send(());
            })
            .map_err(failed)?;
        Ok(Self { growth, ended })
    }

    /// Ends the thread and waits for it; the last connection to close moves the rest of the log.
    pub(super) async fn stop(mut self) {
        self.end();
        if (&mut self.ended).await.is_err() {
            tracing::error!("the checkpoint thread has panicked");
        }
    }

    fn end(&self) {
        self.growth.ended.store(true, Ordering::Release);
        self.growth.wake.notify_one();
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.end();
    }
}

struct Rounds {
    options: SqliteConnectOptions,
    page_bytes: u64,
    begin_anew_bytes: u64,
    bytes_max: u64,
    growth: Arc<Growth>,
    writer: Arc<Writer>,
}

impl Rounds {
    async fn run(self) {
        let mut connection: Option<SqliteConnection> = None;
        let mut readers_waited: Option<Instant> = None;
        loop {
            // Elapsed or woken: either way there may be something to move.
            let _ = timeout(IDLE_ROUND, self.growth.wake.notified()).await;
            if self.growth.ended.load(Ordering::Acquire) {
                break;
            }
            if self.growth.bytes.swap(0, Ordering::Relaxed) == 0 {
                continue;
            }
            let moved = match &mut connection {
                Some(connection) => self.round(connection, &mut readers_waited).await,
                none => match self.options.connect().await {
                    Ok(opened) => self.round(none.insert(opened), &mut readers_waited).await,
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = moved {
                let error = errors::store_error(&error);
                tracing::warn!(%error, "a checkpoint failed, trying again: the log grows until one succeeds");
                connection = None;
                // Not lost: the next commit, or the next second, tries again.
                self.growth.bytes.fetch_add(1, Ordering::Relaxed);
            }
        }
        if let Some(connection) = connection
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the checkpoint connection did not close cleanly");
        }
    }

    async fn round(&self, connection: &mut SqliteConnection, waited: &mut Option<Instant>) -> Result<(), sqlx::Error> {
        let log = passive(connection).await?;
        let bytes = log.pages.saturating_mul(self.page_bytes);
        if bytes < self.begin_anew_bytes {
            return Ok(());
        }
        // Another passive round shortens the rest, unless commits are outrunning it already.
        if bytes < self.bytes_max {
            passive(connection).await?;
        }
        // What it says of the log is as of its beginning: only while nobody writes can all of it be moved.
        let mut log = self.writer.paused(passive(connection)).await?;
        let bytes = log.pages.saturating_mul(self.page_bytes);
        let rested = waited.is_none_or(|at| at.elapsed() >= READERS_WAIT_PAUSE);
        if log.moved < log.pages && bytes >= self.bytes_max && rested {
            *waited = Some(Instant::now());
            log = self.writer.paused(wait_for_readers(connection)).await?;
            if log.moved < log.pages {
                tracing::warn!(
                    bytes,
                    bytes_max = self.bytes_max,
                    "the write-ahead log cannot begin anew while a reader holds an old state: end long reads of ledger.db"
                );
            }
        }
        Ok(())
    }
}

async fn passive(connection: &mut SqliteConnection) -> Result<Log, sqlx::Error> {
    checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)").await
}

async fn wait_for_readers(connection: &mut SqliteConnection) -> Result<Log, sqlx::Error> {
    sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA busy_timeout = {READERS_WAIT_MS}")))
        .execute(&mut *connection)
        .await?;
    checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)").await
}

async fn checkpoint(connection: &mut SqliteConnection, pragma: &'static str) -> Result<Log, sqlx::Error> {
    // Busy or not is told by the numbers too: what is not moved is left for the next round.
    let (_busy, pages, moved): (i64, i64, i64) = sqlx::query_as(pragma).fetch_one(connection).await?;
    Ok(Log { pages: u64::try_from(pages).unwrap_or(0), moved: u64::try_from(moved).unwrap_or(0) })
}
