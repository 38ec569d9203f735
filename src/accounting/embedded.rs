//! The books in the engine's own process: they follow each lane's journal, without Kafka between.
//!
//! The cursor is the books' own, in their own store. Steps gather for a moment, so that a busy lane posts hundreds of records at
//! once; nothing here can hold an exchange up. Where the books of a lane stop, it is looked again every few seconds whether they may
//! go on.

use std::{future::Future, pin::Pin, time::Duration};

use async_trait::async_trait;
use hwan_domain::{
    id::{LaneId, Seq},
    time::Timestamp,
};
use tokio::time::Instant;

use super::{
    incoming::{Content, Incoming},
    poster::{LanePoster, PosterParts, STEP_RECORDS_MAX},
    verdict::{Stop, Verdict},
};
use crate::{
    outbox::{
        feed::Tail,
        port::{FollowedLane, Follower},
    },
    storage::{
        general_ledger::port::LaneCursor,
        port::{ChainHash, LedgerStore, StoreError},
    },
};

/// How long a lane that opens waits for its books.
const ACCEPT_PATIENCE: Duration = Duration::from_secs(2);
/// How long a step gathers records: what the lag is then, about, on a lane that is followed without effort.
const GATHERED_FOR: Duration = Duration::from_millis(200);
/// How often what has come meanwhile is fetched, so that the feed need not hold it.
const FETCHED_EVERY: Duration = Duration::from_millis(40);
/// The pause before what failed is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// The pause before it is looked whether a lane that stopped may go on.
const STOPPED_PAUSE: Duration = Duration::from_secs(5);

/// The books, following in process.
#[derive(Clone)]
pub struct EmbeddedBooks {
    parts: PosterParts,
}

impl EmbeddedBooks {
    /// The books in this store.
    pub const fn new(parts: PosterParts) -> Self {
        Self { parts }
    }
}

#[async_trait]
impl Follower for EmbeddedBooks {
    fn name(&self) -> &'static str {
        "books"
    }

    async fn accept(&self, lane: LaneId, _head: (Seq, ChainHash), store: &dyn LedgerStore) -> Result<(), StoreError> {
        let away = |_| Err(StoreError::Unavailable(format!("no answer within {} ms", ACCEPT_PATIENCE.as_millis())));
        let entered = tokio::time::timeout(ACCEPT_PATIENCE, self.parts.ledger.enter(lane)).await.unwrap_or_else(away);
        let cursor = match entered {
            Ok(books) => books.cursor,
            Err(error) => {
                // The exchange does not wait for its books: the same is judged again before anything is posted.
                tracing::warn!(%lane, %error, "the books are away: the lane opens without them");
                return Ok(());
            }
        };
        match went_back(&cursor, store).await? {
            None => Ok(()),
            Some(verdict) => Err(StoreError::Damaged(format!("lane {lane} against its books: {verdict}"))),
        }
    }

    fn follow(&self, lane: FollowedLane) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let parts = self.parts.clone();
        Box::pin(async move {
            let mut poster = open(&parts, lane.lane).await;
            lane.backlog.reached(poster.cursor().seq, None);
            loop {
                let pause = match follow(&mut poster, &lane).await {
                    Stop::Unavailable(error) => {
                        tracing::warn!(lane = %lane.lane, %error, "posting failed: tried again");
                        RETRY_PAUSE
                    }
                    Stop::Lane { .. } => STOPPED_PAUSE,
                };
                tokio::time::sleep(pause).await;
                while let Err(error) = poster.look_again().await {
                    tracing::warn!(lane = %lane.lane, %error, "the books are away: tried again");
                    tokio::time::sleep(STOPPED_PAUSE).await;
                }
            }
        })
    }
}

async fn open(parts: &PosterParts, lane: LaneId) -> LanePoster {
    loop {
        match LanePoster::open(parts.clone(), lane).await {
            Ok(poster) => return poster,
            Err(error) => {
                tracing::warn!(%lane, %error, "the books cannot be opened: tried again");
                tokio::time::sleep(STOPPED_PAUSE).await;
            }
        }
    }
}

/// Posts for as long as nothing stops it.
async fn follow(poster: &mut LanePoster, lane: &FollowedLane) -> Stop {
    let after = poster.cursor().seq;
    match went_back(poster.cursor(), lane.store.as_ref()).await {
        Ok(None) => {}
        Ok(Some(verdict)) => return poster.stop(verdict).await,
        Err(error) => return Stop::Unavailable(error),
    }
    let mut tail = lane.tail(after);
    loop {
        let events = match gather(&mut tail, poster, lane).await {
            Ok(events) => events,
            Err(StoreError::Damaged(reason)) => return poster.stop(Verdict::WentBack(reason)).await,
            Err(error) => return Stop::Unavailable(error),
        };
        match poster.take(&events).await {
            Ok(_) => lane.backlog.reached(poster.cursor().seq, None),
            Err(stop) => {
                let posted = poster.cursor().seq;
                lane.backlog.reached(posted, events.iter().find_map(|event| waits_since(event, posted)));
                return stop;
            }
        }
    }
}

/// When a record was sequenced that is not posted yet.
fn waits_since(event: &Incoming, posted: Seq) -> Option<Timestamp> {
    match &event.content {
        Content::Record(delivered) if delivered.position.seq() > posted => {
            delivered.record.as_ref().map(|record| record.at)
        }
        _ => None,
    }
}

/// Waits for records, and then for more of them, for as long as a step gathers.
async fn gather(tail: &mut Tail, poster: &LanePoster, lane: &FollowedLane) -> Result<Vec<Incoming>, StoreError> {
    let first = tail.next(STEP_RECORDS_MAX).await?;
    let oldest = first.first().map(|row| row.record.at);
    lane.backlog.reached(poster.cursor().seq, oldest);
    let mut events: Vec<Incoming> = first.into_iter().map(Incoming::from).collect();
    let until = Instant::now() + GATHERED_FOR;
    while events.len() < STEP_RECORDS_MAX {
        let now = Instant::now();
        if now >= until {
            break;
        }
        tokio::time::sleep_until(until.min(now + FETCHED_EVERY)).await;
        while events.len() < STEP_RECORDS_MAX && tail.has_more() {
            events.extend(tail.next(STEP_RECORDS_MAX - events.len()).await?.into_iter().map(Incoming::from));
        }
    }
    Ok(events)
}

/// Whether a lane has less than its books, or another record where they stand: then its store went back. What the books have taken
/// was durable, so it is in the journal, or was deleted from its beginning.
async fn went_back(cursor: &LaneCursor, store: &dyn LedgerStore) -> Result<Option<Verdict>, StoreError> {
    let LaneCursor { lane, seq, hash: taken, .. } = cursor;
    if *seq == Seq::ZERO {
        return Ok(None);
    }
    let rows = store.journal(*lane, *seq, 1).await?;
    let row = rows.first().filter(|row| row.record.position.seq() == *seq);
    let found = match row {
        Some(row) => row.hash,
        None => match store.journal_begins(*lane).await? {
            (begins, hash) if begins == *seq => hash,
            // What follows is missing too: the gap will stop the books, not the lane.
            (begins, _) if begins > *seq => return Ok(None),
            _ => return Ok(Some(Verdict::WentBack(format!("the lane has no record {seq}, which is posted")))),
        },
    };
    let differs =
        || Verdict::WentBack(format!("record {seq} has hash {found:?} in the lane and was posted with hash {taken:?}"));
    Ok((found != *taken).then(differs))
}
