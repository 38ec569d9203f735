//! Rates: what the guard tolerates, which currencies there are, and whether demonstration rates are published.

use std::path::PathBuf;

use hwan_domain::{currency::CurrencySet, guard::GuardPolicy};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{
    ConfigError, currencies,
    number::{Exact, within},
};

/// How rounds are judged and where they come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatesConfig {
    /// Deviation from the median of independent sources, in percent; beyond it a round does not trade.
    pub deviation_percent_max: Exact,
    /// Age of an observation, in seconds; beyond it a round does not trade.
    pub staleness_seconds_max: i64,
    /// A file in place of the built-in currencies; empty for the built-in ones.
    pub currencies_file: PathBuf,
    /// Whether to publish fixed rates and open a customer with money, to try the engine out.
    pub demonstration: bool,
}

impl RatesConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("rates.deviation_percent_max", self.deviation_percent_max.0, Decimal::ZERO..=Decimal::ONE_HUNDRED)?;
        within("rates.staleness_seconds_max", self.staleness_seconds_max, 1..=86_400)
    }

    /// As the domain takes them.
    pub const fn guard(&self) -> GuardPolicy {
        GuardPolicy {
            deviation_percent_max: self.deviation_percent_max.0,
            staleness_seconds_max: self.staleness_seconds_max,
        }
    }

    /// The currencies, from the file or the built-in ones.
    pub fn currencies(&self) -> Result<CurrencySet, ConfigError> {
        if self.currencies_file.as_os_str().is_empty() {
            currencies::built_in()
        } else {
            currencies::from_file(&self.currencies_file)
        }
    }
}
