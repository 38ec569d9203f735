//! What the engine can be told, and what it answers.
//!
//! A command travels forward through the actors and carries the way back with it. Every outcome is one of five:
//! executed (a record is durable), rejected (business, nothing happened), not done (safe to retry), unknown (retry with
//! the same key and learn), overloaded (retry later).

use std::{sync::Arc, time::Duration};

use hwan_domain::{
    account::{AccountKind, AccountRevision},
    check::Fact,
    currency::Currency,
    exchange::{Ask, Side},
    id::{AccountId, CustomerId},
    money::Money,
    quote::Quote,
    record::{Record, RequestDigest},
    rejection::Rejection,
    reversal::ReversalPlan,
};
use rust_decimal::Decimal;

/// A change that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Open a customer.
    OpenCustomer {
        /// The bank's own name for the customer: an opaque reference, never a person's name.
        reference: Option<Box<str>>,
        /// To whom the customer is to belong; to the caller without.
        channel: Option<Arc<str>>,
    },
    /// Open an account; a customer has one of each kind.
    OpenAccount {
        /// Whose.
        customer: CustomerId,
        /// Won or foreign.
        kind: AccountKind,
    },
    /// Close an account, which has to be empty.
    CloseAccount {
        /// The account.
        account: AccountId,
        /// The state on which it was decided; any without.
        expected: Option<AccountRevision>,
    },
    /// State or lift a fact about an account.
    StateAccountFact {
        /// The account.
        account: AccountId,
        /// The fact.
        fact: Fact,
        /// The state on which it was decided; any without.
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
    /// Money is changed.
    Exchange(Box<Order>),
    /// An exchange is taken back: as [`reversal::plan`](hwan_domain::reversal::plan) has it.
    Reverse(Box<ReversalPlan>),
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
            | Command::Transfer { from: account, .. } => Party::OwnerOf(*account),
            Command::Exchange(order) => match order.as_ref() {
                Order::AtQuote(quote) => Party::Customer(quote.customer),
                Order::AtMarket(order) => Party::Customer(order.customer),
            },
            Command::Reverse(plan) => Party::Customer(plan.customer),
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

/// Whose customers somebody sees and uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everybody's.
    All,
    /// Those that belong to him: any other is answered exactly as if it did not exist.
    OwnCustomers,
}

/// Who looks, and how far he sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// His name.
    pub name: Arc<str>,
    /// Whose customers he sees.
    pub reach: Reach,
}

impl Viewer {
    /// Whether he sees a customer that belongs to `channel`.
    pub fn sees(&self, channel: &str) -> bool {
        self.reach == Reach::All || *self.name == *channel
    }
}

/// On whose word a command comes, and how its retries are known.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who; with the customer, his name is the scope of the key.
    pub who: Viewer,
    /// The idempotency key, 1 to 255 visible ASCII characters.
    pub key: Option<Box<str>>,
    /// The fingerprint of the request's body; another one under the same key is refused.
    pub request: RequestDigest,
}

/// Within what a key counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyScope {
    /// Of commands that are about no customer yet: openings, rounds, halts.
    Unscoped,
    /// Of this customer's commands.
    Customer(CustomerId),
    /// Of the commands of whoever owns this account.
    OwnerOf(AccountId),
}

/// What became of the command that came with a key.
#[derive(Clone, Debug)]
pub enum KeyView {
    /// It took no effect, as far as all that was answered tells.
    Absent,
    /// It is on its way.
    InFlight,
    /// It took effect: this record is durable.
    Completed(Arc<Record>),
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
}
