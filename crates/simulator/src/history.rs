//! What clients asked and were answered, with the moments in between: all that the checker knows beside the journal.

use std::sync::Arc;

use hwan::actors::{
    command::{Command, Executed, MarketOrder, Reach, Refusal, Viewer},
    view::{AccountView, CustomerView, TrialView},
};
use hwan_domain::{
    id::{AccountId, CustomerId, Position},
    limit::LimitPolicy,
    quote::Quote,
    record::{Record, RequestDigest},
    time::Timestamp,
};

use crate::board::BoardAct;

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Command(Command),
    Board(BoardAct),
    Quote(MarketOrder, u64),
    Trial(MarketOrder),
    ReadCustomer(CustomerId),
    ReadAccount(AccountId),
    ReadRecord(Position),
}

/// A request; its retries are attempts at the same operation.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) act: Act,
    /// With the caller and the customer, what makes a retry a retry.
    pub(crate) key: Option<String>,
    /// The caller's name; unique where there is no key, so that a record tells whose it is.
    pub(crate) caller: Arc<str>,
    /// Which customers it reaches.
    pub(crate) reach: Reach,
    /// Unique for each operation.
    pub(crate) request: RequestDigest,
}

impl Op {
    /// Who asks.
    pub(crate) fn who(&self) -> Viewer {
        Viewer { name: self.caller.clone(), reach: self.reach }
    }
}

/// A moment: a place in the order of all events, how far each lane was durable, and which time it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) tick: u64,
    /// Records in the store, by lane's number.
    pub(crate) heads: Vec<u64>,
    /// Index into [`History::clocks`].
    pub(crate) clock: usize,
}

/// What a client was answered.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Executed(Executed),
    Refused(Refusal),
    Quoted(Quote),
    Tried(TrialView),
    Customer(Option<CustomerView>),
    Account(Option<AccountView>),
    Record(Option<Arc<Record>>),
}

/// One attempt at an operation.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) op: usize,
    pub(crate) begun: Moment,
    /// When it was answered; `None` for a client that hung up.
    pub(crate) ended: Option<(Moment, Answer)>,
    /// Whether its engine had lost its lanes to another before it answered.
    pub(crate) stale: bool,
}

/// All that was asked and answered in a sequence.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) ops: Vec<Op>,
    pub(crate) attempts: Vec<Attempt>,
    /// Every time that the clock showed, in turn.
    pub(crate) clocks: Vec<Timestamp>,
    pub(crate) policy: LimitPolicy,
    pub(crate) tick: u64,
}

impl Attempt {
    /// Whether two attempts may have been in flight at once. One without a certain answer may be for ever.
    pub(crate) fn overlaps(&self, other: &Attempt) -> bool {
        let ends = |attempt: &Attempt| match &attempt.ended {
            Some((_, Answer::Refused(Refusal::Unknown))) | None => u64::MAX,
            Some((moment, _)) => moment.tick,
        };
        self.begun.tick <= ends(other) && other.begun.tick <= ends(self)
    }

    /// The record that it was answered with.
    pub(crate) fn executed(&self) -> Option<&Executed> {
        match &self.ended {
            Some((_, Answer::Executed(executed))) => Some(executed),
            _ => None,
        }
    }

    /// Whether it may have made a record although it was not answered with it.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.ended, None | Some((_, Answer::Refused(Refusal::Unknown))))
    }
}
