//! Currencies. The set is data, handed in as a [`CurrencySet`]; only the home currency, the won, is known by name.

use std::{collections::BTreeMap, fmt};

use rust_decimal::Decimal;

/// A currency: its ISO 4217 code and its minor digits. Made only by a [`CurrencySet`], but for [`Currency::KRW`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: [u8; 3],
    minor_digits: u8,
}

impl Currency {
    /// The home currency: every exchange has the won on one side.
    pub const KRW: Currency = Currency { code: *b"KRW", minor_digits: 0 };

    /// The ISO 4217 code: three capital letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("???") // the constructor admits capital letters only
    }

    /// The code's three bytes, as a key.
    pub const fn code_bytes(&self) -> &[u8; 3] {
        &self.code
    }

    /// How many digits the minor unit has: 0 for won and yen, 2 for dollars.
    pub const fn minor_digits(&self) -> u8 {
        self.minor_digits
    }

    /// Whether this is the won.
    pub fn is_home(&self) -> bool {
        *self == Self::KRW
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What the bank says of one currency. Percentages are in percent: `2` is 2 %.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrencySpec {
    /// ISO 4217 code, three capital letters.
    pub code: String,
    /// English name.
    pub name: String,
    /// Digits of the minor unit, 0 to 4.
    pub minor_digits: u8,
    /// How many units of the currency a rate is quoted for: 1 or 100.
    pub rate_unit: u32,
    /// Decimals that a rate of this currency may have at most.
    pub rate_decimals: u32,
    /// Decimals to which the spread in won is cut: 1 for USD, 2 for the others.
    pub spread_decimals: u32,
    /// The spread between mid and TT rate, in percent of mid.
    pub spread_percent: Decimal,
    /// How much of the spread is waived for customers, in percent; 100 trades at mid.
    pub preference_percent: Decimal,
    /// The jump against the previous round beyond which a round does not trade, in percent.
    pub jump_percent_max: Decimal,
    /// The holding cap in won, if the currency has one.
    pub holding_cap_won: Option<i64>,
}

/// The most decimals that a percentage may have: few enough that every product with a rate is exact.
pub const PERCENT_DECIMALS_MAX: u32 = 6;

/// Whether this is a percentage to work with: 0 to 100, with at most [`PERCENT_DECIMALS_MAX`] decimals.
pub fn is_percentage(percent: Decimal) -> bool {
    (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&percent) && percent.normalize().scale() <= PERCENT_DECIMALS_MAX
}

/// The currencies that a bank deals in, the won among them.
#[derive(Clone, Debug)]
pub struct CurrencySet {
    by_code: BTreeMap<[u8; 3], (Currency, CurrencySpec)>,
}

/// Why a list of currencies is not a set to trade in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurrencySetError {
    /// A code is not three capital letters.
    #[error("currency code {0:?} is not three capital letters")]
    Code(String),
    /// A code stands twice.
    #[error("currency {0} is listed twice")]
    Duplicate(String),
    /// A number is out of its range.
    #[error("currency {code}: {field} is out of range: {expected}")]
    Range {
        /// The currency.
        code: String,
        /// The field.
        field: &'static str,
        /// What it may be.
        expected: &'static str,
    },
    /// The home currency is missing or has another scale.
    #[error("the set must hold KRW with 0 minor digits")]
    NoHome,
}

impl CurrencySet {
    /// Checks and indexes a list of currencies.
    pub fn new(specs: Vec<CurrencySpec>) -> Result<Self, CurrencySetError> {
        let mut by_code = BTreeMap::new();
        for spec in specs {
            let code: [u8; 3] = spec
                .code
                .as_bytes()
                .try_into()
                .ok()
                .filter(|code: &[u8; 3]| code.iter().all(u8::is_ascii_uppercase))
                .ok_or_else(|| CurrencySetError::Code(spec.code.clone()))?;
            const PERCENTAGE: &str = "0 to 100, at most 6 decimals";
            let checks = [
                (spec.minor_digits <= 4, "minor_digits", "0 to 4"),
                (spec.rate_unit == 1 || spec.rate_unit == 100, "rate_unit", "1 or 100"),
                (spec.rate_decimals <= 6, "rate_decimals", "0 to 6"),
                (spec.spread_decimals <= spec.rate_decimals, "spread_decimals", "0 to rate_decimals"),
                (is_percentage(spec.spread_percent), "spread_percent", PERCENTAGE),
                (is_percentage(spec.preference_percent), "preference_percent", PERCENTAGE),
                (is_percentage(spec.jump_percent_max), "jump_percent_max", PERCENTAGE),
                (spec.holding_cap_won.is_none_or(|cap| cap > 0), "holding_cap_won", "above 0"),
            ];
            if let Some((_, field, expected)) = checks.into_iter().find(|(good, ..)| !good) {
                return Err(CurrencySetError::Range { code: spec.code, field, expected });
            }
            let currency = Currency { code, minor_digits: spec.minor_digits };
            if let Some((_, twice)) = by_code.insert(code, (currency, spec)) {
                return Err(CurrencySetError::Duplicate(twice.code));
            }
        }
        let set = Self { by_code };
        match set.find("KRW") {
            Some(Currency::KRW) => Ok(set),
            _ => Err(CurrencySetError::NoHome),
        }
    }

    /// The currency of this code, if the bank deals in it.
    pub fn find(&self, code: &str) -> Option<Currency> {
        let code: &[u8; 3] = code.as_bytes().try_into().ok()?;
        self.by_code.get(code).map(|(currency, _)| *currency)
    }

    /// What the bank says of this currency; `None` for one of another set.
    pub fn spec(&self, currency: Currency) -> Option<&CurrencySpec> {
        self.by_code.get(&currency.code).map(|(_, spec)| spec)
    }

    /// All currencies, by code.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, &CurrencySpec)> {
        self.by_code.values().map(|(currency, spec)| (*currency, spec))
    }

    /// All currencies but the won, by code.
    pub fn foreign(&self) -> impl Iterator<Item = (Currency, &CurrencySpec)> {
        self.iter().filter(|(currency, _)| !currency.is_home())
    }
}
