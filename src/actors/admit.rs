//! The way of a command into the engine: the door, its key, its lane, the customer's mailbox; and its answer.
//!
//! What a confined caller does not reach is answered here, and in the directory and the hydrator behind, as what does not
//! exist: in the same words, after the same checks, whatever else is wrong with the command.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use hwan_domain::{
    id::{AccountId, CustomerId, LaneId},
    rejection::{Code, Rejection, Violations},
    reversal,
};
use tokio::{sync::oneshot, time::Instant};

use super::{
    command::{Caller, Command, Delivery, Executed, KeyError, NotDone, Overload, Party, Reach, Refusal, Viewer},
    customer::Ask,
    directory::Reached,
    door::{Passage, overloaded},
    engine::Engine,
    hydrator::{Admit, Open, Visit},
    idempotency::Key,
    keeper::LaneSlot,
    link::LaneLink,
    rate_board::Change,
    travel::{BoardOrder, Holds, Outcome, Pins, Reply, Travel, Work},
};

/// How much longer than a command's deadline its answer is waited for: a commit may be under way.
const COMMIT_PATIENCE: Duration = Duration::from_secs(5);

impl Engine {
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
        let is_keyed = self.judge_key(&caller)?;
        if let Command::Reverse { exchange, .. } = &command {
            reversal::plan(exchange).map_err(Refusal::Rejected)?;
        }
        let absent = || Refusal::Rejected(command.absent());
        let customer = match command.customer() {
            Party::New => return self.open_customer(caller, command, passage).await,
            Party::Customer(customer) => customer,
            Party::OwnerOf(account) => self.owner(account, is_keyed).await?.ok_or_else(absent)?,
        };
        let slot = self.customers_slot(customer.lane()).ok_or_else(absent)?;
        let other = match &command {
            Command::Transfer { to, .. } => {
                Some(self.credited_owner(&caller.who, (&command, customer), *to, is_keyed).await?)
            }
            _ => None,
        };
        let key = scoped_key(&caller, Some(customer));
        let link = self.open_link(slot, is_keyed)?;
        let (reply, answer) = Reply::channel();
        let travel = self.travel(Work::Asked(command), caller.who, key, reply, passage);
        match other {
            Some(other) if other != customer => {
                link.hydrator.do_send(Admit { customer, visit: Visit::Transfer(travel, other) });
            }
            _ => deliver(&link, customer, travel),
        }
        drop(link);
        self.answer(answer).await
    }

    async fn open_customer(&self, caller: Caller, command: Command, passage: Passage) -> Result<Executed, Refusal> {
        let key = scoped_key(&caller, None);
        let slot = self.lane_of_new_customer(key.as_ref()).ok_or(Refusal::NotDone(NotDone::LaneClosed))?;
        let link = self.open_link(slot, key.is_some())?;
        let (reply, answer) = Reply::channel();
        link.hydrator.do_send(Open(self.travel(Work::Asked(command), caller.who, key, reply, passage)));
        drop(link);
        self.answer(answer).await
    }

    /// Enters an order to the rate board.
    pub(super) async fn change_board(&self, caller: Caller, order: BoardOrder) -> Result<Executed, Refusal> {
        self.by_the_board(caller, Work::Board(order)).await
    }

    /// Enters what belongs to the system lane, whose door the rate board's actor is.
    pub(super) async fn by_the_board(&self, caller: Caller, work: Work) -> Result<Executed, Refusal> {
        let passage = self.0.door.enter()?;
        self.judge_key(&caller)?;
        let slot = self.slot(LaneId::SYSTEM).ok_or(Refusal::NotDone(NotDone::LaneClosed))?;
        let key = scoped_key(&caller, None);
        let board = slot.board.load_full().ok_or_else(|| slot.refusal(key.is_some()))?;
        let (reply, answer) = Reply::channel();
        board.do_send(Change(self.travel(work, caller.who, key, reply, passage)));
        drop(board);
        self.answer(answer).await
    }

    /// Whether the command came with a key. One that is not usable is refused before anything else is looked at: that
    /// must not depend on what the command names.
    pub(super) fn judge_key(&self, caller: &Caller) -> Result<bool, KeyError> {
        let Some(text) = caller.key.as_deref() else { return Ok(false) };
        Key::admit(text, self.0.common.clock.now(), self.0.common.limits.key_retention).map(|()| true)
    }

    /// Who owns the credit's account of a transfer; in the debit's lane.
    async fn credited_owner(
        &self,
        who: &Viewer,
        (command, customer): (&Command, CustomerId),
        to: AccountId,
        is_keyed: bool,
    ) -> Result<CustomerId, Refusal> {
        let absent = |code, id: String| Refusal::Rejected(Rejection::one(code, id));
        let found = self.owner(to, is_keyed).await;
        if let Ok(Some(other)) = found
            && other.lane() == customer.lane()
        {
            return Ok(other);
        }
        // It is refused in any case: for what, must not tell which accounts of others there are.
        if who.reach == Reach::OwnCustomers {
            if self.customer(who, customer).await?.is_none() {
                return Err(Refusal::Rejected(command.absent()));
            }
            if let Ok(Some(other)) = found
                && self.customer(who, other).await?.is_none()
            {
                return Err(absent(Code::AccountNotFound, to.to_string()));
            }
        }
        match found? {
            Some(_) => Err(absent(Code::LanesDiffer, "the accounts live in different lanes".into())),
            None => Err(absent(Code::AccountNotFound, to.to_string())),
        }
    }

    fn travel(&self, work: Work, who: Viewer, key: Option<Key>, reply: Reply, passage: Passage) -> Box<Travel> {
        Box::new(Travel {
            work,
            who,
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

    /// A lane.
    pub(super) fn slot(&self, lane: LaneId) -> Option<&Arc<LaneSlot>> {
        self.0.slots.iter().find(|slot| slot.lane == lane)
    }

    /// A lane that customers live in.
    pub(super) fn customers_slot(&self, lane: LaneId) -> Option<&Arc<LaneSlot>> {
        self.slot(lane).filter(|slot| slot.lane != LaneId::SYSTEM)
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
        let limits = &self.0.common.limits;
        if self.0.door.in_flight() > room_at(lag, limits.projection_lag_max, limits.in_flight_max) {
            return Err(overloaded(Overload::ProjectionLag));
        }
        // Before the disk is full: what waits to leave stays in the journal.
        if self.0.common.outbox.is_some() && slot.backlog.rows(link.shared.durable()) >= limits.outbox_backlog_max {
            return Err(overloaded(Overload::OutboxBacklog));
        }
        Ok(link)
    }

    /// Who owns an account: from memory, else from the store; `None` if there is none. Refused while its lane is closed,
    /// whether there is such an account or not.
    pub(super) async fn owner(&self, account: AccountId, is_keyed: bool) -> Result<Option<CustomerId>, Refusal> {
        let Some(slot) = self.customers_slot(account.lane()) else { return Ok(None) };
        match slot.link.load().as_ref() {
            None => return Err(slot.refusal(is_keyed)),
            Some(link) => {
                if let Some(owner) = link.directory.owner(account) {
                    return Ok(Some(owner));
                }
            }
        }
        self.0.common.store.owner(account).await.map_err(|_| Refusal::NotDone(NotDone::LaneClosed))
    }
}

/// The caller's key in its scope, if the command came with one.
fn scoped_key(caller: &Caller, customer: Option<CustomerId>) -> Option<Key> {
    caller.key.as_deref().map(|text| Key::scoped(text, &caller.who.name, customer, caller.request))
}

/// To the customer's actor if the customer is in memory, else by way of the hydrator.
fn deliver(link: &LaneLink, customer: CustomerId, travel: Box<Travel>) {
    let reached = link.directory.reach(customer, travel, |resident, pin, mut travel| {
        travel.pins.own = Some(pin);
        resident.actor.do_send(Ask(travel));
    });
    match reached {
        Reached::Visited => {}
        Reached::Absent(travel) => link.hydrator.do_send(Admit { customer, visit: Visit::Command(travel) }),
        Reached::Foreign(travel) => {
            let absent = travel.absent();
            travel.reply.send(Err(absent));
        }
        Reached::Crowded(travel) => travel.reply.send(Err(overloaded(Overload::InFlightOfCustomer))),
    }
}

/// How many commands may be in flight while the projections lag by so many records: all up to half of what they may lag, then
/// ever fewer, none at the end. So a lag slows the door down before it closes it.
fn room_at(lag: u64, lag_max: u64, in_flight_max: usize) -> usize {
    let half = lag_max / 2;
    let (left, whole) = (lag_max.saturating_sub(lag), lag_max.saturating_sub(half).max(1));
    if lag <= half {
        return in_flight_max;
    }
    let room = u128::from(left) * in_flight_max as u128 / u128::from(whole);
    usize::try_from(room).unwrap_or(in_flight_max)
}

#[cfg(test)]
mod tests {
    use super::room_at;

    #[test]
    fn the_door_narrows_with_the_lag_and_closes_at_its_bound() {
        let room = |lag| room_at(lag, 200_000, 4_096);
        assert_eq!([0, 50_000, 100_000].map(room), [4_096; 3]);
        assert_eq!([125_000, 150_000, 199_000, 200_000, 300_000].map(room), [3_072, 2_048, 40, 0, 0]);
        assert_eq!(room_at(1, 1, 10), 0);
    }
}
