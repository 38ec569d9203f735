//! Where every socket lives.
//!
//! The store has a small runtime of its own. All connections are opened and used there, so whoever calls, from whatever thread
//! or runtime, waits for a task of it; a call that is given up runs on to its end there, and what comes after it waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::mysql::{MySqlConnectOptions, MySqlRow};
use tokio::runtime::{Builder, Runtime};

use super::{options::MysqlOptions, readers::Readers};
use crate::storage::port::StoreError;

/// Threads of the store's runtime: what they do is send, wait and receive.
const THREADS: usize = 2;

/// The store's runtime and its readers.
#[derive(Debug)]
pub(super) struct Sessions {
    runtime: Option<Runtime>,
    readers: Arc<Readers>,
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
        let readers = Arc::new(Readers::new(target, options));
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

    /// The rows of one statement.
    pub(super) async fn rows(&self, sql: String) -> Result<Vec<MySqlRow>, StoreError> {
        self.rows_within(self.read_timeout, sql).await
    }

    /// The rows of one statement that may take longer than reads do.
    pub(super) async fn rows_within(&self, timeout: Duration, sql: String) -> Result<Vec<MySqlRow>, StoreError> {
        let readers = Arc::clone(&self.readers);
        let read = async move {
            tokio::time::timeout(timeout, readers.rows(&sql)).await.unwrap_or_else(|_| {
                Err(StoreError::Unavailable(format!("a read took more than {} ms", timeout.as_millis())))
            })
        };
        self.run(read).await?
    }

    /// What is read from now on is read where the name of the server leads to now.
    pub(super) fn renew_readers(&self) {
        self.readers.renew();
    }

    /// Refuses whatever comes from now on, and closes the readers.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let readers = Arc::clone(&self.readers);
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
