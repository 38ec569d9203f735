//! Amounts as texts and as minor units, and what an exchange must cost.

use std::fmt;

/// An ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(pub [u8; 3]);

impl Currency {
    /// Won.
    pub const KRW: Self = Self(*b"KRW");
    /// US dollars.
    pub const USD: Self = Self(*b"USD");
    /// Yen.
    pub const JPY: Self = Self(*b"JPY");

    /// From its code.
    pub fn of_code(code: &str) -> Option<Self> {
        code.as_bytes().try_into().ok().map(Self)
    }

    /// Its code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// A positive amount of minor units as it travels; of the currencies that the clients trade.
    pub fn text(self, minor: i64) -> String {
        match self {
            Self::USD => format!("{}.{:02}", minor / 100, minor % 100),
            _ => minor.to_string(),
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A decimal text: its digits as a number, and how many of them stand after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// All digits, without the point.
    pub digits: i128,
    /// How many stand after the point.
    pub scale: u32,
}

impl Decimal {
    /// Reads `-12.30`; nothing else that a number may look like.
    pub fn of(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(fraction) || unsigned.ends_with('.') {
            return None;
        }
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        Some(Self { digits: if negative { -digits } else { digits }, scale: u32::try_from(fraction.len()).ok()? })
    }
}

/// Which way an exchange goes, seen from the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Won into foreign currency: he pays, rounded up.
    Buy,
    /// Foreign currency into won: he gets, rounded down.
    Sell,
}

/// What `foreign` (its digits are minor units) must cost or bring in won at `rate` per `unit`.
pub fn won_leg(side: Side, foreign: Decimal, rate: Decimal, unit: u32) -> Option<i128> {
    let divisor = 10_i128.checked_pow(foreign.scale + rate.scale)?.checked_mul(i128::from(unit))?;
    let product = foreign.digits.checked_mul(rate.digits)?;
    let floor = product.div_euclid(divisor);
    Some(match side {
        Side::Buy if product.rem_euclid(divisor) != 0 => floor + 1,
        Side::Buy | Side::Sell => floor,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_costs_what_the_domain_says() {
        let won = |side, amount, rate, unit| {
            won_leg(side, Decimal::of(amount).unwrap(), Decimal::of(rate).unwrap(), unit).unwrap()
        };
        assert_eq!(won(Side::Buy, "100.00", "1350.50", 1), 135_050);
        assert_eq!(won(Side::Buy, "33.33", "1350.57", 1), 45_015);
        assert_eq!(won(Side::Sell, "33.33", "1350.57", 1), 45_014);
        assert_eq!(won(Side::Buy, "12345", "934.06", 100), 115_310);
        assert_eq!(won(Side::Sell, "12345", "934.06", 100), 115_309);
    }

    #[test]
    fn only_plain_decimals_are_read() {
        assert_eq!(Decimal::of("-12.30"), Some(Decimal { digits: -1_230, scale: 2 }));
        for text in ["", "-", ".5", "5.", "1e2", "+1", "1.2.3"] {
            assert_eq!(Decimal::of(text), None, "{text}");
        }
        assert_eq!(Currency::USD.text(105), "1.05");
    }
}
