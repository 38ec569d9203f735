//! What all lanes share, and the turns of a lane: judge, tell, look again, put away.
//!
//! A lane's state outlives the generations of its engine; whoever follows the lane has its turn alone. What is told comes first, then
//! what is put away. A store that is away is waited for: the watch falls behind, nothing else.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hwan_domain::{
    anomaly::{LaneWatch, RoundsSeen, SystemLane, WatchPolicy},
    control::ControlTotals,
    currency::CurrencySet,
    id::{LaneId, Seq},
    time::{BusinessDate, Timestamp},
};
use tokio::{sync::Notify, time::Instant};

use super::{
    lane_state::{self, Delivery, LaneState},
    teller::Teller,
    told::Told,
};
use crate::{
    storage::port::{ChainHash, StoreError},
    telemetry::metrics::WatchLaneMetrics,
};

/// How often what waits in a lane is judged again.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(2);
/// How long customers' lanes wait for the system lane when the watch begins.
const ROUNDS_PATIENCE: Duration = Duration::from_secs(30);

/// What the watch works with.
#[derive(Clone)]
pub struct WatchParts {
    /// What tells.
    pub teller: Arc<Teller>,
    /// Thresholds and bounds.
    pub policy: Arc<WatchPolicy>,
    /// The currencies.
    pub currencies: Arc<CurrencySet>,
    /// How often a lane's state is put away.
    pub put_away_every: Duration,
    /// After how many records it is put away at the latest.
    pub put_away_records: u64,
}

/// Where a lane stands, for those who compare it with something else.
#[derive(Clone, Debug)]
pub struct LaneStands {
    /// The lane.
    pub lane: LaneId,
    /// The newest record that was judged.
    pub seq: Seq,
    /// Its time.
    pub at: Timestamp,
    /// Its date.
    pub date: BusinessDate,
    /// What its customers hold then, where all of its records were seen.
    pub totals: Option<ControlTotals>,
}

/// A lane's place in memory.
pub(super) struct Lane {
    /// `None` until it was taken back, or begun.
    state: Mutex<Option<LaneState>>,
    /// Whoever follows the lane.
    pub(super) turn: tokio::sync::Mutex<Turn>,
    metrics: WatchLaneMetrics,
}

/// What is due in a lane.
#[derive(Debug)]
pub(super) struct Turn {
    looked: Instant,
    put_away: Instant,
    told: Told,
}

struct Shared {
    parts: WatchParts,
    rounds: Mutex<RoundsSeen>,
    lanes: Mutex<BTreeMap<LaneId, Arc<Lane>>>,
    closed: Mutex<BTreeMap<LaneId, (BusinessDate, Seq)>>,
    system_is_caught_up: AtomicBool,
    system_moved: Notify,
}

/// The watch. Cheap to clone.
#[derive(Clone)]
pub struct Watch(Arc<Shared>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    /// A watch that knows nothing yet.
    pub fn new(parts: WatchParts) -> Self {
        Self(Arc::new(Shared {
            parts,
            rounds: Mutex::default(),
            lanes: Mutex::default(),
            closed: Mutex::default(),
            system_is_caught_up: AtomicBool::new(false),
            system_moved: Notify::new(),
        }))
    }

    /// What it works with.
    pub fn parts(&self) -> &WatchParts {
        &self.0.parts
    }

    pub(super) fn lane(&self, lane: LaneId) -> Arc<Lane> {
        let new = || {
            let now = Instant::now();
            let turn = tokio::sync::Mutex::new(Turn { looked: now, put_away: now, told: Told::default() });
            Arc::new(Lane { state: Mutex::new(None), turn, metrics: WatchLaneMetrics::new(lane.number()) })
        };
        Arc::clone(lock(&self.0.lanes).entry(lane).or_insert_with(new))
    }

    /// Where a lane stands in memory: seq, hash, and the offset of its next message; `None` where nothing is known of it.
    pub(super) fn stands_at(&self, lane: &Lane) -> Option<(Seq, ChainHash, Option<i64>)> {
        let state = lock(&lane.state);
        state.as_ref().map(|state| (state.seq(), ChainHash(state.watch.order().hash), state.offset))
    }

    /// Takes a lane's state back from the store, unless it is in memory; whether it has one then. What is damaged, or of another
    /// version, is left: the lane is judged from its beginning then, and tells nothing twice.
    pub(super) async fn take_back(&self, id: LaneId, lane: &Lane) -> Result<bool, StoreError> {
        if lock(&lane.state).is_some() {
            return Ok(true);
        }
        let found = match self.0.parts.teller.alerts().taken_back(id).await {
            Ok(found) => found,
            Err(StoreError::Damaged(reason)) => {
                tracing::error!(lane = %id, reason, "the state of the watch is damaged: the lane is judged from its beginning");
                None
            }
            Err(error) => return Err(error),
        };
        let Some(checkpoint) = found else { return Ok(false) };
        let Some((state, rounds)) = lane_state::taken_back(&checkpoint, &self.0.parts.currencies) else {
            tracing::warn!(lane = %id, "the state of the watch is of another version: the lane is judged from its beginning");
            return Ok(false);
        };
        if let Some(rounds) = rounds {
            *lock(&self.0.rounds) = rounds;
        }
        *lock(&lane.state) = Some(state);
        Ok(true)
    }

    /// Begins a lane after a record, whose hash is this; at [`Seq::ZERO`] from its beginning.
    pub(super) fn begin(&self, id: LaneId, lane: &Lane, after: (Seq, ChainHash), offset: Option<i64>) {
        let (watch, rounds) = match after {
            (Seq::ZERO, _) => (LaneWatch::begin(id), RoundsSeen::default()),
            (seq, hash) => (LaneWatch::begin_after(id, seq, hash.0), RoundsSeen::cut()),
        };
        if id == LaneId::SYSTEM {
            *lock(&self.0.rounds) = rounds;
        }
        *lock(&lane.state) = Some(LaneState::new(watch, offset));
    }

    /// Judges records that have come, in a lane that has a state.
    pub(super) fn take(&self, lane: &Lane, deliveries: &[Delivery]) {
        let mut state = lock(&lane.state);
        let Some(state) = state.as_mut() else { return };
        if state.watch.lane() == LaneId::SYSTEM {
            self.0.system_is_caught_up.store(false, Ordering::Release);
        }
        state.take(deliveries, &mut lock(&self.0.rounds), &self.0.parts.policy);
        let order = state.watch.order();
        let behind = self.0.parts.teller.clock().now().micros_since(order.at).max(0);
        lane.metrics.stand(order.seq.number(), Duration::from_micros(behind.unsigned_abs()), state.watch.unjudged());
    }

    /// The system lane has brought all there is.
    pub(super) fn system_is_caught_up(&self) {
        self.0.system_is_caught_up.store(true, Ordering::Release);
        self.0.system_moved.notify_waiters();
    }

    /// Waits for the rounds before a lane of customers is judged by them; not for ever.
    pub(super) async fn rounds_are_known(&self, id: LaneId) {
        let known = async {
            loop {
                let moved = self.0.system_moved.notified();
                tokio::pin!(moved);
                moved.as_mut().enable();
                if id == LaneId::SYSTEM || self.0.system_is_caught_up.load(Ordering::Acquire) {
                    return;
                }
                moved.await;
            }
        };
        if tokio::time::timeout(ROUNDS_PATIENCE, known).await.is_err() {
            tracing::warn!(lane = %id, "the system lane is not read yet: exchanges are judged without their rounds");
        }
    }

    /// Does what is due in a lane: tells what waits, and sometimes judges again what waits there and puts the state away.
    pub(super) async fn upkeep(&self, lane: &Lane, turn: &mut Turn) -> Result<(), StoreError> {
        if turn.looked.elapsed() >= LOOKED_AT_EVERY {
            turn.looked = Instant::now();
            self.look_again(lane, &mut turn.told);
        }
        self.tell(lane).await?;
        let unsaved = lock(&lane.state).as_ref().map_or(0, |state| state.unsaved);
        let parts = &self.0.parts;
        let is_due = turn.put_away.elapsed() >= parts.put_away_every || unsaved >= parts.put_away_records;
        if unsaved > 0 && is_due {
            self.put_away(lane).await?;
            turn.put_away = Instant::now();
        }
        Ok(())
    }

    fn look_again(&self, lane: &Lane, told: &mut Told) {
        let now = self.0.parts.teller.clock().now();
        let is_caught_up = self.0.system_is_caught_up.load(Ordering::Acquire);
        let system = if is_caught_up { SystemLane::CaughtUp } else { SystemLane::Behind };
        let mut state = lock(&lane.state);
        let Some(state) = state.as_mut() else { return };
        let mut found = Vec::new();
        state.watch.look_again(&mut lock(&self.0.rounds), now, system, &self.0.parts.policy, &mut found);
        if let Some((date, last)) = lock(&self.0.closed).get(&state.watch.lane()).copied() {
            state.watch.close(date, last, &mut found);
        }
        // They stay among what waits until they are told.
        let mut alerts = std::mem::take(&mut state.pending);
        alerts.extend(told.due(found));
        state.keep(alerts);
    }

    async fn tell(&self, lane: &Lane) -> Result<(), StoreError> {
        let pending = lock(&lane.state).as_ref().map(|state| state.pending.clone()).unwrap_or_default();
        if pending.is_empty() {
            return Ok(());
        }
        self.0.parts.teller.tell(&pending).await?;
        // Nobody else has added any: whoever has the turn has it alone.
        if let Some(state) = lock(&lane.state).as_mut() {
            state.pending.clear();
        }
        Ok(())
    }

    async fn put_away(&self, lane: &Lane) -> Result<(), StoreError> {
        let now = self.0.parts.teller.clock().now();
        let (checkpoint, records) = {
            let state = lock(&lane.state);
            let Some(state) = state.as_ref() else { return Ok(()) };
            let rounds = lock(&self.0.rounds);
            let of_system = state.watch.lane() == LaneId::SYSTEM;
            (state.checkpoint(of_system.then_some(&*rounds), now), state.unsaved)
        };
        self.0.parts.teller.alerts().put_away(&checkpoint).await?;
        if let Some(state) = lock(&lane.state).as_mut() {
            state.unsaved = state.unsaved.saturating_sub(records);
        }
        Ok(())
    }

    /// A day was closed: from now on a lane's entries of it are told. The newest day counts.
    pub fn closed(&self, lane: LaneId, date: BusinessDate, last: Seq) {
        let mut closed = lock(&self.0.closed);
        let newest = closed.entry(lane).or_insert((date, last));
        if newest.0 < date {
            *newest = (date, last);
        }
    }

    /// Where each lane stands that is known.
    pub fn stands(&self) -> Vec<LaneStands> {
        let lanes: Vec<Arc<Lane>> = lock(&self.0.lanes).values().cloned().collect();
        let stands = |lane: &Arc<Lane>| {
            let state = lock(&lane.state);
            let watch = &state.as_ref()?.watch;
            let order = watch.order();
            let totals = watch.totals().cloned();
            Some(LaneStands { lane: watch.lane(), seq: order.seq, at: order.at, date: order.date, totals })
        };
        lanes.iter().filter_map(stands).collect()
    }

    /// A lane that goes to somebody else: what waits is told, it is put away and forgotten here.
    pub(super) async fn leave(&self, id: LaneId) {
        let lane = lock(&self.0.lanes).remove(&id);
        if let Some(lane) = lane {
            let _turn = lane.turn.lock().await;
            self.leave_behind(&lane).await;
        }
        if id == LaneId::SYSTEM {
            // Whoever has it now knows the rounds; what trades on new ones is not judged by them here.
            self.0.system_is_caught_up.store(false, Ordering::Release);
            *lock(&self.0.rounds) = RoundsSeen::cut();
        }
    }

    async fn leave_behind(&self, lane: &Lane) {
        let done = async {
            self.tell(lane).await?;
            self.put_away(lane).await
        };
        if let Err(error) = done.await {
            tracing::warn!(%error, "the watch could not put a lane away: it is judged again from where it was last put away");
        }
    }

    /// At the end, when nobody follows any more: tells what waits and puts every lane away.
    pub async fn close(&self) {
        let lanes: Vec<Arc<Lane>> = lock(&self.0.lanes).values().cloned().collect();
        for lane in lanes {
            let _turn = lane.turn.lock().await;
            self.leave_behind(&lane).await;
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("lanes", &lock(&self.0.lanes).len()).finish_non_exhaustive()
    }
}
