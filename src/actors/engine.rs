//! The façade: all that the API sees of the engine. Here it is opened, watched and stopped; commands enter by
//! [`admit`](super::admit), reads by [`looks`](super::looks).

use std::{
    sync::{Arc, Mutex, atomic::AtomicUsize},
    time::Duration,
};

use actix::Arbiter;
use arc_swap::ArcSwap;
use hwan_domain::{
    board::{Board, Publication},
    cover::Deal,
    currency::{Currency, CurrencySet},
    id::{LaneId, Seq},
    limit::LimitPolicy,
    round::RoundId,
    time::{BusinessDate, Timestamp},
};
use tokio::sync::{oneshot, watch};

pub use super::parts::{EngineLimits, EngineParts, Placement, StartError};
use super::{
    command::{Caller, Executed, Refusal},
    dates::Dates,
    directory::Directory,
    door::Door,
    home::lock,
    keeper::{Keeper, LaneSlot},
    link::{Common, Ending},
    place::Place,
    travel::{BoardOrder, Work},
    view::LaneView,
};
use crate::telemetry::metrics::HotMetrics;

pub(super) struct Inner {
    pub(super) common: Arc<Common>,
    pub(super) door: Door,
    pub(super) slots: Vec<Arc<LaneSlot>>,
    keepers: Mutex<Vec<oneshot::Receiver<()>>>,
    arbiters: Mutex<Vec<Arbiter>>,
    pub(super) quote_lifetime_max: Duration,
    pub(super) next_lane: AtomicUsize,
}

/// How long lanes may take to pass on to the date of a clock that was moved.
const DATES_WAIT_MAX: Duration = Duration::from_secs(2);
/// How often it is looked at meanwhile.
const DATES_COMPARED_EVERY: Duration = Duration::from_millis(5);

/// A running engine. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(pub(super) Arc<Inner>);

impl Engine {
    /// Takes the lanes and opens the engine; returns once it takes commands, or with why it does not.
    /// Must be called within an actix system; with [`Placement::OwnArbiters`] the lanes run on arbiters of their own.
    pub async fn start(parts: EngineParts) -> Result<Self, StartError> {
        let dates = Dates::new(parts.business_day, parts.clock.now());
        let common = Arc::new(Common {
            store: parts.store,
            clock: parts.clock,
            dates,
            currencies: parts.currencies,
            policy: parts.policy,
            guard: parts.guard,
            interest: parts.interest,
            limits: parts.limits,
            board: ArcSwap::default(),
            board_seq: watch::Sender::new(Seq::ZERO),
            outbox: parts.outbox,
            metrics: HotMetrics::new(),
        });
        let mut arbiters = Vec::new();
        let mut place = |name: &str| match parts.placement {
            Placement::CallersThread => Place::Here,
            Placement::OwnArbiters => {
                tracing::debug!(name, "arbiter starts");
                let arbiter = Arbiter::new();
                let handle = arbiter.handle();
                arbiters.push(arbiter);
                Place::On(handle)
            }
        };
        let followers = place("followers");
        let outbox = place("outbox");
        let mut slots = Vec::new();
        let mut keepers = Vec::new();
        // The system lane first: customers' commands need its rates.
        for number in 0..=common.limits.customer_lanes.max(1) {
            let lane = LaneId::new(number).ok_or(StartError::TooManyLanes(number))?;
            let slot = Arc::new(LaneSlot::new(lane));
            let keeper = Keeper {
                slot: slot.clone(),
                common: common.clone(),
                followers: followers.clone(),
                outbox: outbox.clone(),
                committer: place("committer"),
            };
            let (opened, opening) = oneshot::channel();
            let (gone, going) = oneshot::channel();
            let keep = async move {
                keeper.keep(opened).await;
                let _nobody_waits = gone.send(());
            };
            match place("lane") {
                Place::On(arbiter) => drop(arbiter.spawn(keep)),
                Place::Here => drop(actix::spawn(keep)),
            }
            let lost = || StartError::Lane { lane, reason: "its thread ended".into() };
            opening.await.map_err(|_| lost())??;
            slots.push(slot);
            keepers.push(going);
        }
        Ok(Self(Arc::new(Inner {
            door: Door::new(common.limits.in_flight_max),
            common,
            slots,
            keepers: Mutex::new(keepers),
            arbiters: Mutex::new(arbiters),
            quote_lifetime_max: parts.quote_lifetime_max,
            next_lane: AtomicUsize::new(0),
        })))
    }

    /// The rates as they stand: durable rounds and halts.
    pub fn board(&self) -> Arc<Board> {
        self.0.common.board.load_full()
    }

    /// Publishes a round; the record says what the guard found.
    pub async fn publish(&self, caller: Caller, publication: Publication) -> Result<Executed, Refusal> {
        self.change_board(caller, BoardOrder::Publish(Box::new(publication))).await
    }

    /// Voids a round.
    pub async fn void(&self, caller: Caller, round: RoundId, reason: &str) -> Result<Executed, Refusal> {
        self.change_board(caller, BoardOrder::Void(round, reason.into())).await
    }

    /// Halts a pair.
    pub async fn halt(&self, caller: Caller, currency: Currency, reason: &str) -> Result<Executed, Refusal> {
        self.change_board(caller, BoardOrder::Halt(currency, reason.into())).await
    }

    /// Resumes a pair; the caller must not be who halted it.
    pub async fn resume(&self, caller: Caller, currency: Currency) -> Result<Executed, Refusal> {
        self.change_board(caller, BoardOrder::Resume(currency)).await
    }

    /// Records a deal of the bank's own in the market.
    pub async fn cover(&self, caller: Caller, deal: Deal) -> Result<Executed, Refusal> {
        self.by_the_board(caller, Work::Cover(Box::new(deal))).await
    }

    /// The currencies.
    pub fn currencies(&self) -> &Arc<CurrencySet> {
        &self.0.common.currencies
    }

    /// The bank's limits.
    pub fn policy(&self) -> LimitPolicy {
        self.0.common.policy
    }

    /// The clock's instant and its business date.
    pub fn now(&self) -> (Timestamp, BusinessDate) {
        let now = self.0.common.clock.now();
        (now, self.0.common.dates.day().date_of(now))
    }

    /// Returns once every open lane has passed on to the clock's business date: after a clock that is set by hand was moved.
    /// Waits for `DATES_WAIT_MAX` at most.
    pub async fn dates_follow(&self) {
        let (_, today) = self.now();
        let behind = |slot: &Arc<LaneSlot>| {
            slot.link
                .load()
                .as_ref()
                .is_some_and(|link| link.shared.durable() > Seq::ZERO && link.shared.date() < today)
        };
        let followed = async {
            while self.0.slots.iter().any(behind) {
                tokio::time::sleep(DATES_COMPARED_EVERY).await;
            }
        };
        if tokio::time::timeout(DATES_WAIT_MAX, followed).await.is_err() {
            tracing::warn!(%today, "not every lane has passed on to the clock's business date");
        }
    }

    /// What the store is: for `/version`.
    pub fn store_name(&self) -> String {
        self.0.common.store.name()
    }

    /// Sets the gauges that are not kept up as things happen: called before they are read.
    pub fn observe(&self) {
        let metrics = &self.0.common.metrics;
        let count = |of: fn(&Directory) -> usize| {
            let lane = |slot: &Arc<LaneSlot>| slot.link.load().as_ref().map_or(0, |link| of(&link.directory));
            self.0.slots.iter().map(lane).sum::<usize>()
        };
        metrics.commands_in_flight.set(self.0.door.in_flight() as f64);
        metrics.customers_resident.set(count(Directory::residents) as f64);
        metrics.accounts_resident.set(count(Directory::accounts) as f64);
    }

    /// Every lane as it stands: for readiness.
    pub fn lanes(&self) -> Vec<LaneView> {
        let view = |slot: &Arc<LaneSlot>| LaneView {
            lane: slot.lane,
            status: slot.status(),
            durable: slot.durable(),
            business_date: slot.link.load().as_ref().and_then(|link| link.shared.durable_date()),
            projected: slot.progress.seq(),
            published: self.0.common.outbox.is_some().then(|| slot.backlog.published()),
            waits_since: slot.backlog.oldest(),
        };
        self.0.slots.iter().map(view).collect()
    }

    /// Customers in memory.
    pub fn residents(&self) -> usize {
        let of = |slot: &Arc<LaneSlot>| slot.link.load().as_ref().map_or(0, |link| link.directory.residents());
        self.0.slots.iter().map(of).sum()
    }

    /// Whether new work is refused because the engine stops.
    pub fn is_draining(&self) -> bool {
        self.0.door.is_shut()
    }

    /// Stops: refuses new work, answers everything in flight, closes the store. Returns once all of it is done.
    pub async fn drain(&self) {
        self.0.door.shut();
        self.0.door.emptied().await;
        self.projections_follow().await;
        for slot in &self.0.slots {
            slot.drain();
            if let Some(link) = slot.link.load_full() {
                link.shared.end(Ending::Drained, None);
            }
        }
        let keepers = std::mem::take(&mut *lock(&self.0.keepers));
        for keeper in keepers {
            let _gone_already = keeper.await;
        }
        self.0.common.store.close().await;
        for arbiter in lock(&self.0.arbiters).drain(..) {
            arbiter.stop();
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("lanes", &self.lanes()).finish()
    }
}
