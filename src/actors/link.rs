//! What the actors of one generation of a lane share: its time, its memory of keys, its end.
//!
//! A generation begins when the lane is taken and ends at the first thing that is uncertain or wrong: an unknown
//! outcome, a fence, a panic, a breach. Its actors are then dropped and the lane is taken again from the store. Actors
//! only ever hold the link of their own generation, so a message of an older one reaches nobody that matters.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU64, Ordering},
};

use actix::Addr;
use arc_swap::ArcSwap;
use hwan_domain::{
    board::Board,
    currency::CurrencySet,
    guard::GuardPolicy,
    id::{LaneId, Position, Seq},
    interest::RateTable,
    invariant::Breach,
    limit::LimitPolicy,
    record::{KeyDigest, Record},
    time::{BusinessDate, Timestamp},
};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{
    batch::Batch,
    command::{Delivery, Executed, KeyError, NotDone, Refusal},
    dates::Dates,
    directory::Directory,
    engine::EngineLimits,
    home::lock,
    hydrator::HydratorActor,
    idempotency::{Joined, Key, KeyMemory, Remembered},
    judge::Situation,
    key_lookup::KeyLookupActor,
    lane::LaneActor,
    travel::{Outcome, Reply, Travel},
};
use crate::{
    clock::Clock,
    outbox::{feed::Feed, port::Follower},
    storage::port::{ChainHash, CommitBatch, Epoch, LedgerStore},
    telemetry::metrics::{HotMetrics, LaneMetrics},
};

/// Why a generation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The engine drains; nothing is in flight.
    Drained,
    /// A commit's outcome is unknown: the store is to be asked.
    OutcomeUnknown,
    /// A commit was not done, time and again.
    CommitFailed,
    /// A key of a batch, or what else it uses up, stands in the journal already: the next generation must know of it.
    DuplicateKey {
        /// The key, or what else is used once.
        key: KeyDigest,
        /// The record that used it.
        used_by: Position,
    },
    /// The lane belongs to another owner.
    Fenced,
    /// The lane may belong to another owner by now: it is taken again, or found to be another's.
    LeaseLapsed,
    /// An actor panicked.
    Panicked,
    /// An invariant is broken, or what is stored can't be.
    Breached(String),
    /// The projector has stopped.
    ProjectorStopped,
}

/// A batch whose commit has an unknown outcome.
#[derive(Debug)]
pub struct Limbo {
    /// Who waits for it.
    pub batch: Batch,
    /// What was sent.
    pub sealed: Arc<CommitBatch>,
    /// Since when its outcome is unknown.
    pub since: Instant,
}

/// What is given to every generation of every lane.
pub struct Common {
    /// The store of record.
    pub store: Arc<dyn LedgerStore>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// The business dates of all lanes.
    pub dates: Dates,
    /// The currencies.
    pub currencies: Arc<CurrencySet>,
    /// The bank's limits.
    pub policy: LimitPolicy,
    /// What won bears; nothing where no interest is paid.
    pub interest: Arc<RateTable>,
    /// What the rate guard tolerates.
    pub guard: GuardPolicy,
    /// The engine's bounds.
    pub limits: EngineLimits,
    /// The rates as they stand: durable rounds and halts.
    pub board: ArcSwap<Board>,
    /// Up to which record of the system lane the board is published; said to whoever follows the rates.
    pub board_seq: watch::Sender<Seq>,
    /// Who takes what becomes durable out of the engine, if anybody does.
    pub outbox: Option<Arc<dyn Follower>>,
    /// Handles on the hot path.
    pub metrics: HotMetrics,
}

impl Common {
    /// Lets everybody trade at the board as it stands after this record; an older one than is published changes nothing.
    pub fn publish_board(&self, seq: Seq, board: Board) {
        self.board_seq.send_if_modified(|published| {
            let is_newer = seq >= *published;
            if is_newer {
                *published = seq;
                self.board.store(Arc::new(board));
            }
            is_newer
        });
    }
}

/// What the actors of one generation share.
pub struct LaneShared {
    /// The lane.
    pub lane: LaneId,
    /// The generation's right to commit.
    pub epoch: Epoch,
    /// What is given to every generation.
    pub common: Arc<Common>,
    /// Keys in flight and finished.
    pub keys: Mutex<KeyMemory>,
    /// Handles of this lane's metrics.
    pub metrics: Arc<LaneMetrics>,
    /// What has just become durable, for who follows in this process.
    pub feed: Arc<Feed>,
    last_at_micros: AtomicI64,
    date_days: AtomicI32,
    sequenced: AtomicU64,
    durable: AtomicU64,
    durable_end: Mutex<(ChainHash, BusinessDate)>,
    ended: AtomicBool,
    ending: Mutex<Option<(Ending, Option<Limbo>)>>,
    has_ended: Notify,
}

impl LaneShared {
    /// A generation that begins after a record at `last_at` on `date`, everything up to `durable` being so.
    pub fn new(
        lane: LaneId,
        epoch: Epoch,
        common: Arc<Common>,
        metrics: Arc<LaneMetrics>,
        feed: Arc<Feed>,
        (last_at, date): (Timestamp, BusinessDate),
        (durable, hash): (Seq, ChainHash),
    ) -> Self {
        let opened = common.clock.now().max(last_at.plus_micros(1));
        let keys = KeyMemory::opened(opened, common.limits.key_window, common.limits.keys_max);
        Self {
            lane,
            epoch,
            common,
            keys: Mutex::new(keys),
            metrics,
            feed,
            last_at_micros: AtomicI64::new(last_at.micros()),
            date_days: AtomicI32::new(date.days()),
            sequenced: AtomicU64::new(durable.number()),
            durable: AtomicU64::new(durable.number()),
            durable_end: Mutex::new((hash, date)),
            ended: AtomicBool::new(false),
            ending: Mutex::new(None),
            has_ended: Notify::new(),
        }
    }

    /// The lane's time: the clock's, but never before the last record.
    pub fn now(&self) -> Timestamp {
        self.common.clock.now().max(Timestamp::from_micros(self.last_at_micros.load(Ordering::Acquire)))
    }

    /// The lane's business date.
    pub fn date(&self) -> BusinessDate {
        BusinessDate::from_days(self.date_days.load(Ordering::Acquire))
    }

    /// The newest record that is sequenced.
    pub fn sequenced(&self) -> Seq {
        Seq::new(self.sequenced.load(Ordering::Acquire)).unwrap_or(Seq::ZERO)
    }

    /// Notes the stamp of the record that was just sequenced. Called by the sequencing step only.
    pub fn stamped(&self, seq: Seq, at: Timestamp, date: BusinessDate) {
        self.sequenced.store(seq.number(), Ordering::Release);
        self.last_at_micros.store(at.micros(), Ordering::Release);
        self.date_days.store(date.days(), Ordering::Release);
    }

    /// The newest durable record.
    pub fn durable(&self) -> Seq {
        Seq::new(self.durable.load(Ordering::Acquire)).unwrap_or(Seq::ZERO)
    }

    /// Notes that everything up to `seq`, a record of this hash and date, is durable. Called by the lane's actor only.
    pub fn made_durable(&self, seq: Seq, hash: ChainHash, date: BusinessDate) {
        let was_empty = self.durable() == Seq::ZERO;
        let (_, before) = std::mem::replace(&mut *lock(&self.durable_end), (hash, date));
        self.durable.store(seq.number(), Ordering::Release);
        if was_empty || before < date {
            self.common.dates.reached(date);
            self.common.dates.moved();
        }
    }

    /// The business date of the newest durable record; `None` before the first.
    pub fn durable_date(&self) -> Option<BusinessDate> {
        let (_, date) = *lock(&self.durable_end);
        Some(date).filter(|_| self.durable() > Seq::ZERO)
    }

    /// The newest durable record and its link in the chain. Steady only after the end.
    pub fn durable_head(&self) -> (Seq, ChainHash) {
        (self.durable(), lock(&self.durable_end).0)
    }

    /// Tells everybody who follows that a batch is durable.
    pub fn publish(&self, batch: &Arc<CommitBatch>) {
        self.feed.committed(batch);
    }

    /// When, and by which rules and rates, something is judged now.
    pub fn situation(&self) -> Situation {
        Situation {
            at: self.now(),
            date: self.date(),
            newest: self.sequenced(),
            policy: self.common.policy,
            board: self.common.board.load_full(),
        }
    }

    /// Something that ends the generation if its owner is dropped by a panic.
    pub fn fuse(self: &Arc<Self>) -> Fuse {
        Fuse(self.clone())
    }

    /// Whether the generation has ended: nothing is sequenced any more.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Ends the generation; the first ending counts. A batch whose outcome is unknown goes with it, to be resolved.
    pub fn end(&self, ending: Ending, limbo: Option<Limbo>) {
        let mut slot = lock(&self.ending);
        if !self.ended.swap(true, Ordering::AcqRel) {
            *slot = Some((ending, limbo));
            self.has_ended.notify_one();
        }
    }

    /// Ends the generation because an invariant is broken.
    pub fn end_by_breach(&self, breach: &Breach) {
        tracing::error!(lane = %self.lane, %breach, "an invariant is broken: the lane stops and is taken again from the store");
        self.end(Ending::Breached(breach.to_string()), None);
    }

    /// Returns once the generation has ended, with why and with the batch that is in limbo.
    pub async fn ended(&self) -> (Ending, Option<Limbo>) {
        loop {
            if let Some(ending) = lock(&self.ending).take() {
                return ending;
            }
            self.has_ended.notified().await;
        }
    }

    /// Answers a travel that took no effect, and whoever joined it.
    pub fn refuse(&self, travel: Travel, refusal: Refusal) {
        let joined = travel.key.as_ref().map(|key| lock(&self.keys).turn_back(key.used.digest)).unwrap_or_default();
        answer_all(travel.reply, joined, Err(refusal));
    }

    /// Answers a travel that comes after the generation's end: this attempt is not done, but if an earlier one with its
    /// key is on its way, what becomes of the key is not known. The key in flight is left alone: it is the earlier one's.
    pub fn turn_away(&self, travel: Travel) {
        let is_in_flight = travel.key.as_ref().is_some_and(|key| lock(&self.keys).is_in_flight(key.used.digest));
        let refusal = if is_in_flight { Refusal::Unknown } else { Refusal::NotDone(NotDone::LaneClosed) };
        travel.reply.send(Err(refusal));
    }

    /// The first thing that is done with a travel in its mailbox: a retry joins or is answered, what is new departs.
    pub fn check_key(&self, travel: Box<Travel>) -> KeyCheck {
        let mut keys = lock(&self.keys);
        let use_is_unsure = travel.used_once().is_some_and(|used| !keys.is_complete_for(used.time()));
        let Some(key) = &travel.key else {
            return if use_is_unsure { KeyCheck::Unsure(travel) } else { KeyCheck::New(travel) };
        };
        match keys.recall(key) {
            Remembered::Fresh if !use_is_unsure => {
                keys.depart(&key.used);
                KeyCheck::New(travel)
            }
            Remembered::Fresh | Remembered::Unsure => {
                keys.depart(&key.used);
                KeyCheck::Unsure(travel)
            }
            Remembered::Finished(position) => KeyCheck::Finished(travel, position.seq()),
            Remembered::InFlight => {
                let digest = key.used.digest;
                keys.join(digest, Joined { reply: travel.reply, passage: travel.passage });
                KeyCheck::Settled
            }
            Remembered::InFlightOtherwise => {
                travel.reply.send(Err(Refusal::Key(KeyError::Reused)));
                KeyCheck::Settled
            }
        }
    }
}

/// What is to become of a travel, by its key.
pub enum KeyCheck {
    /// It is new, and noted as in flight.
    New(Box<Travel>),
    /// Memory does not know of its key, or of what else it uses up; it is noted as in flight, and the store must be asked.
    Unsure(Box<Travel>),
    /// The key was used by this durable record of the lane.
    Finished(Box<Travel>, Seq),
    /// It joined or is answered.
    Settled,
}

/// What a retry is answered whose key was used by `record`: the same answer again, or that the body differs.
pub fn replay(key: Option<&Key>, record: Arc<Record>) -> Outcome {
    let asked = key.map(|key| key.used.request);
    match &record.origin.key {
        Some(used) if Some(used.request) == asked => Ok(Executed { record, delivery: Delivery::Replayed }),
        _ => Err(Refusal::Key(KeyError::Reused)),
    }
}

/// Sends the outcome to the first asker, and as a replay to whoever joined.
pub fn answer_all(first: Reply, joined: Vec<Joined>, outcome: Outcome) {
    for waiting in joined {
        waiting.reply.send(outcome.clone().map(|executed| Executed { delivery: Delivery::Replayed, ..executed }));
    }
    first.send(outcome);
}

/// Ends its generation when a panic drops it.
#[derive(Debug)]
pub struct Fuse(Arc<LaneShared>);

impl Drop for Fuse {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(lane = %self.0.lane, "an actor panicked: the lane stops and is taken again from the store");
            self.0.end(Ending::Panicked, None);
        }
    }
}

impl std::fmt::Debug for LaneShared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LaneShared").field("lane", &self.lane).field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// The actors of one generation, as they reach each other.
#[derive(Debug)]
pub struct LaneLink {
    /// What they share.
    pub shared: Arc<LaneShared>,
    /// Which customers are in memory.
    pub directory: Arc<Directory>,
    /// Sequences, commits, answers.
    pub lane: Addr<LaneActor>,
    /// Brings customers into memory, and opens new ones.
    pub hydrator: Addr<HydratorActor>,
    /// Asks the store about keys.
    pub key_lookup: Addr<KeyLookupActor>,
}

impl LaneLink {
    /// Refuses because the lane is not open.
    pub fn closed(&self, travel: Travel) {
        self.shared.refuse(travel, Refusal::NotDone(NotDone::LaneClosed));
    }
}
