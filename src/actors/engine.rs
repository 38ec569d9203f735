//! The façade: all that the API sees of the engine.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix::Arbiter;
use arc_swap::ArcSwap;
use hwan_domain::{
    board::{Board, Publication},
    currency::{Currency, CurrencySet},
    id::{AccountId, CustomerId, LaneId, Seq},
    limit::LimitPolicy,
    rejection::{Code, Rejection, Violations},
    round::RoundId,
    time::{BusinessDate, Timestamp},
};
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

pub use super::parts::{EngineLimits, EngineParts, Placement, StartError};
use super::{
    command::{Caller, Command, Delivery, Executed, KeyError, NotDone, Overload, Party, Reach, Refusal, Viewer},
    customer::Ask,
    directory::{Directory, Reached},
    door::{Door, Passage, overloaded},
    home::lock,
    hydrator::{Admit, Open, Visit},
    idempotency::Key,
    keeper::{Keeper, LaneSlot},
    link::{Common, Ending, LaneLink},
    place::Place,
    rate_board::Change,
    travel::{BoardOrder, Holds, Outcome, Pins, Reply, Travel, Work},
    view::LaneView,
};
use crate::telemetry::metrics::HotMetrics;

/// How much longer than a command's deadline its answer is waited for: a commit may be under way.
const COMMIT_PATIENCE: Duration = Duration::from_secs(5);

struct Inner {
    common: Arc<Common>,
    door: Door,
    slots: Vec<Arc<LaneSlot>>,
    keepers: Mutex<Vec<oneshot::Receiver<()>>>,
    arbiters: Mutex<Vec<Arbiter>>,
    quote_lifetime_max: Duration,
    next_lane: AtomicUsize,
}

/// A running engine. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

impl Engine {
    /// Takes the lanes and opens the engine; returns once it takes commands, or with why it does not.
    /// Must be called within an actix system; with [`Placement::OwnArbiters`] the lanes run on arbiters of their own.
    pub async fn start(parts: EngineParts) -> Result<Self, StartError> {
        let common = Arc::new(Common {
            store: parts.store,
            clock: parts.clock,
            currencies: parts.currencies,
            policy: parts.policy,
            guard: parts.guard,
            limits: parts.limits,
            board: ArcSwap::default(),
            board_seq: watch::Sender::new(Seq::ZERO),
            publishers: parts.publishers,
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

    /// Executes a command: returns once its record is durable, or with why it was not executed.
    pub async fn execute(&self, caller: Caller, command: Command) -> Result<Executed, Refusal> {
        let begun = Instant::now();
        let is_exchange = matches!(command, Command::Exchange(_));
        let passage = self.0.door.enter();
        let outcome = match passage {
            Ok(passage) => self.admit(caller, command, passage).await,
            Err(refusal) => Err(refusal),
        };
        if is_exchange {
            self.count_exchange(&outcome, begun);
        }
        outcome
    }

    async fn admit(&self, caller: Caller, command: Command, passage: Passage) -> Result<Executed, Refusal> {
        let customer = match command.customer() {
            Party::New => None,
            Party::Customer(customer) => Some(customer),
            Party::OwnerOf(account) => Some(self.owner(account).await?),
        };
        let other = match &command {
            Command::Transfer { to, .. } => Some(self.owner(*to).await?),
            _ => None,
        };
        let key = self.taken_key(&caller, customer)?;
        let slot = match customer {
            Some(customer) => self.slot(customer.lane()).filter(|slot| slot.lane != LaneId::SYSTEM),
            None => self.lane_of_new_customer(key.as_ref()),
        };
        let not_found = |code, id: String| Refusal::Rejected(Rejection::one(code, id));
        let Some(slot) = slot else {
            let id = customer.map(|customer| customer.to_string()).unwrap_or_default();
            return Err(not_found(Code::CustomerNotFound, id));
        };
        if let Some(other) = other.filter(|other| other.lane() != slot.lane) {
            // Whoever may not know of the other customer learns nothing of lanes either.
            if let (Command::Transfer { to, .. }, Reach::OwnCustomers) = (&command, caller.who.reach)
                && self.customer(&caller.who, other).await?.is_none()
            {
                return Err(not_found(Code::AccountNotFound, to.to_string()));
            }
            return Err(not_found(Code::LanesDiffer, "the accounts live in different lanes".into()));
        }
        let link = self.open_link(slot, key.is_some())?;
        let (reply, answer) = Reply::channel();
        let travel = self.travel(Work::Asked(command), caller.who, key, reply, passage);
        match (customer, other) {
            (None, _) => link.hydrator.do_send(Open(travel)),
            (Some(customer), Some(other)) if other != customer => {
                link.hydrator.do_send(Admit { customer, visit: Visit::Transfer(travel, other) });
            }
            (Some(customer), _) => deliver(&link, customer, travel),
        }
        drop(link);
        self.answer(answer).await
    }

    /// The caller's key in its scope, if the command came with one.
    fn taken_key(&self, caller: &Caller, customer: Option<CustomerId>) -> Result<Option<Key>, KeyError> {
        let (now, retention) = (self.0.common.clock.now(), self.0.common.limits.key_retention);
        let take = |text| Key::take(text, &caller.who.name, customer, caller.request, now, retention);
        caller.key.as_deref().map(take).transpose()
    }

    fn travel(&self, work: Work, caller: Viewer, key: Option<Key>, reply: Reply, passage: Passage) -> Box<Travel> {
        Box::new(Travel {
            work,
            caller,
            key,
            deadline: Instant::now() + self.0.common.limits.command_deadline,
            reply,
            violations: Violations::new(),
            holds: Holds::default(),
            pins: Pins::default(),
            passage: Some(passage),
        })
    }

    /// Waits for an answer, a little longer than a command may wait to be sequenced; past that it is unknown.
    async fn answer(&self, answer: oneshot::Receiver<Outcome>) -> Outcome {
        let patience = self.0.common.limits.command_deadline + COMMIT_PATIENCE;
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(Refusal::Unknown),
        }
    }

    fn count_exchange(&self, outcome: &Outcome, begun: Instant) {
        let metrics = &self.0.common.metrics;
        metrics.exchange_seconds.record(begun.elapsed().as_secs_f64());
        let counter = match outcome {
            Ok(executed) => match executed.delivery {
                Delivery::First => &metrics.exchanges_executed,
                Delivery::Replayed => &metrics.exchanges_replayed,
            },
            Err(Refusal::Rejected(_) | Refusal::Key(_)) => &metrics.exchanges_rejected,
            Err(Refusal::NotDone(_)) => &metrics.exchanges_not_done,
            Err(Refusal::Unknown) => &metrics.exchanges_unknown,
            Err(Refusal::Overloaded { .. }) => &metrics.exchanges_overloaded,
        };
        counter.increment(1);
    }

    pub(super) fn enter(&self) -> Result<Passage, Refusal> {
        self.0.door.enter()
    }

    pub(super) fn common(&self) -> &Common {
        &self.0.common
    }

    pub(super) fn slot(&self, lane: LaneId) -> Option<&Arc<LaneSlot>> {
        self.0.slots.iter().find(|slot| slot.lane == lane)
    }

    /// A new customer's lane: by the key, so that a retry finds the lane of the first; else in turn.
    pub(super) fn lane_of_new_customer(&self, key: Option<&Key>) -> Option<&Arc<LaneSlot>> {
        let lanes = self.0.slots.len().saturating_sub(1).max(1);
        let turn = match key {
            Some(key) => {
                key.used.digest.0.iter().rev().take(4).fold(0, |sum: usize, byte| (sum << 8) | usize::from(*byte))
            }
            None => self.0.next_lane.fetch_add(1, Ordering::Relaxed),
        };
        self.0.slots.get(1 + turn % lanes)
    }

    fn open_link(&self, slot: &LaneSlot, is_keyed: bool) -> Result<Arc<LaneLink>, Refusal> {
        let link = slot.link.load_full().ok_or_else(|| slot.refusal(is_keyed))?;
        let lag = link.shared.durable().number().saturating_sub(slot.progress.seq().number());
        if lag > self.0.common.limits.projection_lag_max {
            return Err(overloaded(Overload::ProjectionLag));
        }
        Ok(link)
    }

    /// Who owns an account: from memory, else from the store.
    pub(super) async fn owner(&self, account: AccountId) -> Result<CustomerId, Refusal> {
        let not_found = || Refusal::Rejected(Rejection::one(Code::AccountNotFound, account.to_string()));
        let slot = self.slot(account.lane()).ok_or_else(not_found)?;
        if let Some(owner) = slot.link.load().as_ref().and_then(|link| link.directory.owner(account)) {
            return Ok(owner);
        }
        match self.0.common.store.owner(account).await {
            Ok(Some(owner)) => Ok(owner),
            Ok(None) => Err(not_found()),
            Err(_) => Err(Refusal::NotDone(NotDone::LaneClosed)),
        }
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

    async fn change_board(&self, caller: Caller, order: BoardOrder) -> Result<Executed, Refusal> {
        let passage = self.0.door.enter()?;
        let slot = self.slot(LaneId::SYSTEM).ok_or(Refusal::NotDone(NotDone::LaneClosed))?;
        let key = self.taken_key(&caller, None)?;
        let board = slot.board.load_full().ok_or_else(|| slot.refusal(key.is_some()))?;
        let (reply, answer) = Reply::channel();
        board.do_send(Change(self.travel(Work::Board(order), caller.who, key, reply, passage)));
        drop(board);
        self.answer(answer).await
    }

    /// The longest life of a quote.
    pub fn quote_lifetime_max(&self) -> Duration {
        self.0.quote_lifetime_max
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
        (now, now.seoul_date())
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
            projected: slot.progress.seq(),
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

/// To the customer's actor if the customer is in memory, else by way of the hydrator.
fn deliver(link: &LaneLink, customer: CustomerId, travel: Box<Travel>) {
    let mut travel = Some(travel);
    let reached = link.directory.reach(customer, |resident, pin| {
        if let Some(mut travel) = travel.take() {
            travel.pins.own = Some(pin);
            resident.actor.do_send(Ask(travel));
        }
    });
    let Some(travel) = travel else { return };
    match reached {
        Reached::Crowded => travel.reply.send(Err(overloaded(Overload::InFlightOfCustomer))),
        Reached::Absent | Reached::Resident(()) => {
            link.hydrator.do_send(Admit { customer, visit: Visit::Command(travel) });
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("lanes", &self.lanes()).finish()
    }
}
