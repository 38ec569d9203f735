//! The bank's limits.

use hwan_domain::limit::LimitPolicy;
use serde::Deserialize;

use super::{ConfigError, number::within};

/// What a customer may change or move, in won.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Into foreign currency, a limit day.
    pub daily_won: i64,
    /// Into foreign currency, a limit month.
    pub monthly_won: i64,
    /// Debits of a limited account, a business date.
    pub limited_account_daily_won: i64,
}

impl LimitsConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let most = hwan_domain::money::MINOR_MAX;
        within("limits.daily_won", self.daily_won, 0..=most)?;
        within("limits.monthly_won", self.monthly_won, 0..=most)?;
        within("limits.limited_account_daily_won", self.limited_account_daily_won, 0..=most)
    }

    /// As the domain takes them.
    pub const fn policy(&self) -> LimitPolicy {
        LimitPolicy {
            daily_won: self.daily_won,
            monthly_won: self.monthly_won,
            limited_account_daily_won: self.limited_account_daily_won,
        }
    }
}
