//! The feed: what has just become durable in a lane, for those who follow its journal in this process.
//!
//! Batches lie in memory until every follower has them, at most some tens of thousands of records; whoever falls behind that reads
//! the journal. So a slow follower costs little memory and slows nobody, and one that keeps up reads nothing back.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hwan_domain::id::{LaneId, Seq};
use tokio::sync::Notify;

use crate::storage::port::{CommitBatch, JournalRow, LedgerStore, StoreError};

/// Records that the feed of a lane holds at most: some seconds of full load.
const RECORDS_MAX: usize = 65_536;
/// Records that one read of the journal brings at most.
const READ_RECORDS_MAX: usize = 2_048;
/// The pause before a journal is read again that did not yet show what was said to be in it.
const READ_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
struct Held {
    batches: VecDeque<Arc<CommitBatch>>,
    records: usize,
    /// The newest record that was ever fed.
    head: Seq,
    /// How far each follower is.
    tails: Vec<Weak<AtomicU64>>,
}

impl Held {
    /// Drops the oldest of what is too much.
    fn bound(&mut self) {
        while self.records > RECORDS_MAX
            && let Some(oldest) = self.batches.pop_front()
        {
            self.records -= oldest.rows.len();
        }
    }

    /// Takes out what every follower has; whoever asks drops it.
    fn passed(&mut self) -> Vec<Arc<CommitBatch>> {
        self.tails.retain(|tail| tail.strong_count() > 0);
        let positions = self.tails.iter().filter_map(Weak::upgrade).map(|tail| tail.load(Ordering::Acquire));
        let passed = positions.min().unwrap_or(u64::MAX);
        let mut taken = Vec::new();
        while self.batches.front().is_some_and(|batch| batch.head().is_none_or(|(head, _)| head.number() <= passed)) {
            let Some(oldest) = self.batches.pop_front() else { break };
            self.records -= oldest.rows.len();
            taken.push(oldest);
        }
        taken
    }
}

/// A lane's newest durable batches.
#[derive(Debug, Default)]
pub struct Feed {
    held: Mutex<Held>,
    fed: Notify,
}

/// What the feed knows of the records after a seq.
enum Known {
    Rows(Vec<JournalRow>),
    /// There are none yet.
    Nothing,
    /// There are some, but they lie in the journal only.
    InJournal,
}

impl Feed {
    /// A batch is durable: said by the lane itself, in order.
    pub fn committed(&self, batch: &Arc<CommitBatch>) {
        let Some((head, _)) = batch.head() else { return };
        let mut held = self.held();
        held.head = held.head.max(head);
        held.records += batch.rows.len();
        held.batches.push_back(batch.clone());
        held.bound();
        drop(held);
        self.fed.notify_waiters();
    }

    /// The lane stands there already: whoever follows it reads so far from the journal.
    pub(crate) fn stands_at(&self, head: Seq) {
        let mut held = self.held();
        held.head = held.head.max(head);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn after(&self, seq: Seq, limit: usize) -> Known {
        let held = self.held();
        if held.head <= seq {
            return Known::Nothing;
        }
        let mut rows = Vec::new();
        let mut at = seq;
        for batch in held.batches.iter().filter(|batch| batch.head().is_some_and(|(head, _)| head > seq)) {
            if batch.from > at {
                break; // a gap: what lies between is in the journal
            }
            rows.extend(batch.rows.iter().filter(|row| row.record.position.seq() > at).cloned());
            at = batch.head().map_or(at, |(head, _)| head);
            if rows.len() >= limit {
                break;
            }
        }
        if rows.is_empty() { Known::InJournal } else { Known::Rows(rows) }
    }
}

/// A follower's place in a lane's journal: brings every record once, in order, gapless.
pub struct Tail {
    feed: Arc<Feed>,
    store: Arc<dyn LedgerStore>,
    lane: LaneId,
    after: Seq,
    /// The same, for the feed.
    passed: Arc<AtomicU64>,
}

impl Tail {
    /// Begins after a seq; everything up to it must be durable.
    pub fn new(feed: Arc<Feed>, store: Arc<dyn LedgerStore>, lane: LaneId, after: Seq) -> Self {
        let passed = Arc::new(AtomicU64::new(after.number()));
        feed.held().tails.push(Arc::downgrade(&passed));
        Self { feed, store, lane, after, passed }
    }

    /// Whether there are records now.
    pub fn has_more(&self) -> bool {
        self.feed.held().head > self.after
    }

    /// Waits until there are records, then brings about `limit` of them at most. Dropping it brings none.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        loop {
            let fed = self.feed.fed.notified();
            tokio::pin!(fed);
            fed.as_mut().enable();
            let rows = match self.feed.after(self.after, limit) {
                Known::Rows(rows) => rows,
                Known::InJournal => {
                    let from = self.after.next().unwrap_or(self.after);
                    let rows = self.store.journal(self.lane, from, limit.min(READ_RECORDS_MAX)).await?;
                    if rows.is_empty() {
                        tokio::time::sleep(READ_PAUSE).await;
                        continue;
                    }
                    rows
                }
                Known::Nothing => Vec::new(),
            };
            if let Some(last) = rows.last() {
                self.after = last.record.position.seq();
                self.passed.store(self.after.number(), Ordering::Release);
                // Dropped here, on the follower's thread and outside the lock, not on the lane's.
                let passed = self.feed.held().passed();
                drop(passed);
                return Ok(rows);
            }
            fed.await;
        }
    }
}

impl std::fmt::Debug for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tail").field("lane", &self.lane).field("after", &self.after).finish_non_exhaustive()
    }
}
