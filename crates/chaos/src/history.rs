//! What the clients did and were told: plain data, as the judge takes it.
//!
//! A [`Command`] is one idempotency key with everything that was sent under it. Times are microseconds of one monotonic
//! clock since the run began. A history of a million commands fits in memory: a repeated answer shares its effect.

use std::sync::Arc;

use crate::{
    money::{Currency, Side},
    place::Place,
};

/// Microseconds since the run began.
pub type Micros = u64;
/// The 16 bytes by which the journal knows a key or a request.
pub type Fingerprint = [u8; 16];

/// One engine process: a restarted engine is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EngineId(pub u32);

/// What a command asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// An exchange of so much foreign currency at the rate of the moment.
    Exchange {
        /// Which way.
        side: Side,
        /// The customer's won account.
        won: Place,
        /// The customer's foreign account.
        foreign: Place,
        /// The foreign currency.
        currency: Currency,
        /// How much of it, in minor units; positive.
        minor: i64,
    },
    /// Money in.
    Deposit {
        /// To which account.
        account: Place,
        /// Its currency.
        currency: Currency,
        /// In minor units; positive.
        minor: i64,
    },
    /// Money out.
    Withdrawal {
        /// From which account.
        account: Place,
        /// Its currency.
        currency: Currency,
        /// In minor units; positive.
        minor: i64,
    },
}

/// One change of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The account.
    pub account: Place,
    /// The currency.
    pub currency: Currency,
    /// In minor units, negative for a debit.
    pub amount: i64,
    /// What the account holds of the currency afterwards.
    pub balance_after: i64,
    /// The account's version afterwards.
    pub version: u64,
}

/// What an answer says was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Of the exchange or transaction: the place of its record.
    pub id: Place,
    /// Debit first.
    pub postings: Vec<Posting>,
    /// When, as told.
    pub at: Box<str>,
    /// On which business date, as told.
    pub business_date: Box<str>,
}

/// An answer that acknowledges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Whether it is marked as a repetition.
    pub replayed: bool,
    /// SHA-256 of the answer's body.
    pub body: [u8; 32],
    /// What it says was done.
    pub effect: Arc<Effect>,
}

/// What a refusal leaves known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A rejection: nothing happened, and asking again is no use as things are.
    Rejected,
    /// Nothing happened: ask again.
    NotDone,
    /// It may have happened: ask again with the same key and learn.
    Unknown,
}

/// Whether a refusal says when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// It does.
    Told,
    /// It does not.
    Missing,
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A whole answer that says it is done.
    Acknowledged(Acknowledgement),
    /// A whole answer that says it is not, or that it cannot say.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The stable code.
        code: Box<str>,
        /// What that leaves known.
        meaning: Meaning,
        /// Whether `Retry-After` came with it.
        retry_after: RetryAfter,
    },
    /// No answer: the request may have been read.
    Unanswered,
    /// Not one byte left the client.
    NotSent,
}

/// One request and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which process it went to.
    pub engine: EngineId,
    /// When it was sent.
    pub invoked: Micros,
    /// When its outcome was known to the client.
    pub ended: Micros,
    /// How it ended.
    pub outcome: Outcome,
}

impl Attempt {
    /// Whether it may have taken effect without saying so.
    pub fn may_have_worked(&self) -> bool {
        match &self.outcome {
            Outcome::Unanswered | Outcome::Refused { meaning: Meaning::Unknown, .. } => true,
            Outcome::Refused { .. } | Outcome::Acknowledged(_) | Outcome::NotSent => false,
        }
    }
}

/// One key and all that was sent under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The key.
    pub key: Box<str>,
    /// As the journal knows it: hash of scope and key.
    pub key_digest: Fingerprint,
    /// As the journal knows the request: hash of method, path and body.
    pub request_digest: Fingerprint,
    /// Whose money.
    pub customer: Place,
    /// What is asked for, the same at every attempt.
    pub order: Order,
    /// In the order of their invocation.
    pub attempts: Vec<Attempt>,
}

impl Command {
    /// The acknowledgements, with their attempts.
    pub fn acknowledgements(&self) -> impl Iterator<Item = (&Attempt, &Acknowledgement)> {
        self.attempts.iter().filter_map(|attempt| match &attempt.outcome {
            Outcome::Acknowledged(acknowledgement) => Some((attempt, acknowledgement)),
            Outcome::Refused { .. } | Outcome::Unanswered | Outcome::NotSent => None,
        })
    }

    /// When it may have been read for the first time; `None` if it never left.
    pub fn first_sent(&self) -> Option<Micros> {
        self.attempts.iter().filter(|attempt| attempt.outcome != Outcome::NotSent).map(|attempt| attempt.invoked).min()
    }

    /// Whether its fate is known: acknowledged, refused for good after every attempt that may have worked, or certainly
    /// not done.
    pub fn is_resolved(&self) -> bool {
        let rejected =
            |attempt: &&Attempt| matches!(&attempt.outcome, Outcome::Refused { meaning: Meaning::Rejected, .. });
        let last_rejection = self.attempts.iter().filter(rejected).map(|attempt| attempt.invoked).max();
        self.acknowledgements().next().is_some()
            || self
                .attempts
                .iter()
                .filter(|attempt| attempt.may_have_worked())
                .all(|attempt| last_rejection.is_some_and(|rejected| rejected > attempt.invoked))
    }
}

/// A stretch of one lane's life under one epoch, as somebody saw it who only looked now and then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reign {
    /// The lane.
    pub lane: u16,
    /// The epoch.
    pub epoch: i64,
    /// Whose it was.
    pub engine: EngineId,
    /// The lane's seq when the epoch was first seen: it began there or before.
    pub seq_first_seen: u64,
    /// The lane's seq when the epoch was last seen: it ended there or after.
    pub seq_last_seen: u64,
}

/// Everything that happened.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The wall clock when the run began, in microseconds since 1970.
    pub began_at: i64,
    /// Every key, in no order.
    pub commands: Vec<Command>,
    /// Who owned which lane, as far as it was seen.
    pub reigns: Vec<Reign>,
}
