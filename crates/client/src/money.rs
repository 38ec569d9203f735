//! Money as it travels: a decimal string at the currency's exact scale.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount with its currency. The amount is text on purpose: never a float, and the server judges its scale.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Such as `100.00`, `-135050`.
    pub amount: String,
    /// ISO 4217 code.
    pub currency: String,
}

impl Money {
    /// `amount` of `currency`.
    pub fn new(amount: impl Into<String>, currency: impl Into<String>) -> Self {
        Self { amount: amount.into(), currency: currency.into() }
    }

    /// The amount in minor units: the digits without their point. `None` for a text that is not a decimal number.
    pub fn minor_units(&self) -> Option<i128> {
        let (sign, digits) = match self.amount.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, self.amount.as_str()),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.') {
            return None;
        }
        format!("{whole}{fraction}").parse::<i128>().ok()?.checked_mul(sign)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_units_are_the_digits_without_their_point() {
        let units = |amount: &str| Money::new(amount, "USD").minor_units();
        assert_eq!(units("100.00"), Some(10_000));
        assert_eq!(units("-0.05"), Some(-5));
        assert_eq!(units("135050"), Some(135_050));
        for malformed in ["", ".", "1.", ".5", "1e2", "+1", "1,0", "NaN", "--1", "1.-5"] {
            assert_eq!(units(malformed), None, "{malformed}");
        }
    }
}
