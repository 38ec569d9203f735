//! The façade: all that the API sees of the engine.

use std::{sync::Arc, time::Duration};

use hwan_domain::{
    board::{Board, Publication},
    currency::{Currency, CurrencySet},
    guard::GuardPolicy,
    id::{AccountId, CustomerId, Position},
    limit::LimitPolicy,
    quote::Quote,
    record::Record,
    round::RoundId,
    time::{BusinessDate, Timestamp},
};

use super::{
    command::{Caller, Command, Executed, MarketOrder, Refusal},
    view::{AccountView, CustomerView, LaneView},
};
use crate::{clock::Clock, storage::port::LedgerStore};

/// The engine's bounds. Every queue has one.
#[derive(Clone, Debug)]
pub struct EngineLimits {
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
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            in_flight_max: 16_384,
            in_flight_per_customer_max: 12_288,
            batch_records_max: 512,
            command_deadline: Duration::from_secs(5),
            idle_after: Duration::from_secs(300),
            resident_customers_max: 200_000,
            key_window: Duration::from_secs(120),
            keys_max: 1_000_000,
            key_retention: Duration::from_secs(24 * 3_600),
            projection_lag_max: 200_000,
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
    /// The bank's limits.
    pub policy: LimitPolicy,
    /// What the rate guard tolerates.
    pub guard: GuardPolicy,
    /// The longest life of a quote.
    pub quote_lifetime_max: Duration,
    /// The engine's bounds.
    pub limits: EngineLimits,
}

/// A running engine. Clones are the same engine.
#[derive(Clone)]
pub struct Engine;

impl Engine {
    /// Takes the lanes and opens the engine; returns once it takes commands, or with why it does not.
    /// Must be called within an actix system; the lanes run on arbiters of their own.
    pub async fn start(parts: EngineParts) -> Result<Self, StartError> {
        let _ = parts;
        todo!()
    }

    /// Executes a command: returns once its record is durable, or with why it was not executed.
    pub async fn execute(&self, caller: Caller, command: Command) -> Result<Executed, Refusal> {
        let _ = (caller, command);
        todo!()
    }

    /// Prices a market order without executing it: a quote that is good until `expires_at`, to be signed by the caller.
    pub async fn quote(&self, order: MarketOrder, lifetime: Duration) -> Result<Quote, Refusal> {
        let _ = (order, lifetime);
        todo!()
    }

    /// A customer; `None` if there is none.
    pub async fn customer(&self, id: CustomerId) -> Result<Option<CustomerView>, Refusal> {
        let _ = id;
        todo!()
    }

    /// An account; `None` if there is none.
    pub async fn account(&self, id: AccountId) -> Result<Option<AccountView>, Refusal> {
        let _ = id;
        todo!()
    }

    /// A durable record by its place; `None` if there is none.
    pub async fn record(&self, position: Position) -> Result<Option<Arc<Record>>, Refusal> {
        let _ = position;
        todo!()
    }

    /// The rates as they stand: durable rounds and halts.
    pub fn board(&self) -> Arc<Board> {
        todo!()
    }

    /// Publishes a round; the record says what the guard found.
    pub async fn publish(&self, caller: Caller, publication: Publication) -> Result<Executed, Refusal> {
        let _ = (caller, publication);
        todo!()
    }

    /// Voids a round.
    pub async fn void(&self, caller: Caller, round: RoundId, reason: &str) -> Result<Executed, Refusal> {
        let _ = (caller, round, reason);
        todo!()
    }

    /// Halts a pair.
    pub async fn halt(&self, caller: Caller, currency: Currency, reason: &str) -> Result<Executed, Refusal> {
        let _ = (caller, currency, reason);
        todo!()
    }

    /// Resumes a pair; the caller must not be who halted it.
    pub async fn resume(&self, caller: Caller, currency: Currency) -> Result<Executed, Refusal> {
        let _ = (caller, currency);
        todo!()
    }

    /// The currencies.
    pub fn currencies(&self) -> &Arc<CurrencySet> {
        todo!()
    }

    /// The bank's limits.
    pub fn policy(&self) -> LimitPolicy {
        todo!()
    }

    /// The clock's instant and its business date.
    pub fn now(&self) -> (Timestamp, BusinessDate) {
        todo!()
    }

    /// Every lane as it stands: for readiness and metrics.
    pub fn lanes(&self) -> Vec<LaneView> {
        todo!()
    }

    /// Stops: refuses new work, answers everything in flight, closes the store. Returns once all of it is done.
    pub async fn drain(&self) {
        todo!()
    }
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be used.
    #[error("the store cannot be used: {0}")]
    Store(#[from] crate::storage::port::StoreError),
    /// A lane stopped instead of opening.
    #[error("lane {lane} did not open: {reason}")]
    Lane {
        /// Which.
        lane: hwan_domain::id::LaneId,
        /// Why.
        reason: String,
    },
}
