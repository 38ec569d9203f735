//! What a reader sees: committed balances, plus what is available now.
//!
//! A read is answered in lane order like any command: once all that it saw is durable.

use std::sync::Arc;

use hwan_domain::{
    account::AccountState,
    customer::CustomerState,
    exchange::{Priced, Side, Terms},
    id::{AccountId, CustomerId, LaneId, Seq},
    interest::Interest,
    limit::LimitWindow,
    money::Money,
    record::Record,
    rejection::Violation,
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;

/// An account as a reader sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountView {
    /// Balances, version, facts: all of it durable.
    pub state: AccountState,
    /// For each currency held: what can be debited now.
    pub available: Vec<Money>,
    /// What a command in flight has reserved.
    pub reserved: Option<Money>,
    /// The lane time at which it was seen.
    pub at: Timestamp,
    /// The lane's business date.
    pub business_date: BusinessDate,
}

/// A customer as a reader sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomerView {
    /// Facts and limit counters: all of it durable.
    pub state: CustomerState,
    /// The accounts, by id.
    pub accounts: Vec<AccountId>,
    /// Reserved of the limits by exchanges in flight, in won.
    pub in_flight_won: i64,
    /// The limit day and month at that moment.
    pub window: LimitWindow,
    /// The lane time at which it was seen.
    pub at: Timestamp,
}

/// What interest an account could claim.
#[derive(Clone, Debug, PartialEq)]
pub struct InterestView {
    /// The account.
    pub account: AccountId,
    /// Its owner.
    pub customer: CustomerId,
    /// The last day paid for; `None` before the first payment.
    pub paid_through: Option<BusinessDate>,
    /// Whether the bank pays interest on it at all.
    pub is_offered: bool,
    /// The rate of the lane's business date, in percent a year; `None` before the first rate.
    pub annual_percent: Option<Decimal>,
    /// What accrued since, through the day before the lane's business date; `None` where that is no day at all.
    pub interest: Option<Interest>,
    /// The lane time at which it was seen.
    pub at: Timestamp,
    /// The lane's business date.
    pub business_date: BusinessDate,
}

/// What every check says to a posting that was not made.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckView {
    /// All that stands against it, by precedence; nothing where it would be admitted.
    pub violations: Vec<Violation>,
    /// The lane time at which it was judged.
    pub at: Timestamp,
    /// The lane's business date.
    pub business_date: BusinessDate,
}

/// What would become of an exchange that was not made.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialView {
    /// Buy or sell.
    pub side: Side,
    /// The terms, where the pair trades.
    pub terms: Option<Terms>,
    /// Both amounts, where there are terms and an amount at them.
    pub priced: Option<Priced>,
    /// The won account, where the customer has it.
    pub won_account: Option<AccountId>,
    /// The foreign account, where the customer has it.
    pub foreign_account: Option<AccountId>,
    /// All that stands against it, by precedence; nothing where it would be executed.
    pub violations: Vec<Violation>,
    /// The lane time at which it was judged.
    pub at: Timestamp,
    /// The lane's business date.
    pub business_date: BusinessDate,
}

/// What became of an idempotency key.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyView {
    /// It has taken no effect, and nothing is on its way under it.
    Absent,
    /// A command is on its way under it.
    InFlight,
    /// It took effect: this is the record.
    Completed(Arc<Record>),
}

/// In which scope a key is looked for, beside the caller's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyScope {
    /// Openings of customers, rounds, halts.
    Unscoped,
    /// What was asked of this customer.
    Customer(CustomerId),
    /// What was asked of whoever owns this account.
    OwnerOf(AccountId),
}

/// A lane as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneView {
    /// Which.
    pub lane: LaneId,
    /// Whether it takes commands.
    pub status: LaneStatus,
    /// The newest durable record.
    pub durable: Seq,
    /// Its business date; `None` while the lane is not open, or before its first record.
    pub business_date: Option<BusinessDate>,
    /// Up to where the projections have followed.
    pub projected: Seq,
    /// Up to where the outbox has taken the records out; `None` without an outbox.
    pub published: Option<Seq>,
    /// Since when the oldest record is known to wait for the outbox; `None` where none does.
    pub waits_since: Option<Timestamp>,
}

/// Whether a lane takes commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneStatus {
    /// Being taken, or catching up.
    Opening,
    /// Takes commands.
    Open,
    /// Stopped for good: an invariant is broken, the store went back, or another owner has it.
    Stopped,
    /// Drained.
    Closed,
}

impl LaneStatus {
    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            LaneStatus::Opening => "opening",
            LaneStatus::Open => "open",
            LaneStatus::Stopped => "stopped",
            LaneStatus::Closed => "closed",
        }
    }
}
