//! The keeper of a lane: takes it, opens a generation, waits for its end, resolves what was uncertain, takes it again.
//!
//! | step | what happens |
//! |---|---|
//! | take | every earlier epoch ends in the store; whatever was in flight has happened by now or never will |
//! | resolve | a batch with an unknown outcome is looked up by (lane, seq, hash) and answered |
//! | check | a store that went back below what was acknowledged stops the lane |
//! | catch up | the projections reach the head |
//! | open | a fresh directory, fresh actors; the business date is rolled if it has turned |
//!
//! A lane stops for good when it belongs to another owner, when the store went back or is damaged, and when generation
//! after generation ends in a panic or a breach without a single commit between: then an operator has to look.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use actix::{AsyncContext, Context};
use arc_swap::ArcSwapOption;
use futures_util::FutureExt;
use hwan_domain::{
    board::{Board, ROUNDS_REMEMBERED_MAX},
    id::{LaneId, Seq},
};
use tokio::{sync::oneshot, time::Instant};

use super::{
    command::{NotDone, Refusal},
    dates::roll_to,
    directory::Directory,
    engine::StartError,
    home::lock,
    hydrator::HydratorActor,
    key_lookup::KeyLookupActor,
    lane::{LaneActor, Sequence, TurnBack},
    link::{Common, Ending, LaneLink, LaneShared, Limbo},
    place::{Leash, Place},
    rate_board::{BoardSeat, RateBoardActor},
    view::LaneStatus,
};
use crate::{
    outbox::{
        feed::{Feed, Tail},
        port::{Backlog, FollowedLane, Follower},
    },
    projection::projector::{self, Progress},
    storage::port::{ChainHash, StoreError, TakenLane},
    telemetry::metrics::LaneMetrics,
};

/// For how long the outcome of a last batch is looked up in a lane that has become another's.
const STAND_DOWN_MAX: Duration = Duration::from_secs(30);
/// How long those wait for their answer whose commit's outcome is unknown, while the lane cannot be taken: longer than a server
/// needs to begin anew, and far shorter than clients wait.
const LIMBO_WAITED_FOR: Duration = Duration::from_secs(3);
/// The pause before a lane is taken again, growing with each failure up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(10);
/// The longest pause before a lane is taken again.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Generations that may end in a panic or a breach, one after the other without a commit, before the lane stops.
const FUTILE_GENERATIONS_MAX: u32 = 5;

/// A lane as the façade sees it: its current generation, and what outlives generations.
pub struct LaneSlot {
    /// Which.
    pub lane: LaneId,
    /// The open generation, if one is.
    pub link: ArcSwapOption<LaneLink>,
    /// Where the rate board is reached, in the system lane.
    pub board: ArcSwapOption<actix::Addr<RateBoardActor>>,
    /// How far the projections have followed.
    pub progress: Arc<Progress>,
    /// How far the outbox has taken the records out.
    pub backlog: Arc<Backlog>,
    /// Handles of this lane's metrics.
    pub metrics: Arc<LaneMetrics>,
    acknowledged: AtomicU64,
    /// Whether a generation has ended whose last commands may have been committed, and the lane is not taken again yet.
    unresolved: AtomicBool,
    status: AtomicU8,
    draining: AtomicBool,
}

impl LaneSlot {
    /// A lane that is not taken yet.
    pub fn new(lane: LaneId) -> Self {
        Self {
            lane,
            link: ArcSwapOption::empty(),
            board: ArcSwapOption::empty(),
            progress: Arc::default(),
            backlog: Arc::default(),
            metrics: Arc::new(LaneMetrics::new(lane.number())),
            acknowledged: AtomicU64::new(0),
            unresolved: AtomicBool::new(false),
            status: AtomicU8::new(LaneStatus::Opening as u8),
            draining: AtomicBool::new(false),
        }
    }

    /// Asks the keeper to end the lane, whatever it is at: also between two generations, when there is none to end.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Whether it takes commands.
    pub fn status(&self) -> LaneStatus {
        let all = [LaneStatus::Opening, LaneStatus::Open, LaneStatus::Stopped, LaneStatus::Closed];
        let number = self.status.load(Ordering::Acquire);
        all.into_iter().find(|status| *status as u8 == number).unwrap_or(LaneStatus::Opening)
    }

    fn set_status(&self, status: LaneStatus) {
        self.status.store(status as u8, Ordering::Release);
    }

    /// The newest durable record that is known.
    pub fn durable(&self) -> Seq {
        match self.link.load().as_ref() {
            Some(link) => link.shared.durable(),
            None => Seq::new(self.acknowledged.load(Ordering::Acquire)).unwrap_or(Seq::ZERO),
        }
    }

    /// What a command is told while the lane is closed: that it is not done; but a retry, that what became of its key is
    /// not known, as long as the last commands of the generation before may have been committed.
    pub fn refusal(&self, is_keyed: bool) -> Refusal {
        if is_keyed && self.unresolved.load(Ordering::Acquire) {
            return Refusal::Unknown;
        }
        Refusal::NotDone(self.why_closed())
    }

    /// Why a command of this lane is not done now.
    pub fn why_closed(&self) -> NotDone {
        match self.status() {
            LaneStatus::Stopped => NotDone::LaneStopped,
            LaneStatus::Closed => NotDone::Stopping,
            LaneStatus::Opening | LaneStatus::Open => NotDone::LaneClosed,
        }
    }
}

/// Keeps one lane, on the lane's thread.
pub struct Keeper {
    /// The lane.
    pub slot: Arc<LaneSlot>,
    /// What is given to every generation.
    pub common: Arc<Common>,
    /// Where the projector runs.
    pub followers: Place,
    /// Where the outbox runs.
    pub outbox: Place,
    /// Where batches are written down and sent to the store.
    pub committer: Place,
}

/// A generation as its keeper holds it.
struct Generation {
    link: Arc<LaneLink>,
    _projector: Leash,
    _outbox: Option<Leash>,
}

impl Keeper {
    /// Keeps the lane until it is drained or stopped; tells `opened` how the first opening went.
    pub async fn keep(self, opened: oneshot::Sender<Result<(), StartError>>) {
        let mut opened = Some(opened);
        let mut limbo: Option<(Arc<LaneShared>, Limbo)> = None;
        let mut acknowledged = (Seq::ZERO, ChainHash::GENESIS);
        let mut pause = PAUSE_MIN;
        let mut futile = 0;
        let mut learned = None;
        let mut is_standing_by = false;
        loop {
            if self.slot.is_draining() {
                return self.slot.set_status(LaneStatus::Closed);
            }
            if opened.is_some() && self.slot.lane == LaneId::SYSTEM {
                // However long it stood by: days that passed meanwhile are rolled over.
                self.common.dates.begins(self.common.clock.now());
            }
            let generation = match self.open(&mut limbo, acknowledged).await {
                Ok(generation) => generation,
                // One that stands by waits for the store as it waits for the lane.
                Err(StoreError::Unavailable(reason)) if opened.is_none() || is_standing_by => {
                    tracing::warn!(lane = %self.slot.lane, reason, "the lane cannot be taken: tried again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                    continue;
                }
                // It has not begun: it stands by until the other's lease runs out.
                Err(StoreError::LaneHeld { by, left, .. }) if opened.is_some() => {
                    if !is_standing_by {
                        tracing::warn!(lane = %self.slot.lane, by, "the lane belongs to another engine: standing by");
                    }
                    is_standing_by = true;
                    tokio::time::sleep(left.clamp(PAUSE_MIN, PAUSE_MAX)).await;
                    continue;
                }
                Err(error @ StoreError::LaneHeld { .. }) => {
                    self.stand_down(&mut limbo).await;
                    return self.stop_for_good(&error.to_string(), None);
                }
                Err(error) => return self.stop_for_good(&error.to_string(), opened),
            };
            if let Some((key, used_by)) = learned.take() {
                lock(&generation.link.shared.keys).learn(key, used_by);
            }
            self.slot.link.store(Some(generation.link.clone()));
            self.slot.unresolved.store(false, Ordering::Release);
            self.slot.set_status(LaneStatus::Open);
            tracing::info!(lane = %self.slot.lane, epoch = generation.link.shared.epoch.0, seq = %generation.link.shared.durable(), "lane open");
            if let Some(opened) = opened.take() {
                let _starter_gone = opened.send(Ok(()));
            }
            let shared = generation.link.shared.clone();
            let begun_at = shared.durable();
            let (ending, left_over) = self.attend(&generation).await;
            self.slot.unresolved.store(ending != Ending::Drained, Ordering::Release);
            self.close(generation);
            acknowledged = shared.durable_head();
            self.slot.acknowledged.store(acknowledged.0.number(), Ordering::Release);
            limbo = left_over.map(|limbo| (shared.clone(), limbo));
            let progressed = acknowledged.0 > begun_at;
            if let Ending::DuplicateKey { key, used_by } = &ending {
                // Memory took it for unused, as after a clock that went back, and would again: the retry must find it.
                learned = Some((*key, *used_by)).filter(|_| used_by.lane() == self.slot.lane);
            }
            match ending {
                Ending::Drained => return self.slot.set_status(LaneStatus::Closed),
                Ending::Fenced => {
                    // The fence has let nothing through: what was in flight is not done.
                    self.slot.unresolved.store(limbo.is_some(), Ordering::Release);
                    return self.stop_for_good(&self.why_fenced(acknowledged.0).await, None);
                }
                Ending::Panicked | Ending::Breached(_) | Ending::ProjectorStopped | Ending::DuplicateKey { .. }
                    if !progressed =>
                {
                    futile += 1;
                }
                _ => futile = 0,
            }
            if futile >= FUTILE_GENERATIONS_MAX {
                return self.stop_for_good(
                    &format!("{futile} generations ended without a commit, the last by {ending:?}"),
                    None,
                );
            }
            self.slot.metrics.lane_retakes.increment(1);
            if futile == 0 {
                pause = PAUSE_MIN;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn open(
        &self,
        limbo: &mut Option<(Arc<LaneShared>, Limbo)>,
        acknowledged: (Seq, ChainHash),
    ) -> Result<Generation, StoreError> {
        let store = &self.common.store;
        let lane = self.slot.lane;
        let taken = self.take(limbo).await?;
        self.refuse_store_that_went_back(&taken, acknowledged).await?;
        if let Some(outbox) = &self.common.outbox {
            outbox.accept(lane, (taken.seq, taken.hash), store.as_ref()).await?;
        }
        let board = match lane {
            LaneId::SYSTEM => Some(Board::new(store.pairs(ROUNDS_REMEMBERED_MAX).await?)),
            _ => None,
        };
        if let Some(board) = &board {
            // Before a halt in limbo is acknowledged: nothing trades against it from then on.
            self.common.publish_board(taken.seq, board.clone());
        }
        self.resolve(limbo, &taken).await?;
        projector::catch_up(store.as_ref(), lane, taken.projected, taken.seq, &self.slot.progress).await?;
        let feed = Arc::new(Feed::default());
        let tail = Tail::new(feed.clone(), store.clone(), lane, taken.seq);
        let outbox = self.common.outbox.as_ref().map(|follower| self.let_follow(follower, &taken, feed.clone()));
        let link = self.populate(&taken, feed, board);
        let (store, progress, shared) = (store.clone(), self.slot.progress.clone(), link.shared.clone());
        let follow = async move {
            let _fuse = shared.fuse();
            projector::follow(store, lane, tail, taken.seq, progress).await;
            // It ends by itself only where it can't go on; the lane is taken again, or stopped, rather than left behind.
            shared.end(Ending::ProjectorStopped, None);
        };
        Ok(Generation { link, _projector: self.followers.keep(follow), _outbox: outbox })
    }

    /// Has the outbox follow this generation; a panic of its neither ends the lane nor the following.
    fn let_follow(&self, follower: &Arc<dyn Follower>, taken: &TakenLane, feed: Arc<Feed>) -> Leash {
        self.slot.backlog.begins_at(taken.seq);
        let followed = FollowedLane {
            lane: self.slot.lane,
            epoch: taken.epoch,
            head: taken.seq,
            store: self.common.store.clone(),
            backlog: self.slot.backlog.clone(),
            feed,
        };
        let follower = follower.clone();
        self.outbox.keep(async move {
            loop {
                let following = AssertUnwindSafe(follower.follow(followed.clone())).catch_unwind().await;
                if following.is_ok() {
                    return;
                }
                tracing::error!(lane = %followed.lane, outbox = follower.name(), "the outbox panicked: it begins again at its cursor");
                tokio::time::sleep(PAUSE_MAX).await;
            }
        })
    }

    /// Takes the lane. Whoever waits for the outcome of its last commit is told that it is unknown where this takes long.
    async fn take(&self, limbo: &mut Option<(Arc<LaneShared>, Limbo)>) -> Result<TakenLane, StoreError> {
        let mut taking = self.common.store.take_lane(self.slot.lane);
        if let Some((shared, Limbo { batch, since, .. })) = limbo {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(*since + LIMBO_WAITED_FOR) => batch.leave_unknown(shared),
                taken = &mut taking => return taken,
            }
        }
        taking.await
    }

    async fn refuse_store_that_went_back(
        &self,
        taken: &TakenLane,
        (seq, hash): (Seq, ChainHash),
    ) -> Result<(), StoreError> {
        let lane = self.slot.lane;
        let went_back = |what: String| StoreError::Damaged(format!("the store went back: {what}"));
        if taken.seq < seq {
            return Err(went_back(format!("lane {lane} stands at {}, {seq} was acknowledged", taken.seq)));
        }
        if seq > Seq::ZERO && self.hash_at(seq).await? != Some(hash) {
            return Err(went_back(format!("record {seq} of lane {lane} is not the one that was acknowledged")));
        }
        Ok(())
    }

    /// A fence that does not match is another owner's, or the store's that went back beneath it.
    async fn why_fenced(&self, acknowledged: Seq) -> String {
        let heads = match self.common.store.lane_heads().await {
            Ok(heads) => heads,
            Err(error) => return format!("the lane belongs to another owner, or the store went back: {error}"),
        };
        let stands_at = heads.iter().find(|head| head.lane == self.slot.lane).map_or(Seq::ZERO, |head| head.seq);
        if stands_at < acknowledged {
            let lane = self.slot.lane;
            return format!("the store went back: lane {lane} stands at {stands_at}, {acknowledged} was acknowledged");
        }
        "the lane belongs to another owner".to_owned()
    }

    async fn hash_at(&self, seq: Seq) -> Result<Option<ChainHash>, StoreError> {
        let rows = self.common.store.journal(self.slot.lane, seq, 1).await?;
        Ok(rows.first().filter(|row| row.record.position.seq() == seq).map(|row| row.hash))
    }

    /// Answers a batch whose outcome was unknown. The lane is taken, so what is not there now never will be. Decided by
    /// hash: another owner may have committed a record of the same seq.
    async fn resolve(&self, limbo: &mut Option<(Arc<LaneShared>, Limbo)>, taken: &TakenLane) -> Result<(), StoreError> {
        let Some((_, Limbo { sealed, .. })) = limbo else { return Ok(()) };
        let Some((seq, hash)) = sealed.head() else { return Ok(()) };
        let is_committed = taken.seq >= seq && self.hash_at(seq).await? == Some(hash);
        self.settle(limbo, is_committed);
        Ok(())
    }

    fn settle(&self, limbo: &mut Option<(Arc<LaneShared>, Limbo)>, is_committed: bool) {
        if let Some((shared, Limbo { batch, sealed, .. })) = limbo.take() {
            tracing::info!(lane = %self.slot.lane, from = %sealed.from, is_committed, "the outcome of a commit is known");
            if is_committed {
                batch.succeed(&shared);
                shared.publish(&sealed);
            } else {
                batch.fail(&shared, NotDone::CommitFailed);
            }
        }
    }

    /// The lane has become another's while the outcome of a batch was unknown. What the journal has happened; of what it has
    /// not, nothing is claimed: the new owner can tell.
    async fn stand_down(&self, limbo: &mut Option<(Arc<LaneShared>, Limbo)>) {
        let Some((seq, hash)) = limbo.as_ref().and_then(|(_, limbo)| limbo.sealed.head()) else { return };
        let until = Instant::now() + STAND_DOWN_MAX;
        loop {
            match self.hash_at(seq).await {
                Ok(found) if found == Some(hash) => return self.settle(limbo, true),
                Ok(_) => return, // unanswered means unknown
                Err(error) if Instant::now() < until => {
                    tracing::warn!(lane = %self.slot.lane, %error, "the outcome of a commit cannot be read yet: tried again");
                    tokio::time::sleep(PAUSE_MAX).await;
                }
                Err(_) => return,
            }
        }
    }

    /// Fresh actors for a lane that was taken.
    fn populate(&self, taken: &TakenLane, feed: Arc<Feed>, board: Option<Board>) -> Arc<LaneLink> {
        if let Some((_, date)) = taken.last {
            self.common.dates.reached(date);
        }
        let today = self.common.dates.due(self.common.clock.now());
        let last = taken.last.unwrap_or((hwan_domain::time::Timestamp::default(), today));
        let shared = Arc::new(LaneShared::new(
            self.slot.lane,
            taken.epoch,
            self.common.clone(),
            self.slot.metrics.clone(),
            feed,
            last,
            (taken.seq, taken.hash),
        ));
        let lane = Context::<LaneActor>::new();
        let hydrator = Context::<HydratorActor>::new();
        let key_lookup = Context::<KeyLookupActor>::new();
        let link = Arc::new(LaneLink {
            directory: Arc::new(Directory::new(self.common.limits.in_flight_per_customer_max)),
            lane: lane.address(),
            hydrator: hydrator.address(),
            key_lookup: key_lookup.address(),
            shared: shared.clone(),
        });
        let weak: Weak<LaneLink> = Arc::downgrade(&link);
        let seat = board.map(|board| {
            let actor = actix::Actor::start(RateBoardActor::new(link.clone()));
            self.slot.board.store(Some(Arc::new(actor)));
            BoardSeat::new(board)
        });
        let stand = (taken.seq, taken.hash, taken.totals.clone());
        lane.run(LaneActor::new(shared.clone(), weak.clone(), stand, self.committer.clone(), seat));
        hydrator.run(HydratorActor::new(shared.clone(), weak.clone()));
        key_lookup.run(KeyLookupActor::new(shared, weak));
        if taken.last.is_none_or(|(_, date)| date < today) {
            link.lane.do_send(Sequence(roll_to(today)));
        }
        // Whoever waits for this lane to reach a date looks again.
        self.common.dates.moved();
        link
    }

    /// Waits for the generation's end; rolls its date as soon as it turns.
    async fn attend(&self, generation: &Generation) -> (Ending, Option<Limbo>) {
        let shared = &generation.link.shared;
        loop {
            tokio::select! {
                ended = shared.ended() => return ended,
                () = tokio::time::sleep(self.common.dates.until_looked(self.common.clock.now())) => {
                    if self.slot.is_draining() {
                        shared.end(Ending::Drained, None);
                        continue;
                    }
                    if self.common.store.has_lapsed(self.slot.lane) {
                        tracing::warn!(lane = %self.slot.lane, "the lease has run out: the lane is taken again before anything is answered from memory");
                        shared.end(Ending::LeaseLapsed, None);
                        continue;
                    }
                    let today = self.common.dates.due(self.common.clock.now());
                    if shared.durable() > Seq::ZERO && shared.date() < today {
                        generation.link.lane.do_send(Sequence(roll_to(today)));
                    }
                    let lag = shared.durable().number().saturating_sub(self.slot.progress.seq().number());
                    self.slot.metrics.lags(lag);
                    if self.common.outbox.is_some() {
                        self.observe_backlog(shared);
                    }
                }
            }
        }
    }

    fn observe_backlog(&self, shared: &LaneShared) {
        let rows = self.slot.backlog.rows(shared.durable());
        let oldest = self.slot.backlog.oldest().filter(|_| rows > 0);
        let waited = oldest.map_or(0, |at| self.common.clock.now().micros().saturating_sub(at.micros()).max(0));
        self.slot.metrics.waits_for_outbox(rows, Duration::from_micros(waited.unsigned_abs()));
    }

    fn close(&self, generation: Generation) {
        self.slot.set_status(LaneStatus::Opening);
        self.slot.link.store(None);
        self.slot.board.store(None);
        generation.link.lane.do_send(TurnBack);
        generation.link.directory.clear();
    }

    fn stop_for_good(&self, reason: &str, opened: Option<oneshot::Sender<Result<(), StartError>>>) {
        tracing::error!(lane = %self.slot.lane, reason, "the lane is stopped: it takes no commands until an operator has looked");
        self.slot.set_status(LaneStatus::Stopped);
        if let Some(opened) = opened {
            let _starter_gone = opened.send(Err(StartError::Lane { lane: self.slot.lane, reason: reason.into() }));
        }
    }
}
