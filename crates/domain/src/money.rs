//! Money: a whole number of minor units with its currency. Never a float, never rounded silently.

use std::fmt;

use crate::currency::Currency;

/// The largest amount of one posting or balance, in minor units: 10^17, more than twenty times Korea's money supply,
/// so that a sum of many never overflows 63 bits unnoticed (every sum is checked all the same).
pub const MINOR_MAX: i64 = 100_000_000_000_000_000;

/// The longest text that is read as an amount.
const TEXT_LEN_MAX: usize = 24;

/// An amount of one currency, in minor units; negative for a debit.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why a text is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not digits with at most one point.
    #[error("amount {0:?} is not a decimal number: write digits, at most one point, no sign, exponent or space")]
    Malformed(String),
    /// More or fewer digits after the point than the currency has.
    #[error("{currency} has {expected} decimals, the amount has {found}")]
    Scale {
        /// The currency.
        currency: Currency,
        /// Its minor digits.
        expected: u8,
        /// The digits found after the point.
        found: usize,
    },
    /// Beyond [`MINOR_MAX`].
    #[error("amount is larger than {MINOR_MAX} minor units")]
    TooLarge,
}

/// Why two amounts could not be added, or a number is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The currencies differ.
    #[error("cannot combine {0} with {1}")]
    CurrencyMismatch(Currency, Currency),
    /// The result is beyond [`MINOR_MAX`].
    #[error("amount is larger than {MINOR_MAX} minor units")]
    Overflow,
}

impl Money {
    /// `minor` minor units of `currency`; refused beyond ±[`MINOR_MAX`].
    pub const fn from_minor(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor > MINOR_MAX || minor < -MINOR_MAX { Err(MoneyError::Overflow) } else { Ok(Self { minor, currency }) }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// `won` won; refused beyond ±[`MINOR_MAX`].
    pub const fn won(won: i64) -> Result<Self, MoneyError> {
        Self::from_minor(won, Currency::KRW)
    }

    /// Reads an unsigned amount at the currency's exact scale: `"100.00"` for USD, `"100"` for KRW.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, AmountError> {
        let malformed = || AmountError::Malformed(text.chars().take(TEXT_LEN_MAX).collect());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let dangling_point = text.contains('.') && fraction.is_empty();
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || dangling_point || leading_zero || !all_digits(whole) || !all_digits(fraction) {
            return Err(malformed());
        }
        if fraction.len() != usize::from(currency.minor_digits()) {
            return Err(AmountError::Scale { currency, expected: currency.minor_digits(), found: fraction.len() });
        }
        if text.len() > TEXT_LEN_MAX {
            return Err(AmountError::TooLarge);
        }
        let mut minor: i64 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            minor = minor
                .checked_mul(10)
                .and_then(|minor| minor.checked_add(i64::from(byte - b'0')))
                .filter(|minor| *minor <= MINOR_MAX)
                .ok_or(AmountError::TooLarge)?;
        }
        Ok(Self { minor, currency })
    }

    /// The number of minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether it is less than nothing.
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// The same amount in the other direction.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self { minor: -self.minor, currency: self.currency } // ±MINOR_MAX is symmetric
    }

    /// The sum, of the same currency and within ±[`MINOR_MAX`].
    pub fn checked_add(self, other: Money) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        match self.minor.checked_add(other.minor) {
            Some(minor) => Self::from_minor(minor, self.currency),
            None => Err(MoneyError::Overflow),
        }
    }

    /// The difference, of the same currency and within ±[`MINOR_MAX`].
    pub fn checked_sub(self, other: Money) -> Result<Self, MoneyError> {
        self.checked_add(other.negated())
    }
}

impl fmt::Display for Money {
    /// The amount alone at its exact scale: `-135050`, `100.00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        match usize::from(self.currency.minor_digits()) {
            0 => write!(f, "{sign}{minor}"),
            digits => {
                let scale = 10_u64.pow(u32::from(self.currency.minor_digits()));
                write!(f, "{sign}{}.{:0digits$}", minor / scale, minor % scale)
            }
        }
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {}", self.currency)
    }
}
