//! The sequencing step: one synchronous step on the lane's thread in which a command becomes a record or a rejection.
//!
//! 1. What the command holds (reserve, announcement, share of the limits) ends.
//! 2. It is judged again, all of it, at the instant that its record will bear: facts, limits, rates, quotes, balances.
//! 3. Both accounts get their new version and balance, the record its seq; the values it leaves behind are noted.
//!
//! So the order of the lane is the order of each account, whatever interleaved on the way, and what is checked is
//! checked at the stamped time. A breach of an invariant in (3) ends the generation: nothing after it is acknowledged.

use std::sync::Arc;

use actix::Actor;
use hwan_domain::{
    account::{AccountBook, AccountState},
    business_day::judge_roll,
    customer::{CustomerBook, CustomerState},
    exchange::Side,
    id::{AccountId, CustomerId, Position, Seq},
    interest::Interest,
    invariant::{self, Breach},
    record::{Event, Landing, Leg, Origin, Record},
    rejection::Rejection,
    time::Timestamp,
};
use tokio::time::Instant;

use smallvec::SmallVec;

use super::{
    account::{AccountActor, ReserveEnded},
    command::{NotDone, Refusal},
    customer::CustomerActor,
    directory::Resident,
    home::{AccountCell, AccountPost, CustomerCell, Home, lock},
    judge::{self, Situation},
    lane::LaneActor,
    link::LaneLink,
    plan,
    travel::{MoneySide, Movement, MovementKind, Reversing, RollBy, Travel, Work},
};
use crate::storage::port::{Holding, StateWrite};

impl LaneActor {
    /// Turns a command into a record or a rejection.
    pub(super) fn sequence(&mut self, mut travel: Travel) {
        let next_debit = end_holds(&mut travel);
        self.decide(travel);
        if let Some(account) = next_debit {
            account.actor.do_send(ReserveEnded);
        }
    }

    fn decide(&mut self, mut travel: Travel) {
        if travel.deadline < Instant::now() {
            return self.shared.refuse(travel, Refusal::NotDone(NotDone::DeadlinePassed));
        }
        let situation = self.shared.situation();
        if travel.violations.is_empty() {
            self.judge_again(&mut travel, &situation);
        }
        if let Some(rejection) = Rejection::of(std::mem::take(&mut travel.violations)) {
            return self.reject(travel, rejection);
        }
        let Some(seq) = self.tail.next() else {
            return self.shared.refuse(travel, Refusal::NotDone(NotDone::LaneStopped));
        };
        let position = Position::new(self.shared.lane, seq);
        match self.apply(&travel.work, &travel.who.name, position, &situation) {
            Ok(Applied::Event(event)) => self.append(travel, position, *event, &situation),
            Ok(Applied::Rejected(rejection)) => self.reject(travel, rejection),
            Ok(Applied::Nothing) => self.shared.refuse(travel, Refusal::NotDone(NotDone::LaneClosed)),
            Err(breach) => {
                self.shared.end_by_breach(&breach);
                self.shared.refuse(travel, Refusal::NotDone(NotDone::LaneClosed));
            }
        }
    }

    /// A rejection leaves in lane order, once all it was decided on is durable.
    fn reject(&mut self, travel: Travel, rejection: Rejection) {
        let shared = self.shared.clone();
        let answer = move |durable: Result<(), Refusal>| {
            shared.refuse(travel, durable.err().unwrap_or(Refusal::Rejected(rejection)));
        };
        self.answer_after(self.tail, Box::new(answer));
    }

    fn judge_again(&self, travel: &mut Travel, situation: &Situation) {
        let violations = &mut travel.violations;
        match &travel.work {
            Work::Move(movement) => {
                judge::movement(movement, situation, violations);
                if let Some(used) = movement.used_once()
                    && let Some(by) = lock(&self.shared.keys).user_of(used.digest())
                {
                    violations.push(used.used_before(by));
                }
            }
            Work::OpenAccount { home, kind } => {
                if let Err(rejection) = plan::refuse_second_account(home, *kind, situation.at) {
                    violations.extend(rejection.violations().iter().cloned());
                }
            }
            Work::CustomerFact { home, fact } => lock(&home.customer).book.judge_fact(fact, situation.at, violations),
            Work::AccountFact { account, fact, expected } => {
                let cell = lock(&account.cell);
                cell.book.judge_revision(*expected, violations);
                cell.book.judge_fact(fact, situation.at, violations);
            }
            Work::CloseAccount { account, expected, .. } => {
                let cell = lock(&account.cell);
                cell.book.judge_revision(*expected, violations);
                cell.book.judge_closing(situation.at, violations);
            }
            Work::RollDate(date, RollBy::Command) => {
                let common = &self.shared.common;
                if let Err(violation) = judge_roll(common.dates.day(), common.clock.now(), *date) {
                    violations.push(violation);
                }
            }
            _ => {}
        }
    }

    fn append(&mut self, travel: Travel, position: Position, event: Event, situation: &Situation) {
        let business_date = match &event {
            Event::DateRolled { date } => *date,
            _ => situation.date,
        };
        let origin = Origin { caller: travel.who.name.clone(), key: travel.key.as_ref().map(|key| key.used.clone()) };
        let totals = self.totals.carry_forward(&event);
        let record = Arc::new(Record { position, at: situation.at, business_date, origin, event, totals });
        if let Err(breach) = invariant::balanced(&record) {
            self.shared.end_by_breach(&breach);
            return self.shared.refuse(travel, Refusal::NotDone(NotDone::LaneClosed));
        }
        self.tail = position.seq();
        self.shared.stamped(record.position.seq(), record.at, record.business_date);
        if let Some(used) = record.used_once() {
            lock(&self.shared.keys).use_up(used, position);
        }
        let totals = std::mem::take(&mut self.totals);
        let batch = self.open_batch();
        batch.leave_totals(&totals);
        batch.add(record, travel);
        self.totals = totals;
    }

    fn apply(
        &mut self,
        work: &Work,
        caller: &Arc<str>,
        position: Position,
        situation: &Situation,
    ) -> Result<Applied, Breach> {
        let at = situation.at;
        let event = match work {
            Work::Asked(_) => return Ok(Applied::Nothing), // the customer's actor resolves every command
            Work::OpenCustomer { reference, channel } => {
                let channel = channel.as_ref().unwrap_or(caller);
                let state = CustomerState::opened(CustomerId::at(position), channel.clone(), reference.clone());
                let Some(link) = self.link.upgrade() else { return Ok(Applied::Nothing) };
                move_in(&link, Home::new(CustomerBook::new(state.clone()), position.seq(), []));
                let holding = Holding { customer: state.id, limits: state.limits, balances: SmallVec::new() };
                self.open_batch().leave_holding(holding);
                self.open_batch().leave(StateWrite::Customer(state));
                Event::CustomerOpened {
                    reference: reference.as_deref().map(Box::from),
                    channel: (channel != caller).then(|| Box::from(&**channel)),
                }
            }
            Work::OpenAccount { home, kind } => {
                let state = AccountState::opened(AccountId::at(position), home.id, *kind);
                let Some(link) = self.link.upgrade() else { return Ok(Applied::Nothing) };
                home.add_account(account_post(&link, state.clone(), position.seq()));
                // Whoever sees the customer from now on sees this account: not before it is durable.
                lock(&home.customer).last_seq = position.seq();
                link.directory.own(state.id, home.id);
                self.open_batch().leave(StateWrite::Account(state));
                Event::AccountOpened { customer: home.id, kind: *kind }
            }
            Work::CustomerFact { home, fact } => {
                let mut cell = lock(&home.customer);
                cell.book.state_fact(*fact, at);
                self.leave_customer(&mut cell, position.seq());
                Event::CustomerFactStated { customer: home.id, fact: *fact }
            }
            Work::AccountFact { account, fact, .. } => {
                let mut cell = lock(&account.cell);
                cell.book.state_fact(*fact, at);
                cell.last_seq = position.seq();
                let state = cell.book.state().clone();
                let customer = state.customer;
                self.open_batch().leave(StateWrite::Account(state));
                Event::AccountFactStated { account: account.id, customer, fact: *fact }
            }
            Work::CloseAccount { home, account, .. } => {
                let mut cell = lock(&account.cell);
                cell.book.close(at);
                cell.last_seq = position.seq();
                let state = cell.book.state().clone();
                drop(cell);
                self.open_batch().leave(StateWrite::Account(state));
                // Which account an order means that names none depends on it.
                lock(&home.customer).last_seq = position.seq();
                Event::AccountClosed { account: account.id, customer: home.id }
            }
            Work::Move(movement) => {
                let event = self.apply_movement(movement, position, situation)?;
                for side in [&movement.debit, &movement.credit].into_iter().flatten() {
                    let holding = side.home.holding();
                    self.open_batch().leave_holding(holding);
                }
                return Ok(event.map_or(Applied::Nothing, |event| Applied::Event(Box::new(event))));
            }
            Work::Board(order) => {
                let Some(board) = &self.board else { return Ok(Applied::Nothing) };
                match board.decide(order, caller, situation, &self.shared.common) {
                    Ok((event, writes)) => {
                        let batch = self.open_batch();
                        writes.into_iter().for_each(|write| batch.leave(write));
                        event
                    }
                    Err(rejection) => return Ok(Applied::Rejected(rejection)),
                }
            }
            Work::Cover(deal) => match deal.cover(&self.shared.common.currencies) {
                Ok(cover) => Event::Covered { cover },
                Err(rejection) => return Ok(Applied::Rejected(rejection)),
            },
            Work::RollDate(date, _) => {
                if *date <= situation.date && self.tail != Seq::ZERO {
                    return Ok(Applied::Nothing); // a late or repeated roll is harmless
                }
                Event::DateRolled { date: *date }
            }
        };
        Ok(Applied::Event(Box::new(event)))
    }

    fn apply_movement(
        &mut self,
        movement: &Movement,
        position: Position,
        situation: &Situation,
    ) -> Result<Option<Event>, Breach> {
        let mut limited_won = None;
        let debit = match &movement.debit {
            Some(side) => {
                let leg = self.post(side, side.amount.negated(), position.seq())?;
                let mut cell = lock(&side.account.cell);
                limited_won = cell.book.count_limited(side.won, situation.at, situation.date);
                if limited_won.is_some() {
                    self.open_batch().leave(StateWrite::Account(cell.book.state().clone()));
                }
                Some(leg)
            }
            None => None,
        };
        let credit = match &movement.credit {
            Some(side) if judge::goes_to_suspense(side, situation.at) => Some(Landing::Suspense(side.amount)),
            Some(side) => Some(Landing::Account(self.post(side, side.amount, position.seq())?)),
            None => None,
        };
        if let (MovementKind::Reversal(of), Some(debit), Some(landing)) = (&movement.kind, debit, credit) {
            return self.reversed(movement, of, (debit, landing, limited_won), position, situation).map(Some);
        }
        let credit = credit.as_ref().and_then(Landing::leg).copied();
        if let (MovementKind::Interest(interest), Some(side), Some(leg)) = (&movement.kind, &movement.credit, credit) {
            return Ok(Some(self.paid(interest, side, leg)?));
        }
        Ok(Some(match (&movement.kind, debit, credit) {
            (MovementKind::Exchange { terms, quote }, Some(debit), Some(credit)) => {
                let limits =
                    (terms.side == Side::Buy).then(|| self.charge(movement, position.seq(), situation.at)).flatten();
                let quote = quote.as_ref().map(|quote| quote.id);
                Event::Exchanged { terms: *terms, quote, debit, credit, limits, limited_won }
            }
            (_, Some(debit), Some(credit)) => Event::Transferred { debit, credit, limited_won },
            (_, Some(debit), None) => Event::Withdrawn { debit, limited_won },
            (_, None, Some(credit)) => Event::Deposited { credit },
            (_, None, None) => return Ok(None), // a plan has a debit or a credit
        }))
    }

    fn reversed(
        &mut self,
        movement: &Movement,
        of: &Reversing,
        (debit, landing, limited_won): (Leg, Landing, Option<i64>),
        position: Position,
        situation: &Situation,
    ) -> Result<Event, Breach> {
        let limits = match (&movement.debit, of.charge) {
            (Some(side), Some(charge)) => {
                let mut cell = lock(&side.home.customer);
                let limits = cell.book.give_back_limit(charge, situation.at);
                if limits.is_some() {
                    self.leave_charged(&mut cell, position.seq());
                }
                limits
            }
            _ => None,
        };
        if let Landing::Suspense(amount) = landing {
            let (exchange, currency) = (of.exchange, amount.currency());
            tracing::warn!(%exchange, %amount, %currency, "money that comes back waits in suspense: its account is closed");
        }
        let (exchange, terms, reason) = (of.exchange, of.terms, of.reason.clone());
        let event = Event::Reversed { exchange, reason, terms, debit, landing, limits, limited_won };
        invariant::reverses(&event, &of.record)?;
        Ok(event)
    }

    fn paid(&mut self, interest: &Interest, side: &MoneySide, credit: Leg) -> Result<Event, Breach> {
        let mut cell = lock(&side.account.cell);
        let paid_through = cell.book.state().paid_through;
        invariant::follows_interest(side.account.id, interest.period.from(), paid_through)?;
        cell.book.pay_interest(interest.period);
        let state = cell.book.state().clone();
        drop(cell);
        self.open_batch().leave(StateWrite::Account(state));
        Ok(interest.paid(credit))
    }

    fn charge(&mut self, movement: &Movement, seq: Seq, at: Timestamp) -> Option<hwan_domain::limit::LimitUse> {
        let (side, won) = (movement.debit.as_ref()?, movement.limited_won()?);
        let mut cell = lock(&side.home.customer);
        let limits = cell.book.charge_limit(won, at);
        self.leave_charged(&mut cell, seq);
        Some(limits)
    }

    /// Its use of the limits has changed, and nothing else.
    fn leave_charged(&mut self, cell: &mut CustomerCell, seq: Seq) {
        cell.last_seq = seq;
        self.open_batch().leave(StateWrite::Charged(cell.book.state().clone()));
    }

    fn leave_customer(&mut self, cell: &mut CustomerCell, seq: Seq) {
        cell.last_seq = seq;
        self.open_batch().leave(StateWrite::Customer(cell.book.state().clone()));
    }

    fn post(&mut self, side: &MoneySide, amount: hwan_domain::money::Money, seq: Seq) -> Result<Leg, Breach> {
        let mut cell = lock(&side.account.cell);
        let (version, before) = (cell.book.version(), cell.book.state().booked(amount.currency()));
        let leg = cell.book.post(amount)?;
        invariant::continues(&leg, version, before)?;
        cell.last_seq = seq;
        drop(cell);
        let write = StateWrite::Balance { account: leg.account, amount: leg.balance_after, version: leg.version };
        self.open_batch().leave(write);
        Ok(leg)
    }
}

enum Applied {
    Event(Box<Event>),
    Rejected(Rejection),
    Nothing,
}

/// Ends what a travel holds; returns the account whose next debit waits for it.
fn end_holds(travel: &mut Travel) -> Option<Arc<AccountPost>> {
    let holds = std::mem::take(&mut travel.holds);
    let Work::Move(movement) = &travel.work else { return None };
    if let (Some(side), Some(amount)) = (&movement.credit, holds.credit) {
        lock(&side.account.cell).book.withdraw_announcement(amount);
    }
    let side = movement.debit.as_ref()?;
    if holds.limit_won != 0 {
        lock(&side.home.customer).book.release_limit(holds.limit_won);
    }
    holds.debit?;
    let mut cell = lock(&side.account.cell);
    cell.book.release();
    (cell.waiting > 0).then(|| side.account.clone())
}

/// An account in memory, with its actor. On the lane's thread.
pub(super) fn account_post(link: &Arc<LaneLink>, state: AccountState, last_seq: Seq) -> Arc<AccountPost> {
    let (id, kind) = (state.id, state.kind);
    let cell = AccountCell { book: AccountBook::new(state), last_seq, waiting: 0 };
    let cell = Arc::new(std::sync::Mutex::new(cell));
    let actor = AccountActor::new(cell.clone(), link.clone()).start();
    Arc::new(AccountPost { id, kind, cell, actor })
}

/// Moves a customer into memory, with its actor. On the lane's thread.
pub(super) fn move_in(link: &Arc<LaneLink>, home: Home) {
    let home = Arc::new(home);
    let actor = CustomerActor::new(home.clone(), link.clone()).start();
    link.directory.move_in(Resident { actor, home });
}
