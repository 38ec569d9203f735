//! Where every socket lives, and the readers.
//!
//! The store has a small runtime of its own. All connections are opened and used there, so whoever calls, from whatever thread
//! or runtime, waits for a task of it; a call that is given up runs on to its end there, and what comes after it waits.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, MySqlPool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlRow},
};
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, timeout_at},
};

use super::{
    connect::{self, Purpose},
    errors::{self, Cause, store_error},
    options::MysqlOptions,
};
use crate::storage::port::StoreError;

/// Threads of the store's runtime: what they do is send, wait and receive.
const THREADS: usize = 2;

/// The store's runtime and its readers.
#[derive(Debug)]
pub(super) struct Sessions {
    runtime: Option<Runtime>,
    readers: MySqlPool,
    read_timeout: Duration,
    closed: AtomicBool,
}

impl Sessions {
    /// A runtime, and readers that connect when they are needed.
    pub(super) fn new(target: &MySqlConnectOptions, options: &MysqlOptions) -> Result<Self, StoreError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("mysql")
            .enable_all()
            .build()
            .map_err(|error| StoreError::Unavailable(format!("no threads for the store: {error}")))?;
        let entered = runtime.enter();
        let readers = MySqlPoolOptions::new()
            .max_connections(options.readers.max(1))
            .acquire_timeout(options.read_timeout)
            // A round trip each would cost more than the read; a connection that is gone shows in the read.
            .test_before_acquire(false)
            .after_connect(|connection, _| Box::pin(async move { connect::prepare(connection, Purpose::Read).await }))
            .connect_lazy_with(target.clone());
        drop(entered);
        Ok(Self { runtime: Some(runtime), readers, read_timeout: options.read_timeout, closed: AtomicBool::new(false) })
    }

    /// Runs work on the store's runtime and brings its value back.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let ended = || StoreError::Unavailable("the store is closed".to_owned());
        if self.closed.load(Ordering::Acquire) {
            return Err(ended());
        }
        let runtime = self.runtime.as_ref().ok_or_else(ended)?;
        runtime.spawn(work).await.map_err(|error| StoreError::Unavailable(format!("the store's work ended: {error}")))
    }

    /// Leaves work running on the store's runtime.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(work);
        }
    }

    /// The rows of one statement. A connection that the server had closed meanwhile costs a second attempt.
    pub(super) async fn rows(&self, sql: String) -> Result<Vec<MySqlRow>, StoreError> {
        let (readers, timeout) = (self.readers.clone(), self.read_timeout);
        let read = async move {
            let until = Instant::now() + timeout;
            let done = match fetch(&readers, sql.clone(), until).await {
                Some(Err(error)) if errors::cause(&error) == Cause::Lost => fetch(&readers, sql, until).await,
                done => done,
            };
            match done {
                Some(done) => done.map_err(|error| store_error(&error)),
                None => Err(StoreError::Unavailable(format!("a read took more than {} ms", timeout.as_millis()))),
            }
        };
        self.run(read).await?
    }

    /// Refuses whatever comes from now on, and closes the readers.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let readers = self.readers.clone();
        if let Some(runtime) = &self.runtime {
            let closed = runtime.spawn(async move {
                const PATIENCE: Duration = Duration::from_secs(2);
                let _left_to_the_server = tokio::time::timeout(PATIENCE, readers.close()).await;
            });
            let _ended = closed.await;
        }
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Dropping a runtime waits for it, which a thread of another runtime may not.
            runtime.shutdown_background();
        }
    }
}

/// Reads by one of the readers; `None` if that takes too long. A reader that did not answer in time is thrown away: the pool
/// would wait for it, and keep its place, for as long as the silence lasts.
async fn fetch(readers: &MySqlPool, sql: String, until: Instant) -> Option<Result<Vec<MySqlRow>, sqlx::Error>> {
    let mut reader = match timeout_at(until, readers.acquire()).await.ok()? {
        Ok(reader) => reader,
        Err(error) => return Some(Err(error)),
    };
    let fetched = timeout_at(until, sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut *reader)).await;
    if fetched.is_err() {
        connect::give_up(reader.detach());
    }
    fetched.ok()
}
