//! What a reader sees: committed balances, plus what is available now.
//!
//! A read is answered in lane order like any command: once all that it saw is durable.

use hwan_domain::{
    account::AccountState,
    customer::CustomerState,
    exchange::{Priced, Side, Terms},
    id::{AccountId, LaneId, Seq},
    limit::LimitWindow,
    money::Money,
    rejection::Violation,
    time::{BusinessDate, Timestamp},
};

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

/// What stands against a posting that is tried out. Nothing was reserved.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckView {
    /// Everything that does, in order of precedence.
    pub violations: Vec<Violation>,
    /// The lane time at which it was judged.
    pub at: Timestamp,
    /// The lane's business date.
    pub business_date: BusinessDate,
}

/// An exchange that is tried out. Nothing was reserved.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialView {
    /// Buy or sell.
    pub side: Side,
    /// At which numbers, where there are any.
    pub terms: Option<Terms>,
    /// Both legs, where they can be told.
    pub priced: Option<Priced>,
    /// The won account, where there is one.
    pub won_account: Option<AccountId>,
    /// The foreign account, where there is one.
    pub foreign_account: Option<AccountId>,
    /// Everything that stands against it, in order of precedence.
    pub violations: Vec<Violation>,
    /// The lane time at which it was judged.
    pub at: Timestamp,
    /// The lane's business date.
    pub business_date: BusinessDate,
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
    /// Up to where the projections have followed.
    pub projected: Seq,
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
