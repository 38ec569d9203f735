//! The currencies: data, not code.

use std::path::Path;

use hwan_domain::currency::{CurrencySet, CurrencySpec};
use serde::Deserialize;

use super::{ConfigError, number::Exact};

/// The currencies that hwan comes with.
const BUILT_IN: &str = include_str!("../../config/currencies.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CurrencyFile {
    currency: Vec<CurrencyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CurrencyEntry {
    code: String,
    name: String,
    minor_digits: u8,
    rate_unit: u32,
    rate_decimals: u32,
    spread_decimals: u32,
    spread_percent: Exact,
    preference_percent: Exact,
    jump_percent_max: Exact,
    holding_cap_won: Option<i64>,
}

/// The built-in set.
pub fn built_in() -> Result<CurrencySet, ConfigError> {
    parse(BUILT_IN, "config/currencies.toml (built in)")
}

/// The set in a file.
pub(super) fn from_file(path: &Path) -> Result<CurrencySet, ConfigError> {
    let place = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::Currencies { place: place.clone(), cause: error.to_string() })?;
    parse(&text, &place)
}

fn parse(text: &str, place: &str) -> Result<CurrencySet, ConfigError> {
    let refused = |cause: String| ConfigError::Currencies { place: place.to_owned(), cause };
    let file: CurrencyFile = toml::from_str(text).map_err(|error| refused(error.to_string()))?;
    let specs = file.currency.into_iter().map(|entry| CurrencySpec {
        code: entry.code,
        name: entry.name,
        minor_digits: entry.minor_digits,
        rate_unit: entry.rate_unit,
        rate_decimals: entry.rate_decimals,
        spread_decimals: entry.spread_decimals,
        spread_percent: entry.spread_percent.0,
        preference_percent: entry.preference_percent.0,
        jump_percent_max: entry.jump_percent_max.0,
        holding_cap_won: entry.holding_cap_won,
    });
    CurrencySet::new(specs.collect()).map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_currencies_are_the_eighteen_with_their_units_and_caps() {
        let set = built_in().unwrap();
        let listed = |pick: &dyn Fn(&CurrencySpec) -> bool| -> Vec<String> {
            set.foreign().filter(|(_, spec)| pick(spec)).map(|(currency, _)| currency.to_string()).collect()
        };
        assert_eq!(set.foreign().count(), 17);
        assert_eq!(listed(&|spec| spec.rate_unit == 100), ["IDR", "JPY", "VND"]);
        assert_eq!(listed(&|spec| spec.minor_digits == 0), ["JPY", "VND"]);
        assert_eq!(listed(&|spec| spec.spread_decimals == 1), ["USD"]);
        assert_eq!(listed(&|spec| spec.jump_percent_max == 2.into()), ["USD"]);
        assert_eq!(listed(&|spec| spec.holding_cap_won == Some(5_000_000)), ["IDR", "MYR", "PHP", "TWD", "VND"]);
        assert!(set.foreign().all(|(_, spec)| spec.preference_percent == 100.into()));
    }

    #[test]
    fn a_field_that_does_not_exist_is_refused() {
        let error = parse(&BUILT_IN.replacen("rate_unit =", "rate_untit =", 1), "my.toml").unwrap_err().to_string();
        assert!(error.contains("my.toml") && error.contains("rate_untit"), "{error}");
    }
}
