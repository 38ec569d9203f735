//! The follower port: who takes a lane's durable records out of the engine, to Kafka or to the books in this process.
//!
//! A follower reads the lane's journal by a [`Tail`], from its own cursor: what has just been committed comes from memory, what is
//! older from the store. It can neither slow an exchange down nor fail one; it may lag behind, and its [`Backlog`] says how far.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use hwan_domain::{
    id::{LaneId, Seq},
    time::Timestamp,
};

use super::feed::{Feed, Tail};
use crate::storage::port::{ChainHash, Epoch, LedgerStore, StoreError};

/// Takes what a lane commits out of the engine.
#[async_trait]
pub trait Follower: Send + Sync + 'static {
    /// What it is, for logs and metrics: `kafka`, `books`.
    fn name(&self) -> &'static str;

    /// Judges a lane that was just taken and stands at this record, before it opens: a follower that has been further, or has seen
    /// another record there, refuses with [`StoreError::Damaged`], and the lane stops. The store went back then.
    async fn accept(&self, lane: LaneId, head: (Seq, ChainHash), store: &dyn LedgerStore) -> Result<(), StoreError>;

    /// Follows a lane for as long as its generation lasts: it is dropped with it. It begins at its own cursor and tries again what
    /// fails; where it may not go on, it says why in the backlog and returns.
    fn follow(&self, lane: FollowedLane) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// A generation of a lane, as a follower sees it.
#[derive(Clone)]
pub struct FollowedLane {
    /// Which.
    pub lane: LaneId,
    /// The generation's right to the lane: cursors are moved by it.
    pub epoch: Epoch,
    /// Where the lane stood when the generation began.
    pub head: Seq,
    /// Where cursors and older records are.
    pub store: Arc<dyn LedgerStore>,
    /// How far it has come: kept by the follower.
    pub backlog: Arc<Backlog>,
    pub(crate) feed: Arc<Feed>,
}

impl FollowedLane {
    /// The lane's records after a seq, which is durable.
    pub fn tail(&self, after: Seq) -> Tail {
        // What the lane had before this generation is in the journal alone.
        self.feed.stands_at(self.head);
        Tail::new(Arc::clone(&self.feed), Arc::clone(&self.store), self.lane, after)
    }
}

impl std::fmt::Debug for FollowedLane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FollowedLane").field("lane", &self.lane).field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// Says that nothing waits.
const NOTHING_WAITS: i64 = i64::MAX;
/// Says that nobody knows yet how far the follower is.
const UNKNOWN: u64 = u64::MAX;

/// How far a follower has taken a lane's records, for the door and for operators. It outlives generations.
#[derive(Debug)]
pub struct Backlog {
    published: AtomicU64,
    /// Where the newest generation began.
    began_at: AtomicU64,
    oldest_at_micros: AtomicI64,
}

impl Default for Backlog {
    fn default() -> Self {
        Self {
            published: AtomicU64::new(UNKNOWN),
            began_at: AtomicU64::new(0),
            oldest_at_micros: AtomicI64::new(NOTHING_WAITS),
        }
    }
}

impl Backlog {
    /// A generation begins here: until the follower says where it is, what comes from now on counts as waiting.
    pub fn begins_at(&self, head: Seq) {
        self.began_at.store(head.number(), Ordering::Release);
    }

    /// Everything up to this record is out, for good; [`Seq::ZERO`] where that is not known yet.
    pub fn published(&self) -> Seq {
        Seq::new(self.published.load(Ordering::Acquire)).unwrap_or(Seq::ZERO)
    }

    /// When the oldest record was sequenced that is known to wait; `None` where nothing waits.
    pub fn oldest(&self) -> Option<Timestamp> {
        let micros = self.oldest_at_micros.load(Ordering::Acquire);
        (micros != NOTHING_WAITS).then(|| Timestamp::from_micros(micros))
    }

    /// Notes how far it is, and since when the next record waits.
    pub fn reached(&self, published: Seq, oldest: Option<Timestamp>) {
        self.published.store(published.number(), Ordering::Release);
        self.oldest_at_micros.store(oldest.map_or(NOTHING_WAITS, Timestamp::micros), Ordering::Release);
    }

    /// How many records wait, of a lane that stands at `durable`.
    pub fn rows(&self, durable: Seq) -> u64 {
        let published = match self.published.load(Ordering::Acquire) {
            UNKNOWN => self.began_at.load(Ordering::Acquire),
            known => known,
        };
        durable.number().saturating_sub(published)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_yet_does_not_close_the_door_and_what_comes_meanwhile_counts() {
        let seq = |number| Seq::new(number).unwrap_or(Seq::ZERO);
        let backlog = Backlog::default();
        backlog.begins_at(seq(1_000));
        assert_eq!((backlog.rows(seq(1_007)), backlog.published()), (7, Seq::ZERO));
        backlog.reached(seq(900), None);
        backlog.begins_at(seq(1_010));
        assert_eq!((backlog.rows(seq(1_010)), backlog.published()), (110, seq(900)));
    }
}
