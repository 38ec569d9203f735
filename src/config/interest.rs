//! Interest: whether it is paid, and at which rates.

use std::path::{Path, PathBuf};

use hwan_domain::{
    currency::CurrencySet,
    interest::{RateLine, RateTable},
    time::BusinessDate,
};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::ConfigError;

/// The rates that hwan comes with.
const BUILT_IN: &str = include_str!("../../config/interest_rates.toml");

/// Whether interest is paid on won, and at which rates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterestConfig {
    /// Whether accounts can claim it.
    pub enabled: bool,
    /// A file with the bank's own rates; empty for the built-in ones.
    pub rates_file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RatesFile {
    #[serde(default)]
    rate: Vec<RateEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateEntry {
    currency: String,
    effective_from: String,
    annual_percent: String,
}

impl InterestConfig {
    /// The rates; none where no interest is paid.
    pub fn rates(&self, currencies: &CurrencySet) -> Result<RateTable, ConfigError> {
        if !self.enabled {
            return Ok(RateTable::default());
        }
        if self.rates_file.as_os_str().is_empty() {
            return parse(BUILT_IN, "config/interest_rates.toml (built in)", currencies);
        }
        from_file(&self.rates_file, currencies)
    }
}

fn from_file(path: &Path, currencies: &CurrencySet) -> Result<RateTable, ConfigError> {
    let place = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::InterestRates { place: place.clone(), cause: error.to_string() })?;
    parse(&text, &place, currencies)
}

fn parse(text: &str, place: &str, currencies: &CurrencySet) -> Result<RateTable, ConfigError> {
    let refused = |cause: String| ConfigError::InterestRates { place: place.to_owned(), cause };
    let file: RatesFile = toml::from_str(text).map_err(|error| refused(error.to_string()))?;
    let lines = file.rate.into_iter().map(|entry| line(entry, currencies)).collect::<Result<Vec<_>, _>>();
    RateTable::new(lines.map_err(refused)?).map_err(|error| refused(error.to_string()))
}

fn line(entry: RateEntry, currencies: &CurrencySet) -> Result<RateLine, String> {
    let RateEntry { currency, effective_from, annual_percent } = entry;
    Ok(RateLine {
        currency: currencies
            .find(&currency)
            .ok_or_else(|| format!("{currency:?} is not among the configured currencies"))?,
        effective_from: BusinessDate::parse(&effective_from)
            .ok_or_else(|| format!("effective_from {effective_from:?} is no date: write it as 2026-01-01"))?,
        annual_percent: Decimal::from_str_exact(&annual_percent)
            .map_err(|error| format!("annual_percent {annual_percent:?}: {error}"))?,
    })
}

#[cfg(test)]
mod tests {
    use hwan_domain::currency::Currency;

    use super::*;
    use crate::config::currencies;

    fn read(text: &str) -> Result<RateTable, String> {
        parse(text, "here", &currencies::built_in().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_built_in_rates_are_two_percent_on_won() {
        let config = InterestConfig { enabled: true, rates_file: PathBuf::new() };
        let currencies = currencies::built_in().unwrap();
        let table = config.rates(&currencies).unwrap();
        let day = BusinessDate::parse("2026-11-22").unwrap();
        assert_eq!(table.on(Currency::KRW, day), Some(Decimal::TWO));
        assert_eq!(table.lines().count(), 1);
        let off = InterestConfig { enabled: false, rates_file: "/nowhere.toml".into() };
        assert_eq!(off.rates(&currencies).unwrap(), RateTable::default());
    }

    #[test]
    fn what_are_no_rates_is_refused_by_place_and_cause() {
        let rate = |currency: &str, from: &str, percent: &str| {
            format!(
                "[[rate]]\ncurrency = \"{currency}\"\neffective_from = \"{from}\"\nannual_percent = \"{percent}\"\n"
            )
        };
        let twice = rate("KRW", "2026-01-01", "1") + &rate("KRW", "2026-01-01", "2");
        for (text, words) in [
            (rate("XAU", "2026-01-01", "1"), "XAU"),
            (rate("USD", "2026-01-01", "1"), "in won"),
            (rate("KRW", "01.01.2026", "1"), "no date"),
            (rate("KRW", "2026-01-01", "two"), "annual_percent"),
            (rate("KRW", "2026-01-01", "101"), "0 to 100 %"),
            (twice, "one a day"),
            ("[[rate]]\nccy = \"KRW\"".to_owned(), "ccy"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(words) && error.contains("here"), "{text}: {error}");
        }
        assert_eq!(read(""), Ok(RateTable::default()));
    }
}
