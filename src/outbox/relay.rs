//! The relay: takes each lane's records to a carrier, in order, and remembers in the store how far it has come.
//!
//! | step | what happens |
//! |---|---|
//! | begin | at the lane's cursor in the store; at the journal's beginning where nothing was published |
//! | open | a line of the carrier; tried again for as long as it takes |
//! | pass | journal → seq and chain are checked → bounded window → line; see `passage` |
//! | again | a line that broke is opened anew behind the last record that was delivered |
//!
//! Promises: records leave in the order of their seq, none is left out, and each is what its hash says; what was not known to be
//! delivered may leave again, as it was. The cursor passes nothing that is not delivered. A carrier that is away costs nothing but
//! the backlog: records wait in the journal. What cannot be published without breaking a promise stops the lane's relay, loudly;
//! exchanges go on.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use hwan_domain::id::{LaneId, Seq};

use super::{
    delivered::Delivered,
    passage::{Left, Passage},
    port::{FollowedLane, Follower},
    window::Place,
};
use crate::{
    storage::port::{ChainHash, Epoch, JournalRow, LedgerStore, StoreError},
    telemetry::metrics::OutboxMetrics,
};

/// The pause before something that failed is tried again, growing with each failure up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// The longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How often it is said that something still fails.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// Why a line cannot be opened now.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotOpened(pub String);

/// Why a record was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Too much is under way: again when something was delivered.
    Full,
    /// The line takes nothing any more: another one is opened.
    Broken,
}

/// For which lane a line is opened, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// The lane.
    pub lane: LaneId,
    /// The right by which it is followed.
    pub epoch: Epoch,
    /// The line begins after this record.
    pub after: Seq,
    /// The cursor: so much is known to be out for good. [`Seq::ZERO`] where nothing is.
    pub published: Seq,
}

/// What takes records away.
#[async_trait]
pub trait Carrier: Send + Sync + 'static {
    /// What it is, for logs and metrics: `kafka`.
    fn name(&self) -> &'static str;

    /// Opens a line. Dropping the future, or the line, ends it.
    async fn open(&self, opening: Opening) -> Result<Box<dyn Line>, NotOpened>;
}

/// A carrier's line for one lane.
pub trait Line: Send {
    /// Takes the next record of the lane, which follows `previous`. Does not wait.
    fn send(&mut self, row: &JournalRow, previous: ChainHash) -> Result<(), NotTaken>;

    /// What is delivered of it.
    fn delivered(&self) -> Arc<Delivered>;
}

/// Follows lanes to a carrier.
#[derive(Debug)]
pub struct Relay<C> {
    carrier: Arc<C>,
}

impl<C> Relay<C> {
    /// By this carrier.
    pub fn new(carrier: C) -> Self {
        Self { carrier: Arc::new(carrier) }
    }
}

#[async_trait]
impl<C: Carrier> Follower for Relay<C> {
    fn name(&self) -> &'static str {
        self.carrier.name()
    }

    async fn accept(
        &self,
        lane: LaneId,
        (head, hash): (Seq, ChainHash),
        store: &dyn LedgerStore,
    ) -> Result<(), StoreError> {
        let (published, its_hash) = store.relayed(lane).await?;
        let damaged = |what: String| Err(StoreError::Damaged(what));
        if published > head {
            return damaged(format!(
                "the store went back: lane {lane} stands at {head}, {published} is published; restore a whole backup"
            ));
        }
        if published == Seq::ZERO {
            return Ok(());
        }
        let (begins, begins_hash) = store.journal_begins(lane).await?;
        let stored = match published {
            at if at == head => Some(hash),
            at if at == begins => Some(begins_hash),
            at => {
                let rows = store.journal(lane, at, 1).await?;
                rows.first().filter(|row| row.record.position.seq() == at).map(|row| row.hash)
            }
        };
        match stored {
            Some(stored) if stored == its_hash => Ok(()),
            Some(_) => damaged(format!(
                "the store went back: record {published} of lane {lane} is not the one that is published; restore a whole backup"
            )),
            None => damaged(format!(
                "record {published} of lane {lane}, the last that is published, is not in the journal any more, which begins after \
                 {begins}: what lies between was deleted before it was published"
            )),
        }
    }

    fn follow(&self, lane: FollowedLane) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let carrier = Arc::clone(&self.carrier);
        Box::pin(async move { follow(carrier.as_ref(), &lane).await })
    }
}

async fn follow<C: Carrier>(carrier: &C, lane: &FollowedLane) {
    let metrics = OutboxMetrics::new(lane.lane.number());
    let (mut place, mut saved) = beginning(lane).await;
    let mut pause = PAUSE_MIN;
    loop {
        let line = opened(carrier, lane, place.0, saved).await;
        let mut passage = Passage::new(lane, line, place, saved, &metrics);
        let left = passage.run().await;
        let (before, reached) = (place.0, passage.settled());
        (place, saved) = (reached, passage.saved());
        match left {
            Left::Broken => {
                metrics.delivery_errors.increment(1);
                pause = if place.0 > before { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
                tracing::warn!(lane = %lane.lane, after = %place.0, to = carrier.name(), "the outbox's line broke: opened anew behind the last delivered record");
                tokio::time::sleep(pause).await;
            }
            Left::Stopped(reason) => {
                tracing::error!(lane = %lane.lane, reason, to = carrier.name(), "the outbox has stopped for this lane: exchanges go on, records wait; an operator has to look");
                return;
            }
        }
    }
}

/// Where publishing begins, and where the cursor stands: the same, or, where nothing was published, the journal's beginning.
async fn beginning(lane: &FollowedLane) -> (Place, Seq) {
    let mut fails = Repeated::default();
    loop {
        let found = async {
            let cursor = lane.store.relayed(lane.lane).await?;
            let place = if cursor.0 == Seq::ZERO { lane.store.journal_begins(lane.lane).await? } else { cursor };
            Ok::<_, StoreError>((place, cursor.0))
        };
        match found.await {
            Ok(found) => return found,
            Err(error) => fails.again(lane, "the outbox's cursor cannot be read: tried again", &error).await,
        }
    }
}

async fn opened<C: Carrier>(carrier: &C, lane: &FollowedLane, after: Seq, published: Seq) -> Box<dyn Line> {
    let opening = Opening { lane: lane.lane, epoch: lane.epoch, after, published };
    let mut fails = Repeated::default();
    loop {
        note_backlog(lane, after).await;
        match carrier.open(opening).await {
            Ok(line) => {
                if fails.count > 0 {
                    tracing::info!(lane = %lane.lane, %after, to = carrier.name(), "the outbox publishes again");
                }
                return line;
            }
            Err(error) => {
                fails
                    .again(lane, "the outbox cannot publish: records wait in the journal, exchanges go on", &error)
                    .await;
            }
        }
    }
}

/// Says how much waits while nothing can leave.
async fn note_backlog(lane: &FollowedLane, published: Seq) {
    if published != lane.backlog.published() || lane.backlog.oldest().is_none() {
        let next = published.next().unwrap_or(published);
        let oldest = lane.store.journal(lane.lane, next, 1).await;
        // What cannot be read now is read at the next attempt.
        let oldest = oldest.ok().and_then(|rows| rows.first().map(|row| row.record.at));
        lane.backlog.reached(published, oldest);
    }
}

/// Something that fails again and again: the pauses grow, and it is said now and then.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    count: u32,
    said: Option<tokio::time::Instant>,
}

impl Repeated {
    /// It failed: says so if that was not said lately, and pauses.
    pub(super) async fn again(&mut self, lane: &FollowedLane, what: &str, error: &(dyn std::fmt::Display + Sync)) {
        let now = tokio::time::Instant::now();
        if self.said.is_none_or(|said| now.duration_since(said) >= SAID_EVERY) {
            self.said = Some(now);
            tracing::warn!(lane = %lane.lane, %error, attempts = self.count, "{what}");
        }
        let pause = PAUSE_MIN.saturating_mul(1 << self.count.min(8)).min(PAUSE_MAX);
        self.count = self.count.saturating_add(1);
        tokio::time::sleep(pause).await;
    }

    /// It works again.
    pub(super) fn over(&mut self) {
        *self = Self::default();
    }
}
