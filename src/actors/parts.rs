//! What an engine is made of, its bounds, and why it may not start.

use std::{sync::Arc, time::Duration};

use hwan_domain::{
    business_day::BusinessDay, currency::CurrencySet, guard::GuardPolicy, id::LaneId, interest::RateTable,
    limit::LimitPolicy,
};

use crate::{
    clock::Clock,
    outbox::port::Follower,
    storage::port::{LedgerStore, StoreError},
};

/// The engine's bounds. Every queue has one.
#[derive(Clone, Debug)]
pub struct EngineLimits {
    /// Lanes of customers, beside the system lane. May grow, never shrink: a lane is the home of its customers.
    pub customer_lanes: u16,
    /// Commands in flight in the whole engine; beyond it: overloaded.
    pub in_flight_max: usize,
    /// Commands in flight of one customer; beyond it: overloaded.
    pub in_flight_per_customer_max: u32,
    /// Records in one commit.
    pub batch_records_max: usize,
    /// How long a command may wait to be sequenced.
    pub command_deadline: Duration,
    /// How long a customer may be idle in memory.
    pub idle_after: Duration,
    /// How many customers may be in memory before the least recently used are passivated.
    pub resident_customers_max: usize,
    /// For how long finished keys stay in memory.
    pub key_window: Duration,
    /// How many finished keys stay in memory at most; a shorter window follows from it.
    pub keys_max: usize,
    /// For how long keys are kept at least; a time-ordered key older than that is refused.
    pub key_retention: Duration,
    /// How far the projections may lag behind the journal, in records, before the door closes.
    pub projection_lag_max: u64,
    /// How many durable records of a lane may wait for the outbox before the door closes to commands.
    pub outbox_backlog_max: u64,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            customer_lanes: 1,
            in_flight_max: 4_096,
            in_flight_per_customer_max: 1_024,
            batch_records_max: 512,
            command_deadline: Duration::from_secs(5),
            idle_after: Duration::from_secs(300),
            resident_customers_max: 200_000,
            key_window: Duration::from_secs(30),
            keys_max: 1_000_000,
            key_retention: Duration::from_secs(24 * 3_600),
            projection_lag_max: 200_000,
            outbox_backlog_max: 20_000_000,
        }
    }
}

/// What the engine is made of.
pub struct EngineParts {
    /// The store of record.
    pub store: Arc<dyn LedgerStore>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// The currencies.
    pub currencies: Arc<CurrencySet>,
    /// When business dates begin.
    pub business_day: BusinessDay,
    /// The bank's limits.
    pub policy: LimitPolicy,
    /// What the rate guard tolerates.
    pub guard: GuardPolicy,
    /// What won bears; an empty table where no interest is paid.
    pub interest: Arc<RateTable>,
    /// The longest life of a quote.
    pub quote_lifetime_max: Duration,
    /// The engine's bounds.
    pub limits: EngineLimits,
    /// Who takes what becomes durable out of the engine, if anybody does.
    pub outbox: Option<Arc<dyn Follower>>,
    /// On which threads it runs.
    pub placement: Placement,
}

/// On which threads the engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Each lane on an arbiter of its own.
    OwnArbiters,
    /// Everything on the caller's thread: for simulation.
    CallersThread,
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be used.
    #[error("the store cannot be used: {0}")]
    Store(#[from] StoreError),
    /// More lanes than there can be.
    #[error("there is no lane {0}: ask for fewer lanes")]
    TooManyLanes(u16),
    /// A lane stopped instead of opening.
    #[error("lane {lane} did not open: {reason}")]
    Lane {
        /// Which.
        lane: LaneId,
        /// Why.
        reason: String,
    },
}
