//! The embedded publisher: followers in this process, without a broker.
//!
//! A follower has a [`Tail`]: the records of one lane from a seq on, in order, gapless, each once. Fresh batches come
//! through a bounded channel; what was missed (the follower was slow, or has just begun) is read from the journal. So a
//! slow follower costs no memory and slows nobody.

use std::sync::Arc;

use hwan_domain::id::{LaneId, Seq};
use tokio::sync::broadcast::{self, error::RecvError};

use super::port::EventPublisher;
use crate::storage::port::{CommitBatch, JournalRow, LedgerStore, StoreError};

/// Batches that a follower may be behind before it reads from the journal.
const BATCHES_MAX: usize = 64;
/// Records that one read of the journal brings at most.
const READ_RECORDS_MAX: usize = 1_000;

/// Tells followers in this process.
#[derive(Debug)]
pub struct EmbeddedPublisher {
    batches: broadcast::Sender<Arc<CommitBatch>>,
}

impl Default for EmbeddedPublisher {
    fn default() -> Self {
        Self { batches: broadcast::Sender::new(BATCHES_MAX) }
    }
}

impl EmbeddedPublisher {
    /// A lane's records after `after`, as they become durable.
    pub fn tail(&self, store: Arc<dyn LedgerStore>, lane: LaneId, after: Seq) -> Tail {
        Tail { batches: self.batches.subscribe(), store, lane, after, behind: true }
    }
}

impl EventPublisher for EmbeddedPublisher {
    fn committed(&self, batch: &Arc<CommitBatch>) {
        let _nobody_follows = self.batches.send(batch.clone());
    }
}

/// The records of one lane from a seq on.
pub struct Tail {
    batches: broadcast::Receiver<Arc<CommitBatch>>,
    store: Arc<dyn LedgerStore>,
    lane: LaneId,
    after: Seq,
    /// Whether the journal may hold records that the channel will not bring.
    behind: bool,
}

impl Tail {
    /// The next records in order, at least one; `None` once the publisher is gone and everything was brought.
    pub async fn next(&mut self) -> Result<Option<Vec<JournalRow>>, StoreError> {
        loop {
            if self.behind {
                let Some(from) = self.after.next() else { return Ok(None) };
                let rows = self.store.journal(self.lane, from, READ_RECORDS_MAX).await?;
                match rows.last() {
                    Some(last) => {
                        self.after = last.record.position.seq();
                        return Ok(Some(rows));
                    }
                    None => self.behind = false,
                }
            }
            match self.batches.recv().await {
                Ok(batch) if batch.lane == self.lane => {
                    if let Some(rows) = self.fresh(&batch) {
                        return Ok(Some(rows));
                    }
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return Ok(None),
            }
        }
    }

    /// The rows of a batch that follow what was brought; a gap sends the tail to the journal.
    fn fresh(&mut self, batch: &CommitBatch) -> Option<Vec<JournalRow>> {
        let (last, _) = batch.head()?;
        if last <= self.after {
            return None;
        }
        if batch.from > self.after {
            self.behind = true;
            return None;
        }
        let rows = batch.rows.iter().filter(|row| row.record.position.seq() > self.after).cloned().collect();
        self.after = last;
        Some(rows)
    }
}

impl std::fmt::Debug for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tail").field("lane", &self.lane).field("after", &self.after).finish_non_exhaustive()
    }
}
