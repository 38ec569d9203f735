//! What the engine can be told, and what it answers.
//!
//! A command travels forward through the actors and carries the way back with it. Every outcome is one of five:
//! executed (a record is durable), rejected (business, nothing happened), not done (safe to retry), unknown (retry with
//! the same key and learn), overloaded (retry later).

use std::{sync::Arc, time::Duration};

use hwan_domain::{
    account::AccountKind,
    check::Fact,
    currency::Currency,
    exchange::{Ask, Side},
    id::{AccountId, CustomerId, ExchangeId},
    interest::Interest,
    money::Money,
    quote::Quote,
    record::{Record, RequestDigest},
    rejection::{Code, Rejection},
    reversal,
    revision::AccountRevision,
};
use rust_decimal::Decimal;

/// A change that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Open a customer.
    OpenCustomer {
        /// The bank's own name for the customer: an opaque reference, never a person's name.
        reference: Option<Box<str>>,
        /// The channel that the customer is to belong to; the caller's own name without.
        channel: Option<Arc<str>>,
    },
    /// Open an account; a customer has one open account of each kind.
    OpenAccount {
        /// Whose.
        customer: CustomerId,
        /// Won or foreign.
        kind: AccountKind,
    },
    /// State or lift a fact about an account.
    StateAccountFact {
        /// The account.
        account: AccountId,
        /// The fact.
        fact: Fact,
        /// What the account must be at; whatever it is at without.
        expected: Option<AccountRevision>,
    },
    /// Close an account that is empty, for good.
    CloseAccount {
        /// The account.
        account: AccountId,
        /// What the account must be at; whatever it is at without.
        expected: Option<AccountRevision>,
    },
    /// State or lift a fact about a customer.
    StateCustomerFact {
        /// The customer.
        customer: CustomerId,
        /// The fact.
        fact: Fact,
    },
    /// Money comes in from outside.
    Deposit {
        /// Into which account.
        account: AccountId,
        /// How much, positive.
        amount: Money,
    },
    /// Money goes out.
    Withdraw {
        /// Of which account.
        account: AccountId,
        /// How much, positive.
        amount: Money,
    },
    /// Money moves from one account to another of the same kind, whoever owns it.
    Transfer {
        /// The debit.
        from: AccountId,
        /// The credit.
        to: AccountId,
        /// How much, positive.
        amount: Money,
    },
    /// Interest is claimed, as the façade reckoned it.
    PayInterest {
        /// On which account.
        account: AccountId,
        /// What is due.
        claim: Claim,
    },
    /// Money is changed.
    Exchange(Box<Order>),
    /// An exchange is reversed at its original numbers.
    Reverse {
        /// The exchange, as it stands in the journal.
        exchange: Arc<Record>,
        /// Why.
        reason: Box<str>,
    },
}

/// What a claim of interest comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// This accrued, more than nothing.
    Due(Box<Interest>),
    /// Nothing: every day is paid for, or too little accrued. The command goes its way for its key's sake.
    Nothing,
    /// The bank pays none on this account.
    NotOffered,
}

/// Whose mailbox a command goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// Nobody's yet: it opens a customer.
    New,
    /// This customer's.
    Customer(CustomerId),
    /// Of whoever owns this account.
    OwnerOf(AccountId),
}

impl Command {
    /// Whose mailbox it goes to.
    pub fn customer(&self) -> Party {
        match self {
            Command::OpenCustomer { .. } => Party::New,
            Command::OpenAccount { customer, .. } | Command::StateCustomerFact { customer, .. } => {
                Party::Customer(*customer)
            }
            Command::StateAccountFact { account, .. }
            | Command::CloseAccount { account, .. }
            | Command::Deposit { account, .. }
            | Command::Withdraw { account, .. }
            | Command::PayInterest { account, .. }
            | Command::Transfer { from: account, .. } => Party::OwnerOf(*account),
            Command::Exchange(order) => match order.as_ref() {
                Order::AtQuote(quote) => Party::Customer(quote.customer),
                Order::AtMarket(order) => Party::Customer(order.customer),
            },
            Command::Reverse { exchange, .. } => exchange.event.customer().map_or(Party::New, Party::Customer),
        }
    }

    /// That what it names is not there: in the same words whether there is no such thing, or none of the caller's.
    pub fn absent(&self) -> Rejection {
        match (self, self.customer()) {
            (Command::Reverse { exchange, .. }, _) => reversal::not_found(ExchangeId::at(exchange.position)),
            (_, Party::OwnerOf(account)) => Rejection::one(Code::AccountNotFound, account.to_string()),
            (_, Party::Customer(customer)) => Rejection::one(Code::CustomerNotFound, customer.to_string()),
            (_, Party::New) => Rejection::one(Code::CustomerNotFound, String::new()),
        }
    }
}

/// An exchange that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// At a quote, whose signature was verified.
    AtQuote(Quote),
    /// At the current round.
    AtMarket(MarketOrder),
}

impl Order {
    /// Buy or sell.
    pub const fn side(&self) -> Side {
        match self {
            Order::AtQuote(quote) => quote.terms.side,
            Order::AtMarket(order) => order.side,
        }
    }
}

/// An exchange at the current round.
#[derive(Clone, Debug, PartialEq)]
pub struct MarketOrder {
    /// Whose.
    pub customer: CustomerId,
    /// The won account; the customer's own without.
    pub won_account: Option<AccountId>,
    /// The foreign account; the customer's own without.
    pub foreign_account: Option<AccountId>,
    /// Buy or sell.
    pub side: Side,
    /// The foreign currency.
    pub currency: Currency,
    /// How much.
    pub ask: Ask,
    /// The worst rate that is accepted: the highest for a buy, the lowest for a sell, per the currency's rate unit.
    pub worst_rate: Option<Decimal>,
}

/// Which customers a caller reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of them.
    All,
    /// Those whose channel is the caller's name. All others are answered exactly as if they did not exist.
    OwnCustomers,
}

/// Who asks, and how far that one sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The caller's name.
    pub name: Arc<str>,
    /// Which customers it reaches.
    pub reach: Reach,
}

impl Viewer {
    /// One who reaches every customer.
    pub const fn of_all(name: Arc<str>) -> Self {
        Self { name, reach: Reach::All }
    }

    /// Whether a customer of this channel is there for the viewer.
    pub fn sees(&self, channel: &str) -> bool {
        self.reach == Reach::All || *self.name == *channel
    }
}

/// On whose word a command comes, and how its retries are known.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who: with the customer, the name is the scope of the key.
    pub who: Viewer,
    /// The idempotency key, 1 to 255 visible ASCII characters.
    pub key: Option<Box<str>>,
    /// The fingerprint of the request's body; another one under the same key is refused.
    pub request: RequestDigest,
}

/// A command that took effect: its record is durable.
#[derive(Clone, Debug)]
pub struct Executed {
    /// What happened.
    pub record: Arc<Record>,
    /// Whether this request made it happen.
    pub delivery: Delivery,
}

/// Whether an answer is the first or a repeat of an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// This request took effect.
    First,
    /// An earlier request with the same key did; this is its answer.
    Replayed,
}

/// Why a command was not executed, or is not known to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A business answer: nothing happened.
    #[error("rejected: {0}")]
    Rejected(Rejection),
    /// The key is not usable: nothing happened.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// Nothing happened, and nothing of this attempt ever will: safe to retry.
    #[error("not done: {0}")]
    NotDone(NotDone),
    /// It may or may not have happened: retry with the same key and learn the outcome.
    #[error("the outcome is not known yet: retry with the same key to learn it")]
    Unknown,
    /// Too much is in flight: nothing happened, retry later.
    #[error("overloaded: {limit}")]
    Overloaded {
        /// Which limit was reached.
        limit: Overload,
        /// When to try again.
        retry_after: Duration,
    },
}

/// What is wrong with an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not 1 to 255 visible ASCII characters.
    #[error("an idempotency key has 1 to 255 visible ASCII characters")]
    Malformed,
    /// Used before with another body.
    #[error("the idempotency key was used before with another body: use a new key for a new request")]
    Reused,
    /// A time-ordered key whose time is beyond the retention.
    #[error("the idempotency key's own time is older than keys are kept: use a new key")]
    Expired,
    /// A time-ordered key whose time is ahead of the engine's clock.
    #[error("the idempotency key's own time is ahead of the engine's clock: set the client's clock")]
    FromFuture,
}

/// Why nothing happened although nothing was wrong with the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// The lane is being taken, or the store is away.
    #[error("the lane is not open: the store is away or the lane is being taken again")]
    LaneClosed,
    /// The lane has stopped for good and waits for an operator.
    #[error("the lane is stopped and waits for an operator")]
    LaneStopped,
    /// The commit failed, certainly.
    #[error("the commit was not done")]
    CommitFailed,
    /// The request's deadline passed before it was sequenced.
    #[error("the deadline passed before it was sequenced")]
    DeadlinePassed,
    /// The engine is stopping.
    #[error("the engine is stopping")]
    Stopping,
}

/// Which bound was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Overload {
    /// Commands in flight in the whole engine.
    #[error("too many commands are in flight")]
    InFlight,
    /// Commands in flight of one customer's accounts.
    #[error("too many commands of this customer are in flight")]
    InFlightOfCustomer,
    /// The projections are too far behind the journal.
    #[error("the projections are too far behind")]
    ProjectionLag,
    /// Too many records wait for the outbox: Kafka, or who else follows, has been away too long.
    #[error("too many records wait to leave the engine: what takes them, such as Kafka, has been away too long")]
    OutboxBacklog,
}
