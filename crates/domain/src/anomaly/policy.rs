//! Where the watch draws its lines: thresholds, and how much it remembers. All of it is configured; the defaults are a bank's.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::{
    currency::{Currency, CurrencySet},
    limit::LimitPolicy,
};

/// Thresholds of the rules and bounds of what is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchPolicy {
    /// The bank's limits, as the engine goes by them.
    pub limits: LimitPolicy,
    /// The holding caps in won, by currency.
    pub holding_caps: BTreeMap<Currency, i64>,
    /// The band of a round around the one before it, in percent, by currency.
    pub bands: BTreeMap<Currency, Decimal>,
    /// The band of currencies that have none of their own, in percent.
    pub band_percent_max: Decimal,
    /// For how long an exchange may still trade on a round after it was voided or followed by another, or its pair was halted, in
    /// seconds: what was decided before the board's change was durable.
    pub board_grace_seconds: i64,
    /// The longest life of a quote, in seconds.
    pub quote_lifetime_seconds_max: i64,
    /// For how long the round of an exchange may be unknown, in seconds: the system lane's records may come later.
    pub round_wait_seconds_max: i64,
    /// Exchanges of a customer within a minute.
    pub exchanges_per_minute_max: u32,
    /// The amount that structuring stays below, in won.
    pub structuring_won: i64,
    /// How close below it counts, in percent of it.
    pub structuring_percent: i64,
    /// How many such exchanges are too many.
    pub structuring_count: u32,
    /// Within how many days.
    pub structuring_days: i64,
    /// Days after its exchange until which a reversal is not late.
    pub compensation_days_max: i32,
    /// What rounding may leave less than nothing, or more than a won an exchange, over a day and a currency of a lane, in won.
    pub rounding_drift_won_max: i64,
    /// For how long a key stands for one request, in seconds: how long the engine keeps keys.
    pub key_retention_seconds: i64,
    /// When a saga is late, in seconds.
    pub saga_late_seconds: i64,
    /// When a saga is stuck, in seconds.
    pub saga_stuck_seconds: i64,
    /// When money in suspense is old, in seconds.
    pub suspense_seconds_max: i64,
    /// For how long a record may wait for the bank's books, in seconds.
    pub lag_seconds_max: i64,
    /// How many records of a lane may wait for the bank's books.
    pub lag_records_max: u64,
    /// Accounts, and customers, of a lane that are followed one by one; those opened later are only counted.
    pub accounts_max: usize,
    /// Keys of a lane that are remembered.
    pub keys_max: usize,
    /// Reversed exchanges of a lane that are remembered.
    pub reversals_max: usize,
    /// Rounds of a pair that are remembered.
    pub rounds_max: usize,
    /// Exchanges of a lane that wait for their round, and suspended amounts, that are remembered.
    pub waiting_max: usize,
}

impl Default for WatchPolicy {
    fn default() -> Self {
        Self {
            limits: LimitPolicy::default(),
            holding_caps: BTreeMap::new(),
            bands: BTreeMap::new(),
            band_percent_max: Decimal::from_parts(3, 0, 0, false, 0),
            board_grace_seconds: 10,
            quote_lifetime_seconds_max: 300,
            round_wait_seconds_max: 60,
            exchanges_per_minute_max: 600,
            structuring_won: 10_000_000,
            structuring_percent: 10,
            structuring_count: 3,
            structuring_days: 7,
            compensation_days_max: 7,
            rounding_drift_won_max: 1,
            key_retention_seconds: 24 * 3_600,
            saga_late_seconds: 60,
            saga_stuck_seconds: 600,
            suspense_seconds_max: 24 * 3_600,
            lag_seconds_max: 60,
            lag_records_max: 1_000_000,
            accounts_max: 2_000_000,
            keys_max: 262_144,
            reversals_max: 65_536,
            rounds_max: 4_096,
            waiting_max: 4_096,
        }
    }
}

impl WatchPolicy {
    /// With the caps and the bands of these currencies.
    #[must_use]
    pub fn with_currencies(mut self, currencies: &CurrencySet) -> Self {
        for (currency, spec) in currencies.foreign() {
            self.bands.insert(currency, spec.jump_percent_max);
            if let Some(cap) = spec.holding_cap_won {
                self.holding_caps.insert(currency, cap);
            }
        }
        self
    }

    /// The band of a currency, in percent.
    pub fn band(&self, currency: Currency) -> Decimal {
        self.bands.get(&currency).copied().unwrap_or(self.band_percent_max)
    }
}
