//! The customer's actor: keys first, then what the command means here, then facts and limits.
//!
//! | step | what happens |
//! |---|---|
//! | key | a retry joins the flight or gets the first answer; another body is refused; an unknown old key asks the store |
//! | plan | accounts, terms and amounts are resolved (`plan`) |
//! | judge | facts, limits, rates; what is good reserves its share of the limits |
//! | forward | to the debit account, else the credit account, else the lane |

use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, Message};

use super::{
    account::{Credit, Debit},
    command::{Command, NotDone, Refusal},
    home::{Home, lock},
    judge,
    key_lookup::{AskStore, Asker},
    lane::{Answer, Replay, Sequence},
    link::{Fuse, KeyCheck, LaneLink},
    look::Look,
    plan,
    travel::{Travel, Work},
};

/// One customer's mailbox.
#[derive(Debug)]
pub struct CustomerActor {
    home: Arc<Home>,
    link: Arc<LaneLink>,
    _fuse: Fuse,
}

impl CustomerActor {
    /// The actor of this customer.
    pub fn new(home: Arc<Home>, link: Arc<LaneLink>) -> Self {
        Self { home, _fuse: link.shared.fuse(), link }
    }

    fn admit(&self, mut travel: Box<Travel>) {
        let situation = self.link.shared.situation();
        let currencies = &self.link.shared.common.currencies;
        if let Err(rejection) = plan::resolve(&mut travel, &self.home, &situation, currencies) {
            travel.violations.extend(rejection.violations().iter().cloned());
            if let Work::Asked(Command::Exchange(order)) = &travel.work {
                judge::facts_without_plan(order, &self.home, situation.at, &mut travel.violations);
            }
            if let Work::Asked(Command::PayInterest { account, .. }) = &travel.work {
                judge::facts_without_interest(*account, &self.home, situation.at, &mut travel.violations);
            }
            return self.link.lane.do_send(Sequence(travel));
        }
        if let Work::Move(movement) = &travel.work {
            judge::customer(movement, &situation, &mut travel.violations);
        }
        if travel.violations.is_empty() {
            self.reserve_limit(&mut travel);
        }
        let next = match &travel.work {
            Work::Move(movement) => match (&movement.debit, &movement.credit) {
                (Some(side), _) => Some((true, side.account.clone())),
                (None, Some(side)) => Some((false, side.account.clone())),
                (None, None) => None,
            },
            _ => None,
        };
        match next {
            Some((true, account)) => account.actor.do_send(Debit(travel)),
            Some((false, account)) => account.actor.do_send(Credit(travel)),
            None => self.link.lane.do_send(Sequence(travel)),
        }
    }

    fn reserve_limit(&self, travel: &mut Travel) {
        if let Work::Move(movement) = &travel.work
            && let Some(won) = movement.limited_won()
        {
            lock(&self.home.customer).book.reserve_limit(won);
            travel.holds.limit_won = won;
        }
    }
}

impl Actor for CustomerActor {
    type Context = Context<Self>;
}

/// A command of this customer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Ask(pub Box<Travel>);

impl Handler<Ask> for CustomerActor {
    type Result = ();

    fn handle(&mut self, Ask(travel): Ask, ctx: &mut Context<Self>) {
        if self.link.shared.has_ended() {
            return self.link.shared.turn_away(*travel);
        }
        match self.link.shared.check_key(travel) {
            KeyCheck::New(travel) => self.admit(travel),
            KeyCheck::Unsure(travel) => {
                self.link.key_lookup.do_send(AskStore { travel, asker: Asker::Customer(ctx.address()) });
            }
            KeyCheck::Finished(travel, seq) => self.link.lane.do_send(Replay { travel, seq }),
            KeyCheck::Settled => {}
        }
    }
}

/// The store was asked: the command's key was never used.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct KeyIsNew(pub Box<Travel>);

impl Handler<KeyIsNew> for CustomerActor {
    type Result = ();

    fn handle(&mut self, KeyIsNew(travel): KeyIsNew, _: &mut Context<Self>) {
        self.admit(travel);
    }
}

impl Handler<Look> for CustomerActor {
    type Result = ();

    fn handle(&mut self, look: Look, _: &mut Context<Self>) {
        if self.link.shared.has_ended() {
            return look.refuse(Refusal::NotDone(NotDone::LaneClosed));
        }
        let situation = self.link.shared.situation();
        let (after, answer) = look.see(&self.home, &situation, &self.link.shared.common.currencies);
        self.link.lane.do_send(Answer { after, answer });
    }
}
