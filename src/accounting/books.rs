//! The books as readers see them: the façade of the general ledger for the API and for commands.
//!
//! Every answer is one consistent read of the store of the books; it may lag behind the engine, and [`Books::progress`] says how
//! far. Cheap to clone.

use std::sync::Arc;

use hwan_domain::{
    control::ControlTotals,
    id::{LaneId, Position, Seq},
    ledger::{Chart, Journal, TrialBalance, TrialLine},
    time::{BusinessDate, Timestamp},
};

use super::{
    compare::{self, LaneProof},
    event_reader::EventReader,
    redelivery::{self, Redelivered},
};
use crate::storage::{
    general_ledger::port::{DEAD_LETTERS_PER_PAGE_MAX, GeneralLedger, JOURNALS_PER_PAGE_MAX, LaneCursor},
    port::{LedgerStore, StoreError},
};
pub use crate::storage::{
    general_ledger::port::{DeadLetter, DeadLetterKind, JournalPage, JournalQuery},
    port::ChainHash,
};

/// Why the books could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BooksError {
    /// Their store cannot be reached or is too busy: try again.
    #[error("the books are unavailable: {0}")]
    Unavailable(String),
    /// What is stored cannot be what was written.
    #[error("the books are damaged: {0}")]
    Damaged(String),
}

impl From<StoreError> for BooksError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged(reason) => BooksError::Damaged(reason),
            StoreError::Unavailable(reason) => BooksError::Unavailable(reason),
            other => BooksError::Unavailable(other.to_string()),
        }
    }
}

/// How far the books of a lane have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneProgress {
    /// The lane.
    pub lane: LaneId,
    /// The newest record that is posted; [`Seq::ZERO`] at the beginning.
    pub seq: Seq,
    /// Its hash.
    pub hash: ChainHash,
    /// When it was sequenced; `None` at the beginning.
    pub at: Option<Timestamp>,
    /// Why the lane's books stopped, if they did.
    pub stopped: Option<String>,
    /// How many of its records could not be posted and wait to be redelivered.
    pub dead_letters: u64,
}

impl From<LaneCursor> for LaneProgress {
    fn from(cursor: LaneCursor) -> Self {
        let LaneCursor { lane, seq, hash, at, stopped, dead_letters, .. } = cursor;
        Self { lane, seq, hash, at, stopped, dead_letters }
    }
}

/// The books, to be read.
#[derive(Clone)]
pub struct Books {
    ledger: Arc<dyn GeneralLedger>,
    chart: Arc<Chart>,
}

impl Books {
    /// The books in a store, kept by this chart.
    pub fn new(ledger: Arc<dyn GeneralLedger>, chart: Arc<Chart>) -> Self {
        Self { ledger, chart }
    }

    /// The chart of accounts.
    pub fn chart(&self) -> &Chart {
        &self.chart
    }

    /// Every account's turnovers, up to the end of a business date or of everything that is posted.
    pub async fn trial_balance(&self, as_of: Option<BusinessDate>) -> Result<TrialBalance, BooksError> {
        Ok(TrialBalance::of(as_of, self.ledger.turnovers(as_of, None).await?))
    }

    /// A lane's turnovers up to the end of a business date. In any order; an account may stand more than once.
    pub async fn turnovers(&self, as_of: BusinessDate, lane: LaneId) -> Result<Vec<TrialLine>, BooksError> {
        Ok(self.ledger.turnovers(Some(as_of), Some(lane)).await?)
    }

    /// A page of journals: lane by lane from the highest down, within a lane from the newest down.
    pub async fn journals(&self, query: &JournalQuery) -> Result<JournalPage, BooksError> {
        let query = JournalQuery { limit: query.limit.clamp(1, JOURNALS_PER_PAGE_MAX), ..*query };
        Ok(self.ledger.journals(&query).await?)
    }

    /// The journal of a record; `None` where it moved no money, or is not posted yet.
    pub async fn journal(&self, position: Position) -> Result<Option<Journal>, BooksError> {
        Ok(self.ledger.journal(position).await?)
    }

    /// How far the books of each lane have come, by lane.
    pub async fn progress(&self) -> Result<Vec<LaneProgress>, BooksError> {
        Ok(self.ledger.cursors().await?.into_iter().map(LaneProgress::from).collect())
    }

    /// What could not be posted and waits to be redelivered, by position, above `after`.
    pub async fn dead_letters(
        &self,
        lane: Option<LaneId>,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, BooksError> {
        Ok(self.ledger.dead_letters(lane, after, limit.clamp(1, DEAD_LETTERS_PER_PAGE_MAX)).await?)
    }

    /// What the customers of a lane hold by its control accounts.
    pub async fn control_totals(&self, lane: LaneId) -> Result<ControlTotals, BooksError> {
        let lines = self.ledger.turnovers(None, Some(lane)).await?;
        Ok(TrialBalance::of(None, lines).control_totals(&self.chart))
    }

    /// Tries again to post what could not be posted, of a lane or of all. Needs books that were opened to post; doing it twice posts
    /// once.
    pub async fn redeliver(
        &self,
        reader: &EventReader,
        lane: Option<LaneId>,
        now: Timestamp,
    ) -> Result<Redelivered, BooksError> {
        Ok(redelivery::redeliver(self.ledger.as_ref(), &self.chart, reader, lane, now).await?)
    }

    /// Proves that the books agree with the store of record: its accounts added up, rolled back to where the books stand.
    pub async fn compare(&self, store: &dyn LedgerStore) -> Result<Vec<LaneProof>, BooksError> {
        compare::compare(store, self.ledger.as_ref(), &self.chart).await
    }
}

impl std::fmt::Debug for Books {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Books").field("ledger", &self.ledger.name()).finish_non_exhaustive()
    }
}
