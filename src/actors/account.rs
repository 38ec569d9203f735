//! The account's actor: judges and reserves its debits one at a time, judges and announces its credits.
//!
//! | message | does | forwards to |
//! |---|---|---|
//! | [`Debit`] | waits while a reserve is open, else judges and reserves | the credit's account, or the lane |
//! | [`Credit`] | judges and announces; never waits | the lane |
//! | [`ReserveEnded`] | lets the next waiting debit in | as `Debit` |
//! | [`TurnBack`] | the generation has ended: what waits is not done | |
//!
//! Credits never wait and an account has at most one open reserve, so nothing deadlocks, and no debit is refused for
//! want of money that a release would have given back. Waiting debits are bounded by the door, per customer.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use actix::{Actor, Context, Handler, Message};

use super::{
    home::{AccountCell, lock},
    judge,
    lane::Sequence,
    link::{Fuse, LaneLink},
    travel::{Travel, Work},
};

/// One account's mailbox.
#[derive(Debug)]
pub struct AccountActor {
    cell: Arc<Mutex<AccountCell>>,
    waiting: VecDeque<Box<Travel>>,
    link: Arc<LaneLink>,
    _fuse: Fuse,
}

impl AccountActor {
    /// The actor of the account whose book is in `cell`.
    pub fn new(cell: Arc<Mutex<AccountCell>>, link: Arc<LaneLink>) -> Self {
        Self { cell, waiting: VecDeque::new(), _fuse: link.shared.fuse(), link }
    }

    fn debit(&mut self, mut travel: Box<Travel>) {
        if let Work::Move(movement) = &travel.work {
            judge::debit(movement, &self.link.shared.situation(), &mut travel.violations);
        }
        if travel.violations.is_empty()
            && let Work::Move(movement) = &travel.work
            && let Some(side) = &movement.debit
        {
            match lock(&self.cell).book.reserve(side.amount) {
                Ok(()) => travel.holds.debit = Some(side.amount),
                Err(breach) => {
                    self.link.shared.end_by_breach(&breach);
                    return self.link.closed(*travel);
                }
            }
        }
        forward(&self.link, travel);
    }
}

/// On to the credit's account, or to the lane where there is no credit.
fn forward(link: &LaneLink, travel: Box<Travel>) {
    let credit = match &travel.work {
        Work::Move(movement) => movement.credit.as_ref().map(|side| side.account.clone()),
        _ => None,
    };
    match credit {
        Some(account) => account.actor.do_send(Credit(travel)),
        None => link.lane.do_send(Sequence(travel)),
    }
}

impl Actor for AccountActor {
    type Context = Context<Self>;
}

/// A movement whose debit is this account's.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Debit(pub Box<Travel>);

impl Handler<Debit> for AccountActor {
    type Result = ();

    fn handle(&mut self, Debit(travel): Debit, _: &mut Context<Self>) {
        if self.link.shared.has_ended() {
            return self.link.closed(*travel);
        }
        let mut cell = lock(&self.cell);
        // Whoever comes while others wait waits behind them.
        if cell.book.reserved().is_some() || !self.waiting.is_empty() {
            cell.waiting += 1;
            drop(cell);
            self.waiting.push_back(travel);
        } else {
            drop(cell);
            self.debit(travel);
        }
    }
}

/// The open reserve has ended: posted or released.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ReserveEnded;

impl Handler<ReserveEnded> for AccountActor {
    type Result = ();

    fn handle(&mut self, _: ReserveEnded, _: &mut Context<Self>) {
        // A debit that is refused leaves no reserve behind: the next one is let in at once.
        while lock(&self.cell).book.reserved().is_none()
            && let Some(travel) = self.waiting.pop_front()
        {
            lock(&self.cell).waiting -= 1;
            self.debit(travel);
        }
    }
}

/// The generation has ended: the reserve that debits wait for may never end, and what waits was never sequenced. What
/// waits holds the actor's own address, so it has to be told.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct TurnBack;

impl Handler<TurnBack> for AccountActor {
    type Result = ();

    fn handle(&mut self, _: TurnBack, _: &mut Context<Self>) {
        for travel in self.waiting.drain(..) {
            self.link.closed(*travel);
        }
    }
}

/// A movement whose credit is this account's; its debit, if it has one, is reserved.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Credit(pub Box<Travel>);

impl Handler<Credit> for AccountActor {
    type Result = ();

    fn handle(&mut self, Credit(mut travel): Credit, _: &mut Context<Self>) {
        if let Work::Move(movement) = &travel.work {
            judge::credit(movement, &self.link.shared.situation(), &mut travel.violations);
        }
        if travel.violations.is_empty()
            && let Work::Move(movement) = &travel.work
            && let Some(side) = &movement.credit
        {
            lock(&self.cell).book.announce(side.amount);
            travel.holds.credit = Some(side.amount);
        }
        self.link.lane.do_send(Sequence(travel));
    }
}
