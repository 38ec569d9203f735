//! Rates: won per unit of a foreign currency, exact.

use std::fmt;

use rust_decimal::Decimal;

/// A price in won for `unit` units of a foreign currency: 934.06 per 100 yen. The unit stays with the rate.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    value: Decimal,
    unit: u32,
}

/// The most decimals that a rate may have.
pub const RATE_DECIMALS_MAX: u32 = 8;
/// A rate is below this many won.
pub const RATE_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// Why a number is not a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Zero or less.
    #[error("a rate is above zero")]
    NotPositive,
    /// [`RATE_MAX`] or more, or more than [`RATE_DECIMALS_MAX`] decimals.
    #[error("a rate is below {RATE_MAX} and has at most {RATE_DECIMALS_MAX} decimals")]
    OutOfRange,
    /// A unit other than 1 and 100.
    #[error("a rate is quoted per 1 or per 100")]
    Unit,
}

impl Rate {
    /// `value` won for `unit` units of the foreign currency; `unit` is 1 or 100.
    pub fn new(value: Decimal, unit: u32) -> Result<Self, RateError> {
        if unit != 1 && unit != 100 {
            return Err(RateError::Unit);
        }
        if value <= Decimal::ZERO {
            return Err(RateError::NotPositive);
        }
        if value >= RATE_MAX || value.scale() > RATE_DECIMALS_MAX {
            return Err(RateError::OutOfRange);
        }
        Ok(Self { value, unit })
    }

    /// Won for [`Rate::unit`] units.
    pub const fn value(self) -> Decimal {
        self.value
    }

    /// How many units of the foreign currency the value is for: 1 or 100.
    pub const fn unit(self) -> u32 {
        self.unit
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            1 => write!(f, "{}", self.value),
            unit => write!(f, "{} per {unit}", self.value),
        }
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
