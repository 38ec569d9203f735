//! A command on its way: it travels forward through the actors and carries the way back with it.
//!
//! Nobody awaits an actor. Whatever happens to a travel, its holds end with it: the sequencing step or a refusal
//! settles them, and if a panic drops it, the whole generation of its lane is dropped too.

use std::sync::Arc;

use hwan_domain::{
    account::{AccountKind, HoldingCap},
    board::Publication,
    check::{Direction, Fact},
    cover::Deal,
    currency::Currency,
    exchange::{Side, Terms},
    id::ExchangeId,
    interest::Interest,
    limit::Charge,
    money::Money,
    quote::Quote,
    record::Record,
    rejection::{Code, Rejection, Violation, Violations},
    revision::AccountRevision,
    round::RoundId,
    time::BusinessDate,
};
use tokio::{sync::oneshot, time::Instant};

use super::{
    command::{Claim, Command, Executed, NotDone, Order, Refusal, Viewer},
    door::Passage,
    home::{AccountPost, Home, Pin},
    idempotency::{Key, UsedOnce},
};

/// What comes back to the one who asked.
pub type Outcome = Result<Executed, Refusal>;

/// The way back of one request. Dropped unsent, the asker learns that the outcome is unknown.
#[derive(Debug)]
pub struct Reply(oneshot::Sender<Outcome>);

impl Reply {
    /// A way back and its end.
    pub fn channel() -> (Self, oneshot::Receiver<Outcome>) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    /// Answers; a client that has hung up changes nothing.
    pub fn send(self, outcome: Outcome) {
        let _hung_up = self.0.send(outcome);
    }
}

/// A command on its way.
#[derive(Debug)]
pub struct Travel {
    /// What is to be done, as far as it is resolved.
    pub work: Work,
    /// On whose word.
    pub who: Viewer,
    /// The idempotency key, if it came with one.
    pub key: Option<Key>,
    /// Not sequenced after this.
    pub deadline: Instant,
    /// The way back.
    pub reply: Reply,
    /// What was found against it so far.
    pub violations: Violations,
    /// What it holds.
    pub holds: Holds,
    /// Keeps the customers it touches in memory.
    pub pins: Pins,
    /// Its place among the commands in flight.
    pub passage: Option<Passage>,
}

impl Travel {
    /// What it would use up beside its key.
    pub fn used_once(&self) -> Option<UsedOnce> {
        let Work::Asked(command) = &self.work else { return None };
        match command {
            Command::Exchange(order) => match order.as_ref() {
                Order::AtQuote(quote) => Some(UsedOnce::Quote(quote.id)),
                Order::AtMarket(_) => None,
            },
            Command::Reverse { exchange, .. } => Some(UsedOnce::Reversal(ExchangeId::at(exchange.position))),
            Command::PayInterest { account, claim: Claim::Due(interest) } => {
                Some(UsedOnce::Interest(*account, interest.period.from()))
            }
            _ => None,
        }
    }

    /// That the account on the credit's side of a transfer is not there.
    pub fn absent_credit(&self) -> Refusal {
        match &self.work {
            Work::Asked(Command::Transfer { to, .. }) => {
                Refusal::Rejected(Rejection::one(Code::AccountNotFound, to.to_string()))
            }
            _ => self.absent(),
        }
    }

    /// That what it names is not there.
    pub fn absent(&self) -> Refusal {
        match &self.work {
            Work::Asked(command) => Refusal::Rejected(command.absent()),
            _ => Refusal::NotDone(NotDone::LaneClosed), // only what is still as it was asked looks for its customer
        }
    }
}

/// The customers that a travel keeps in memory.
#[derive(Debug, Default)]
pub struct Pins {
    /// The customer who asked.
    pub own: Option<Pin>,
    /// The owner of the account on the other side of a transfer.
    pub other: Option<Pin>,
}

/// What a travel has reserved or announced on its way.
#[derive(Debug, Default)]
pub struct Holds {
    /// Of the customer's limits, in won.
    pub limit_won: i64,
    /// On the debit account.
    pub debit: Option<Money>,
    /// On the credit account.
    pub credit: Option<Money>,
}

/// What is to be done.
#[derive(Debug)]
pub enum Work {
    /// As it was asked for: the customer's actor resolves it.
    Asked(Command),
    /// Open a customer.
    OpenCustomer {
        /// The bank's own name for the customer.
        reference: Option<Arc<str>>,
        /// The channel that the customer is to belong to; the caller without.
        channel: Option<Arc<str>>,
    },
    /// Open an account.
    OpenAccount {
        /// Whose.
        home: Arc<Home>,
        /// Won or foreign.
        kind: AccountKind,
    },
    /// State a fact about a customer.
    CustomerFact {
        /// Whose.
        home: Arc<Home>,
        /// The fact.
        fact: Fact,
    },
    /// State a fact about an account.
    AccountFact {
        /// Which.
        account: Arc<AccountPost>,
        /// The fact.
        fact: Fact,
        /// What the account must be at.
        expected: Option<AccountRevision>,
    },
    /// Close an account.
    CloseAccount {
        /// Whose.
        home: Arc<Home>,
        /// Which.
        account: Arc<AccountPost>,
        /// What the account must be at.
        expected: Option<AccountRevision>,
    },
    /// Move money: one debit, one credit, or both.
    Move(Box<Movement>),
    /// Change the rate board.
    Board(BoardOrder),
    /// Report a deal of the bank's own.
    Cover(Box<Deal>),
    /// Pass on to a business date.
    RollDate(BusinessDate, RollBy),
}

/// What sends a lane on to a business date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollBy {
    /// The schedule, or the lanes that are further.
    Schedule,
    /// A command: how far is judged.
    Command,
}

/// Money on its way.
#[derive(Debug)]
pub struct Movement {
    /// What kind of movement.
    pub kind: MovementKind,
    /// What leaves which account.
    pub debit: Option<MoneySide>,
    /// What enters which account.
    pub credit: Option<MoneySide>,
}

impl Movement {
    /// What a purchase of foreign currency takes of the customer's limits, in won; `None` for what takes nothing.
    pub fn limited_won(&self) -> Option<i64> {
        match &self.kind {
            MovementKind::Exchange { terms, .. } if terms.side == Side::Buy => self.debit.as_ref().map(|side| side.won),
            _ => None,
        }
    }

    /// What it uses up beside its key.
    pub fn used_once(&self) -> Option<UsedOnce> {
        match &self.kind {
            MovementKind::Exchange { quote, .. } => quote.as_ref().map(|quote| UsedOnce::Quote(quote.id)),
            MovementKind::Reversal(of) => Some(UsedOnce::Reversal(of.exchange)),
            MovementKind::Interest(of) => {
                self.credit.as_ref().map(|side| UsedOnce::Interest(side.account.id, of.period.from()))
            }
            MovementKind::Deposit | MovementKind::Withdrawal | MovementKind::Transfer => None,
        }
    }
}

/// One side of a movement.
#[derive(Debug)]
pub struct MoneySide {
    /// The account's owner.
    pub home: Arc<Home>,
    /// The account.
    pub account: Arc<AccountPost>,
    /// How much, positive.
    pub amount: Money,
    /// Which way, and by which rules.
    pub direction: Direction,
    /// For a debit: its value in won, for a limited account.
    pub won: i64,
    /// For a credit: the currency's holding cap, or why it can't be told.
    pub cap: Result<Option<HoldingCap>, Violation>,
}

/// What kind of movement.
#[derive(Debug)]
pub enum MovementKind {
    /// From outside.
    Deposit,
    /// To outside.
    Withdrawal,
    /// Between accounts.
    Transfer,
    /// Won against foreign currency.
    Exchange {
        /// Side, round and rates.
        terms: Terms,
        /// The quote it is at; without one it is at the market.
        quote: Option<Box<Quote>>,
    },
    /// An exchange taken back.
    Reversal(Box<Reversing>),
    /// Interest, paid.
    Interest(Box<Interest>),
}

/// A reversal on its way.
#[derive(Debug)]
pub struct Reversing {
    /// The exchange, as it stands in the journal.
    pub record: Arc<Record>,
    /// Its id.
    pub exchange: ExchangeId,
    /// Its terms.
    pub terms: Terms,
    /// What it took of the customer's limits.
    pub charge: Option<Charge>,
    /// Why.
    pub reason: Box<str>,
}

/// A change of the rate board.
#[derive(Clone, Debug)]
pub enum BoardOrder {
    /// Publish a round.
    Publish(Box<Publication>),
    /// Void a round.
    Void(RoundId, Box<str>),
    /// Halt a pair.
    Halt(Currency, Box<str>),
    /// Resume a pair.
    Resume(Currency),
}
