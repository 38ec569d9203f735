//! One reconciliation at a time in a server, and its history.
//!
//! A reconciliation runs on a thread of its own, with a runtime and connections of its own, at a lower priority: the engine's threads
//! are not asked for anything but looks at a few customers' memory. It is answered at once that it runs; what came of it stands in the
//! history. A process that stops while one runs leaves it there as running.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use hwan_domain::{reconciliation::RunId, time::BusinessDate};
use tokio::{runtime::Builder, sync::oneshot};

use super::{
    history,
    memory::Memory,
    run::{self, Parts, Plan},
};
pub use crate::storage::reconciliation::book::{RunStatus, StoredRun};
use crate::{
    accounting::books::BooksError,
    clock::{Clock, SystemClock},
    storage::{general_ledger::books_store::BooksStore, port::StoreError, reconciliation::book::RUNS_PER_PAGE_MAX},
    telemetry::metrics::ReconciliationMetrics,
};

/// One opening of what is reconciled; its memory is added.
pub type Opening = Pin<Box<dyn Future<Output = Result<Parts, StoreError>> + Send>>;

/// Why none was started.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotStarted {
    /// One runs.
    #[error("{0} is being done: one at a time")]
    Running(RunId),
    /// The books, where its history is kept, cannot be written.
    #[error(transparent)]
    Books(#[from] BooksError),
}

/// Reconciles in a server.
pub struct Reconciler {
    open: Arc<dyn Fn() -> Opening + Send + Sync>,
    book: Arc<dyn BooksStore>,
    memory: Mutex<Result<Arc<dyn Memory>, String>>,
    running: Mutex<Option<RunId>>,
    busy: AtomicBool,
    metrics: ReconciliationMetrics,
}

impl fmt::Debug for Reconciler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconciler").field("busy", &self.busy).finish_non_exhaustive()
    }
}

/// Held by the thread that reconciles.
struct Busy(Arc<Reconciler>);

impl Drop for Busy {
    fn drop(&mut self) {
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.busy.store(false, Ordering::Release);
    }
}

impl Reconciler {
    /// Opens what is reconciled anew for each; reads the history in `book`.
    pub fn new(open: impl Fn() -> Opening + Send + Sync + 'static, book: Arc<dyn BooksStore>) -> Arc<Self> {
        Arc::new(Self {
            open: Arc::new(open),
            book,
            memory: Mutex::new(Err("the engine has not started".to_owned())),
            running: Mutex::new(None),
            busy: AtomicBool::new(false),
            metrics: ReconciliationMetrics::new(),
        })
    }

    /// From here on this memory is compared, too.
    pub fn compare_memory(&self, memory: Arc<dyn Memory>) {
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = Ok(memory);
    }

    /// The one that runs.
    pub fn running(&self) -> Option<RunId> {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts one, of a day or of the newest that is over; returns once the history has it.
    pub async fn start(self: &Arc<Self>, date: Option<BusinessDate>) -> Result<StoredRun, NotStarted> {
        let id = RunId::at(SystemClock.now());
        if self.busy.swap(true, Ordering::AcqRel) {
            return Err(NotStarted::Running(self.running().unwrap_or(id)));
        }
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(id);
        let (noted, noting) = oneshot::channel();
        let this = Arc::clone(self);
        let work = move || {
            // Whatever becomes of this thread, the next one may start.
            let _busy = Busy(Arc::clone(&this));
            run::give_way();
            let runtime = Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(this.reconcile(id, date, noted)),
                Err(error) => {
                    let error = StoreError::Unavailable(format!("no runtime to reconcile on: {error}"));
                    let _gone = noted.send(Err(error));
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("reconcile".to_owned()).spawn(work) {
            *self.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
            self.busy.store(false, Ordering::Release);
            let error = StoreError::Unavailable(format!("no thread to reconcile on: {error}"));
            return Err(NotStarted::Books(error.into()));
        }
        let ended = || StoreError::Unavailable("the reconciliation's thread ended".to_owned());
        let begun = noting.await.unwrap_or_else(|_| Err(ended()));
        begun.map_err(|error| NotStarted::Books(error.into()))
    }

    async fn reconcile(
        &self,
        id: RunId,
        date: Option<BusinessDate>,
        noted: oneshot::Sender<Result<StoredRun, StoreError>>,
    ) {
        let begun = history::begun(id, date);
        let mut parts = match (self.open)().await {
            Ok(parts) => parts,
            Err(error) => return drop(noted.send(Err(error))),
        };
        parts.memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let books = parts.books.as_ref().ok().map(|books| books.ledger.clone());
        if let Some(books) = &books
            && let Err(error) = books.note_run(&begun).await
        {
            parts.reads.close().await;
            return drop(noted.send(Err(error)));
        }
        let _nobody_waits = noted.send(Ok(begun));
        let plan = Plan { date, ..Plan::default() };
        let mut tell = |progress: &str| tracing::info!(%id, progress, "reconciling");
        let result = run::reconcile(&mut parts, &plan, id, &mut tell).await;
        parts.reads.close().await;
        match &result {
            Ok(result) => {
                self.metrics.done(result);
                let (date, breaks, accounts) = (result.business_date, result.breaks.count(), result.accounts());
                let millis = result.micros() / 1_000;
                if result.is_clean() {
                    tracing::info!(%id, %date, accounts, millis, "reconciled: everything agrees");
                } else {
                    tracing::error!(%id, %date, accounts, millis, breaks, "reconciled: it does not agree, see its report");
                }
            }
            Err(failure) => {
                self.metrics.failed();
                tracing::warn!(%id, %failure, "the reconciliation could not be done");
            }
        }
        if let Some(books) = books {
            if let Err(error) = books.note_run(&history::ended(id, date, &result)).await {
                tracing::error!(%id, %error, "the history of reconciliations does not have this one's end");
            }
            // Those that were opened for this one alone.
            if !Arc::ptr_eq(&books, &self.book) {
                books.close().await;
            }
        }
    }

    /// Reconciliations, newest first, before one; without their reports.
    pub async fn runs(&self, before: Option<RunId>, limit: usize) -> Result<Vec<StoredRun>, BooksError> {
        Ok(self.book.runs(before, limit.clamp(1, RUNS_PER_PAGE_MAX)).await?)
    }

    /// A reconciliation with its report.
    pub async fn run(&self, id: RunId) -> Result<Option<StoredRun>, BooksError> {
        Ok(self.book.run(id).await?)
    }
}
