//! How far the bank's own currency positions may go.

use std::collections::BTreeMap;

use hwan_domain::{currency::CurrencySet, ledger::PositionLimit, money::MINOR_MAX};
use serde::Deserialize;

use super::{ConfigError, number::within};
use crate::accounting::positions::PositionLimits;

/// Limits of positions, by what the open amount is worth in won, to either side.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionsConfig {
    /// The soft mark: time to cover.
    pub soft_won: i64,
    /// The hard mark: cover now.
    pub hard_won: i64,
    /// Others for single currencies.
    pub currency: Vec<CurrencyLimits>,
}

/// The marks of one currency.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrencyLimits {
    /// Its code.
    pub code: String,
    /// The soft mark.
    pub soft_won: i64,
    /// The hard mark.
    pub hard_won: i64,
}

impl PositionsConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        limit(["positions.soft_won", "positions.hard_won"], self.soft_won, self.hard_won)?;
        for CurrencyLimits { soft_won, hard_won, .. } in &self.currency {
            limit(["positions.currency.soft_won", "positions.currency.hard_won"], *soft_won, *hard_won)?;
        }
        Ok(())
    }

    /// As the accounting takes them, for these currencies.
    pub fn limits(&self, currencies: &CurrencySet) -> Result<PositionLimits, ConfigError> {
        let usual = limit(["positions.soft_won", "positions.hard_won"], self.soft_won, self.hard_won)?;
        let mut single = BTreeMap::new();
        for CurrencyLimits { code, soft_won, hard_won } in &self.currency {
            let field = "positions.currency.code";
            let wrong = |advice: &str| ConfigError::Bound { field, found: code.clone(), advice: advice.to_owned() };
            let known = currencies.find(code).filter(|currency| !currency.is_home());
            let currency = known.ok_or_else(|| wrong("name a foreign currency of this bank"))?;
            let marks = limit(["positions.currency.soft_won", "positions.currency.hard_won"], *soft_won, *hard_won)?;
            if single.insert(currency, marks).is_some() {
                return Err(wrong("name each currency once"));
            }
        }
        Ok(PositionLimits::new(usual, single))
    }
}

fn limit([soft_field, hard_field]: [&'static str; 2], soft: i64, hard: i64) -> Result<PositionLimit, ConfigError> {
    within(soft_field, soft, 1..=MINOR_MAX)?;
    within(hard_field, hard, soft..=MINOR_MAX)?;
    PositionLimit::new(soft.into(), hard.into()).ok_or_else(|| ConfigError::Bound {
        field: hard_field,
        found: hard.to_string(),
        advice: "set it to the soft mark or above".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::currencies;

    fn read(text: &str) -> Result<PositionLimits, String> {
        let config: PositionsConfig = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check().map_err(|error| error.to_string())?;
        config.limits(&currencies::built_in().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn single_currencies_may_have_limits_of_their_own() {
        let text = "soft_won = 100\nhard_won = 200\n[[currency]]\ncode = \"USD\"\nsoft_won = 1_000\nhard_won = 1_000";
        let limits = read(text).unwrap();
        let set = currencies::built_in().unwrap();
        let hard = |code: &str| limits.of(set.find(code).unwrap()).hard();
        assert_eq!((hard("USD"), hard("JPY")), (1_000, 200));
    }

    #[test]
    fn limits_that_are_none_are_refused_by_name() {
        let single = |code: &str, marks: &str| {
            format!("soft_won = 1\nhard_won = 2\n{}", format!("[[currency]]\ncode = \"{code}\"\n{marks}\n").repeat(2))
        };
        for (text, words) in [
            ("soft_won = 0\nhard_won = 2\ncurrency = []".to_owned(), "positions.soft_won is 0"),
            ("soft_won = 3\nhard_won = 2\ncurrency = []".to_owned(), "positions.hard_won is 2"),
            (single("USD", "soft_won = 3\nhard_won = 2"), "positions.currency.hard_won is 2"),
            (single("USD", "soft_won = 1\nhard_won = 2"), "name each currency once"),
            (single("KRW", "soft_won = 1\nhard_won = 2"), "foreign currency"),
            (single("XAU", "soft_won = 1\nhard_won = 2"), "XAU"),
            (single("USD", "soft_wno = 1"), "soft_wno"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
