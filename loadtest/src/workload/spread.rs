//! How exchanges spread over customers.

use std::{fmt, str::FromStr};

/// How exchanges spread over customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// Each customer as often as any other.
    Uniform,
    /// The customer of rank r as often as 1 / r^s.
    Zipf {
        /// s, in hundredths; at most 5.
        exponent_hundredths: u16,
    },
    /// The first customers alone, each as often as any other of them.
    Hot {
        /// How many; at least 1.
        customers: u32,
    },
}

/// Hundredths of an exponent that is not given: 0.99, as YCSB has it.
const EXPONENT_HUNDREDTHS: u16 = 99;

impl FromStr for Spread {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is none of `uniform`, `zipf`, `zipf:1.2` and `hot:10`");
        match text.split_once(':') {
            None if text == "uniform" => Ok(Self::Uniform),
            None if text == "zipf" => Ok(Self::Zipf { exponent_hundredths: EXPONENT_HUNDREDTHS }),
            Some(("zipf", exponent)) => match hundredths(exponent) {
                Some(exponent_hundredths @ 1..=500) => Ok(Self::Zipf { exponent_hundredths }),
                _ => Err("the exponent of zipf lies between 0.01 and 5, with at most two decimals".to_owned()),
            },
            Some(("hot", customers)) => match customers.parse() {
                Ok(customers @ 1..) => Ok(Self::Hot { customers }),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Zipf { exponent_hundredths: s } => write!(f, "zipf:{}.{:02}", s / 100, s % 100),
            Self::Hot { customers } => write!(f, "hot:{customers}"),
        }
    }
}

/// `1`, `1.2` or `1.25` in hundredths.
fn hundredths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let scale = match decimals.len() {
        1 => 10,
        2 => 1,
        _ => return None,
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u16>().ok())?;
    digits(whole)?.checked_mul(100)?.checked_add(digits(decimals)?.checked_mul(scale)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_read_as_it_is_written() {
        for (text, spread) in [
            ("uniform", Spread::Uniform),
            ("zipf:0.99", Spread::Zipf { exponent_hundredths: 99 }),
            ("zipf:1.20", Spread::Zipf { exponent_hundredths: 120 }),
            ("hot:10", Spread::Hot { customers: 10 }),
        ] {
            assert_eq!((text.parse(), spread.to_string()), (Ok(spread), text.to_owned()));
        }
        assert_eq!("zipf".parse(), Ok(Spread::Zipf { exponent_hundredths: 99 }));
        assert_eq!("zipf:2".parse(), Ok(Spread::Zipf { exponent_hundredths: 200 }));
        for bad in ["", "hot", "hot:0", "hot:x", "zipf:", "zipf:0", "zipf:6", "zipf:1.234", "zipf:-1", "uniform:1"] {
            assert!(bad.parse::<Spread>().is_err(), "{bad}");
        }
    }
}
