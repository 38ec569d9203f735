//! The world that is simulated: a few currencies with their rules, and instants at which days and months turn.

use std::sync::{Arc, LazyLock};

use hwan_domain::{
    currency::{Currency, CurrencySet, CurrencySpec},
    time::Timestamp,
};
use rust_decimal::Decimal;

/// Code, minor digits, rate unit, holding cap in won.
const CURRENCIES: [(&str, u8, u32, Option<i64>); 4] =
    [("KRW", 0, 1, None), ("USD", 2, 1, None), ("JPY", 0, 100, None), ("VND", 0, 100, Some(60_000))];

static SET: LazyLock<Arc<CurrencySet>> = LazyLock::new(|| {
    let specs = CURRENCIES.map(|(code, minor_digits, rate_unit, holding_cap_won)| CurrencySpec {
        code: code.into(),
        name: code.into(),
        minor_digits,
        rate_unit,
        rate_decimals: 2,
        spread_decimals: if code == "USD" { 1 } else { 2 },
        spread_percent: Decimal::ONE,
        preference_percent: Decimal::ONE_HUNDRED,
        jump_percent_max: if code == "USD" { Decimal::TWO } else { Decimal::from(3) },
        holding_cap_won,
    });
    Arc::new(CurrencySet::new(specs.into()).expect("the codes are distinct and hold KRW"))
});

/// The currencies.
pub fn currencies() -> Arc<CurrencySet> {
    Arc::clone(&SET)
}

/// A currency of the set.
pub fn currency(code: &str) -> Currency {
    SET.find(code).expect("a code of the set")
}

/// Instants shortly before something turns: nothing, midnight, the limit day, the month, the limit month.
pub(crate) const BEGINNINGS: [&str; 5] = [
    "2026-11-23T10:00:00+09:00",
    "2026-11-23T23:59:57+09:00",
    "2026-11-23T08:59:57+09:00",
    "2026-11-30T23:59:58+09:00",
    "2026-12-01T08:59:58+09:00",
];

/// An instant by its text.
pub fn instant(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("an instant")
}
