//! A lane's control totals in a column: a JSON object of minor units by currency code, as text, since they are wider than 64 bits.

use std::{collections::BTreeMap, fmt::Write as _};

use hwan_domain::{
    control::{ControlTotal, ControlTotals},
    currency::CurrencySet,
};

use super::port::StoreError;

/// As the column holds them.
pub(super) fn write(totals: &ControlTotals) -> String {
    let mut text = String::from("{");
    for ControlTotal { currency, minor } in totals.iter() {
        let comma = if text.len() > 1 { "," } else { "" };
        let _ = write!(text, "{comma}\"{}\":\"{minor}\"", currency.code()); // a string takes every write
    }
    text.push('}');
    text
}

/// From the column.
pub(super) fn read(text: &str, currencies: &CurrencySet) -> Result<ControlTotals, StoreError> {
    let damaged = |what: String| StoreError::Damaged(format!("the stored totals {text:?} cannot be read: {what}"));
    let stored: BTreeMap<&str, &str> = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
    of_sums(stored, currencies).map_err(|error| damaged(error.to_string()))
}

/// From sums by currency, minor units as text.
pub(super) fn of_sums<'a>(
    sums: impl IntoIterator<Item = (&'a str, &'a str)>,
    currencies: &CurrencySet,
) -> Result<ControlTotals, StoreError> {
    let damaged = |what: String| StoreError::Damaged(format!("a sum of balances cannot be read: {what}"));
    let mut totals = Vec::new();
    for (code, sum) in sums {
        let currency = currencies.find(code).ok_or_else(|| damaged(format!("{code} is not configured")))?;
        let minor = sum.parse().map_err(|error| damaged(format!("{sum:?}: {error}")))?;
        totals.push(ControlTotal { currency, minor });
    }
    Ok(ControlTotals::of(totals))
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use hwan_domain::currency::Currency;

    use super::*;
    use crate::storage::conformance::fixture::currencies;

    #[test]
    fn totals_come_back_exactly_however_large() {
        let currencies = currencies();
        let usd = currencies.find("USD").unwrap();
        let totals = ControlTotals::of([
            ControlTotal { currency: usd, minor: -5 },
            ControlTotal { currency: Currency::KRW, minor: i128::from(i64::MAX) * 1_000 },
        ]);
        let text = write(&totals);
        assert_eq!(text, r#"{"KRW":"9223372036854775807000","USD":"-5"}"#);
        assert_eq!(read(&text, &currencies).unwrap(), totals);
        assert_eq!(read("{}", &currencies).unwrap(), ControlTotals::default());
        for wrong in ["", "[]", r#"{"XXX":"1"}"#, r#"{"KRW":"1.5"}"#, r#"{"KRW":1}"#] {
            assert!(matches!(read(wrong, &currencies), Err(StoreError::Damaged(_))), "{wrong}");
        }
    }
}
