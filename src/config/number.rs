//! Numbers in a configuration: bounds that say what to do, and exact decimals.

use std::{fmt, ops::RangeInclusive};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de};

use super::ConfigError;

/// Refuses a value outside its bounds by the field's full name.
pub(super) fn within<T: PartialOrd + fmt::Display>(
    field: &'static str,
    value: T,
    bounds: RangeInclusive<T>,
) -> Result<(), ConfigError> {
    if bounds.contains(&value) {
        return Ok(());
    }
    let (least, most) = (bounds.start(), bounds.end());
    Err(ConfigError::Bound { field, found: value.to_string(), advice: format!("set it from {least} to {most}") })
}

/// A decimal as text, exact: `"1.75"`. A float is refused, because it is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact(pub Decimal);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Exact;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal in quotes, such as \"1.75\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Exact, E> {
                let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
                Decimal::from_str_exact(text)
                    .ok()
                    .filter(|_| plain)
                    .map(Exact)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            // A whole number from the environment arrives without its quotes.
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Exact, E> {
                Ok(Exact(Decimal::from(number)))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Exact, E> {
                Ok(Exact(Decimal::from(number)))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
