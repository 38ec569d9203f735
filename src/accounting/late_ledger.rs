//! A store of the books that may be away when the engine starts: it is opened when it is first there.
//!
//! The engine's exchanges do not wait for its books. Until they are open every question is answered "unavailable", and whoever
//! follows tries again, as it does whenever a store is away. Bounds: one attempt at a time, and a pause after each that failed.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use hwan_domain::{
    anomaly::{Alert, Severity},
    closing::{Closing, LaneDay},
    id::{LaneId, Position, Seq},
    ledger::{Journal, TrialLine},
    reconciliation::RunId,
    time::{BusinessDate, Timestamp},
};
use tokio::{sync::Mutex, time::Instant};

use crate::storage::{
    alerts::port::{AlertBook, AlertQuery, Checkpoint, Decided, KeptAlert, Note, Raised},
    closings::port::{ClosingBook, Sealing},
    general_ledger::{
        books_store::BooksStore,
        port::{
            DeadLetter, GeneralLedger, JournalPage, JournalQuery, LaneBooks, LaneCursor, PostError, Redelivery, Step,
        },
    },
    port::{ChainHash, StoreError},
    reconciliation::{
        book::{ReconciliationBook, SnapshotChunk, SnapshotHead, StoredRun},
        journal_sums::JournalSums,
    },
};

/// The pause after an attempt that failed.
const PAUSE: Duration = Duration::from_secs(2);

/// One attempt to open it.
pub type Opening = Pin<Box<dyn Future<Output = Result<Arc<dyn BooksStore>, StoreError>> + Send>>;

/// A store that is opened when it is first there.
pub struct LateLedger {
    open: Box<dyn Fn() -> Opening + Send + Sync>,
    opened: OnceLock<Arc<dyn BooksStore>>,
    failed: Mutex<Option<(Instant, StoreError)>>,
}

impl LateLedger {
    /// Tries once. What is not just away, such as a chart that does not fit, is said at once.
    pub async fn open(open: impl Fn() -> Opening + Send + Sync + 'static) -> Result<Self, StoreError> {
        let late = Self { open: Box::new(open), opened: OnceLock::new(), failed: Mutex::new(None) };
        match late.ledger().await {
            Err(error @ StoreError::Unavailable(_)) => {
                tracing::warn!(%error, "the books are away: exchanges go on, the books follow when they are there");
                Ok(late)
            }
            Err(error) => Err(error),
            Ok(_) => Ok(late),
        }
    }

    async fn ledger(&self) -> Result<&Arc<dyn BooksStore>, StoreError> {
        if let Some(ledger) = self.opened.get() {
            return Ok(ledger);
        }
        let mut failed = self.failed.lock().await;
        if let Some((at, error)) = failed.as_ref()
            && at.elapsed() < PAUSE
        {
            return Err(error.clone());
        }
        // Somebody else may have opened it meanwhile.
        if self.opened.get().is_none() {
            match (self.open)().await {
                Ok(ledger) => {
                    tracing::info!(books = ledger.name(), "the books are open");
                    self.opened.get_or_init(|| ledger);
                }
                Err(error) => {
                    *failed = Some((Instant::now(), error.clone()));
                    return Err(error);
                }
            }
        }
        self.opened.get().ok_or_else(|| StoreError::Unavailable("the books are not open yet".to_owned()))
    }
}

#[async_trait]
impl GeneralLedger for LateLedger {
    fn name(&self) -> String {
        self.opened.get().map_or_else(|| "not open yet".to_owned(), |ledger| ledger.name())
    }

    async fn enter(&self, lane: LaneId) -> Result<LaneBooks, StoreError> {
        self.ledger().await?.enter(lane).await
    }

    async fn look(&self, lane: LaneId) -> Result<Option<LaneBooks>, StoreError> {
        self.ledger().await?.look(lane).await
    }

    async fn post(&self, step: &Step) -> Result<(), PostError> {
        self.ledger().await?.post(step).await
    }

    async fn redeliver(&self, redelivery: &Redelivery) -> Result<bool, StoreError> {
        self.ledger().await?.redeliver(redelivery).await
    }

    async fn note_stop(&self, lane: LaneId, at: Seq, reason: &str) -> Result<(), StoreError> {
        self.ledger().await?.note_stop(lane, at, reason).await
    }

    async fn trail(&self, lane: LaneId, from: Seq, limit: usize) -> Result<Vec<(Seq, ChainHash)>, StoreError> {
        self.ledger().await?.trail(lane, from, limit).await
    }

    async fn cursors(&self) -> Result<Vec<LaneCursor>, StoreError> {
        self.ledger().await?.cursors().await
    }

    async fn turnovers(&self, as_of: Option<BusinessDate>, lane: Option<LaneId>) -> Result<Vec<TrialLine>, StoreError> {
        self.ledger().await?.turnovers(as_of, lane).await
    }

    async fn journals(&self, query: &JournalQuery) -> Result<JournalPage, StoreError> {
        self.ledger().await?.journals(query).await
    }

    async fn journal(&self, position: Position) -> Result<Option<Journal>, StoreError> {
        self.ledger().await?.journal(position).await
    }

    async fn dead_letters(
        &self,
        lane: Option<LaneId>,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        self.ledger().await?.dead_letters(lane, after, limit).await
    }

    async fn close(&self) {
        if let Some(ledger) = self.opened.get() {
            ledger.close().await;
        }
    }
}

#[async_trait]
impl ClosingBook for LateLedger {
    async fn closing(&self, date: BusinessDate) -> Result<Option<Closing>, StoreError> {
        self.ledger().await?.closing(date).await
    }

    async fn closings(&self, before: Option<BusinessDate>, limit: usize) -> Result<Vec<Closing>, StoreError> {
        self.ledger().await?.closings(before, limit).await
    }

    async fn seal(&self, closing: &Closing) -> Result<Sealing, StoreError> {
        self.ledger().await?.seal(closing).await
    }

    async fn lane_days(&self, date: BusinessDate) -> Result<Vec<LaneDay>, StoreError> {
        self.ledger().await?.lane_days(date).await
    }

    async fn first_day(&self) -> Result<Option<BusinessDate>, StoreError> {
        self.ledger().await?.first_day().await
    }
}

#[async_trait]
impl AlertBook for LateLedger {
    async fn raise(&self, alerts: &[Alert], now: Timestamp) -> Result<Vec<Raised>, StoreError> {
        self.ledger().await?.raise(alerts, now).await
    }

    async fn alert(&self, id: &str) -> Result<Option<KeptAlert>, StoreError> {
        self.ledger().await?.alert(id).await
    }

    async fn alerts(&self, query: &AlertQuery) -> Result<Vec<KeptAlert>, StoreError> {
        self.ledger().await?.alerts(query).await
    }

    async fn unresolved(&self) -> Result<[(Severity, u64); 3], StoreError> {
        self.ledger().await?.unresolved().await
    }

    async fn acknowledge(&self, id: &str, note: &Note) -> Result<Option<Decided>, StoreError> {
        self.ledger().await?.acknowledge(id, note).await
    }

    async fn resolve(&self, id: &str, note: &Note) -> Result<Option<Decided>, StoreError> {
        self.ledger().await?.resolve(id, note).await
    }

    async fn unpublished(&self, limit: usize) -> Result<Vec<KeptAlert>, StoreError> {
        self.ledger().await?.unpublished(limit).await
    }

    async fn published(&self, alerts: &[KeptAlert], now: Timestamp) -> Result<(), StoreError> {
        self.ledger().await?.published(alerts, now).await
    }

    async fn put_away(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.ledger().await?.put_away(checkpoint).await
    }

    async fn taken_back(&self, lane: LaneId) -> Result<Option<Checkpoint>, StoreError> {
        self.ledger().await?.taken_back(lane).await
    }
}

#[async_trait]
impl ReconciliationBook for LateLedger {
    async fn note_run(&self, run: &StoredRun) -> Result<(), StoreError> {
        self.ledger().await?.note_run(run).await
    }

    async fn runs(&self, before: Option<RunId>, limit: usize) -> Result<Vec<StoredRun>, StoreError> {
        self.ledger().await?.runs(before, limit).await
    }

    async fn run(&self, id: RunId) -> Result<Option<StoredRun>, StoreError> {
        self.ledger().await?.run(id).await
    }

    async fn newest_snapshot(&self, lane: LaneId, before: BusinessDate) -> Result<Option<SnapshotHead>, StoreError> {
        self.ledger().await?.newest_snapshot(lane, before).await
    }

    async fn snapshot_chunk(
        &self,
        lane: LaneId,
        date: BusinessDate,
        number: u32,
    ) -> Result<Option<SnapshotChunk>, StoreError> {
        self.ledger().await?.snapshot_chunk(lane, date, number).await
    }

    async fn write_snapshot(&self, head: &SnapshotHead, chunks: &[SnapshotChunk]) -> Result<(), StoreError> {
        self.ledger().await?.write_snapshot(head, chunks).await
    }

    async fn forget_snapshots(&self, lane: LaneId, before: BusinessDate) -> Result<(), StoreError> {
        self.ledger().await?.forget_snapshots(lane, before).await
    }

    async fn journal_sums(&self, lane: LaneId, after: Seq, through: Seq) -> Result<Vec<JournalSums>, StoreError> {
        self.ledger().await?.journal_sums(lane, after, through).await
    }
}
