//! The engine's bounds.

use std::time::Duration;

use serde::Deserialize;

use super::{ConfigError, number::within};
use crate::actors::engine::EngineLimits;

/// How much the engine takes on, and what it does beyond that.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineConfig {
    /// Commands in flight in the whole engine; beyond it 503.
    pub in_flight_max: usize,
    /// Commands in flight of one customer; beyond it 429.
    pub in_flight_per_customer_max: u32,
    /// Records in one commit.
    pub batch_records_max: usize,
    /// How long a command may wait to be sequenced, in milliseconds; then it is not done.
    pub command_deadline_ms: u64,
    /// How long a customer may be idle in memory, in seconds.
    pub idle_after_seconds: u64,
    /// Customers in memory at most; beyond it the least recently used leave first.
    pub resident_customers_max: usize,
    /// For how long finished keys stay in memory, in seconds.
    pub key_window_seconds: u64,
    /// Finished keys in memory at most.
    pub keys_max: usize,
    /// Lanes of customers; may grow, never shrink: a lane is the home of its customers.
    pub customer_lanes: u16,
    /// For how long keys are kept at least, in hours.
    pub key_retention_hours: u64,
    /// Records that the projections may lag behind; beyond it 503.
    pub projection_lag_max: u64,
    /// Records of a lane that may wait to leave by the outbox; beyond it 503.
    pub outbox_backlog_max: u64,
}

impl EngineConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("engine.customer_lanes", self.customer_lanes, 1..=256)?;
        within("engine.in_flight_max", self.in_flight_max, 1..=1_000_000)?;
        within("engine.in_flight_per_customer_max", self.in_flight_per_customer_max, 1..=1_000_000)?;
        within("engine.batch_records_max", self.batch_records_max, 1..=4_096)?;
        within("engine.command_deadline_ms", self.command_deadline_ms, 10..=60_000)?;
        within("engine.idle_after_seconds", self.idle_after_seconds, 1..=86_400)?;
        within("engine.resident_customers_max", self.resident_customers_max, 1..=100_000_000)?;
        within("engine.key_window_seconds", self.key_window_seconds, 1..=3_600)?;
        within("engine.keys_max", self.keys_max, 1_000..=100_000_000)?;
        within("engine.key_retention_hours", self.key_retention_hours, 24..=8_760)?;
        within("engine.projection_lag_max", self.projection_lag_max, 1_000..=100_000_000)?;
        within("engine.outbox_backlog_max", self.outbox_backlog_max, 10_000..=1_000_000_000_000)
    }

    /// As the engine takes them.
    pub const fn limits(&self) -> EngineLimits {
        EngineLimits {
            customer_lanes: self.customer_lanes,
            in_flight_max: self.in_flight_max,
            in_flight_per_customer_max: self.in_flight_per_customer_max,
            batch_records_max: self.batch_records_max,
            command_deadline: Duration::from_millis(self.command_deadline_ms),
            idle_after: Duration::from_secs(self.idle_after_seconds),
            resident_customers_max: self.resident_customers_max,
            key_window: Duration::from_secs(self.key_window_seconds),
            keys_max: self.keys_max,
            key_retention: Duration::from_secs(self.key_retention_hours * 3_600),
            projection_lag_max: self.projection_lag_max,
            outbox_backlog_max: self.outbox_backlog_max,
        }
    }
}
