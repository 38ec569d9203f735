//! Money, rates and percentages as they travel: decimal texts, never JSON numbers.

use std::{borrow::Cow, fmt};

use hwan_domain::{
    currency::{Currency, CurrencySet},
    money::{AmountError, Money},
    rejection::Code,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr,
        schema::{AdditionalProperties, ObjectBuilder, Schema, Type},
    },
};

use super::{
    openapi::texts::CurrencyText,
    problem::{ApiCode, Problem},
    wire::{Object, Shown, Text},
};

/// The most digits before and after the point of a rate or percentage: what is beyond no rate can be, and within it
/// no arithmetic on rates overflows.
const DECIMAL_DIGITS_MAX: usize = 12;

/// A decimal's text; a JSON number in its place is remembered, so that it can be refused by name.
#[derive(Debug)]
pub(super) enum DecimalText<'a> {
    /// As it should be.
    Text(Cow<'a, str>),
    /// A number without quotes.
    Number,
}

impl<'de: 'a, 'a> Deserialize<'de> for DecimalText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = DecimalText<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal in quotes, such as \"100.00\"")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(DecimalText::Text(text.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(DecimalText::Text(text.to_owned().into()))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(DecimalText::Number)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(DecimalText::Number)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(DecimalText::Number)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl DecimalText<'_> {
    fn text(&self, field: &'static str) -> Result<&str, Problem> {
        match self {
            DecimalText::Text(text) => Ok(text),
            DecimalText::Number => {
                let detail = "a JSON number is not exact: write the decimal in quotes, such as \"100.00\"";
                Err(Problem::at(ApiCode::MalformedAmount, field, detail))
            }
        }
    }

    /// The signed decimal in `field`: any number that fits, the rate guard judges it.
    pub(super) fn signed(&self, field: &'static str) -> Result<Decimal, Problem> {
        let text = self.text(field)?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain =
            |part: &str| (1..=DECIMAL_DIGITS_MAX).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        let value =
            if plain(whole) && plain(fraction) && !leading_zero { Decimal::from_str_exact(text).ok() } else { None };
        value.ok_or_else(|| {
            let detail = format!(
                "not a decimal: write digits with at most one point, no exponent or space, at most {DECIMAL_DIGITS_MAX} digits on each side"
            );
            Problem::at(ApiCode::MalformedNumber, field, detail)
        })
    }

    /// The percentage in `field`, 0 to 100.
    pub(super) fn percent(&self, field: &'static str) -> Result<Decimal, Problem> {
        let value = self.signed(field)?;
        if (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&value) {
            return Ok(value);
        }
        Err(Problem::at(ApiCode::OutOfRange, field, "a percentage is from 0 to 100"))
    }
}

/// An amount with its currency, as it arrives: `{"amount":"100.00","currency":"USD"}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AmountFields<'a> {
    #[serde(borrow)]
    amount: DecimalText<'a>,
    currency: Text<'a>,
}

/// An amount in a request.
pub(super) type Amount<'a> = Object<AmountFields<'a>>;

impl Amount<'_> {
    /// The money in `field`, of any currency that the bank deals in; zero passes, the domain judges it.
    pub(super) fn money(&self, field: &'static str, currencies: &CurrencySet) -> Result<Money, Problem> {
        let currency = currency(&self.0.currency, field, currencies)?;
        Money::parse(self.0.amount.text(field)?, currency).map_err(|error| {
            let detail = error.to_string();
            match error {
                AmountError::Malformed(_) => Problem::at(ApiCode::MalformedAmount, field, detail),
                AmountError::Scale { .. } => Problem::at(ApiCode::AmountScale, field, detail),
                AmountError::TooLarge => Problem::rejected_at(Code::AmountTooLarge, field, detail),
            }
        })
    }

    /// The same, above zero.
    pub(super) fn positive(&self, field: &'static str, currencies: &CurrencySet) -> Result<Money, Problem> {
        let money = self.money(field, currencies)?;
        if money.is_zero() {
            return Err(Problem::rejected_at(Code::AmountTooSmall, field, "nothing to move: ask for more than zero"));
        }
        Ok(money)
    }

    /// The same as [`Amount::money`], of this currency only.
    pub(super) fn of(
        &self,
        currency: Currency,
        field: &'static str,
        currencies: &CurrencySet,
    ) -> Result<Money, Problem> {
        let money = self.money(field, currencies)?;
        if money.currency() == currency {
            return Ok(money);
        }
        let detail = format!("the amount is in {}, expected {currency}", money.currency());
        Err(Problem::at(ApiCode::CurrencyMismatch, field, detail))
    }
}

/// The currency that `text` names.
pub(super) fn currency(text: &Text<'_>, field: &'static str, currencies: &CurrencySet) -> Result<Currency, Problem> {
    currencies.find(text.as_str()).ok_or_else(|| {
        let detail = "not a currency of this bank: GET /v1/currencies lists them";
        Problem::at(ApiCode::UnknownCurrency, field, detail)
    })
}

/// The foreign currency that `text` names.
pub(super) fn foreign_currency(
    text: &Text<'_>,
    field: &'static str,
    currencies: &CurrencySet,
) -> Result<Currency, Problem> {
    let currency = currency(text, field, currencies)?;
    if currency.is_home() {
        let detail = "the won is the other side of every pair: name the foreign currency";
        return Err(Problem::at(ApiCode::CurrencyMismatch, field, detail));
    }
    Ok(currency)
}

/// The schema of money, in requests and answers.
fn money_schema() -> RefOr<Schema> {
    let amount = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("A decimal at exactly the scale of its currency; negative only for a debit in an answer"))
        .pattern(Some("^-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,4})?$"));
    ObjectBuilder::new()
        .property("amount", amount)
        .required("amount")
        .property("currency", Ref::from_schema_name(CurrencyText::name()))
        .required("currency")
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        .description(Some("An amount with its currency; never a JSON number"))
        .examples([serde_json::json!({ "amount": "1000.00", "currency": "USD" })])
        .into()
}

macro_rules! money_shape {
    ($($name:ident)*) => {
        $(
            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    money_schema()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    Cow::Borrowed("Money")
                }

                fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                    schemas.push((CurrencyText::name().into_owned(), CurrencyText::schema()));
                }
            }
        )*
    };
}
money_shape! { MoneyAnswer WonAnswer }

/// Money as it is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct MoneyAnswer(pub(super) Money);

impl Serialize for MoneyAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Money", 2)?;
        object.serialize_field("amount", &Shown(self.0))?;
        object.serialize_field("currency", self.0.currency().code())?;
        object.end()
    }
}

/// A count of won as it is answered: limits and caps are counted in won without being postings.
#[derive(Clone, Copy, Debug)]
pub(super) struct WonAnswer(pub(super) i64);

impl Serialize for WonAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Money", 2)?;
        object.serialize_field("amount", &Shown(self.0))?;
        object.serialize_field("currency", Currency::KRW.code())?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{Config, Overrides};

    fn currencies() -> CurrencySet {
        Config::load(&Overrides::default()).unwrap().rates.currencies().unwrap()
    }

    fn read(body: &str, currencies: &CurrencySet) -> Result<Money, String> {
        let amount: Amount<'_> = serde_json::from_str(body).map_err(|error| error.to_string())?;
        amount.positive("amount", currencies).map_err(|problem| problem.code().to_owned())
    }

    #[test]
    fn every_malformed_amount_is_refused_by_name() {
        let set = currencies();
        let amount = |text: &str, currency: &str| format!(r#"{{"amount":{text},"currency":"{currency}"}}"#);
        for (text, currency, code) in [
            (r#""100.5""#, "JPY", "amount_scale"),
            (r#""100""#, "USD", "amount_scale"),
            (r#""100.0""#, "USD", "amount_scale"),
            (r#""100.001""#, "USD", "amount_scale"),
            (r#""1e2""#, "KRW", "malformed_amount"),
            (r#""NaN""#, "KRW", "malformed_amount"),
            (r#""-1""#, "KRW", "malformed_amount"),
            (r#""+1""#, "KRW", "malformed_amount"),
            (r#"" 1""#, "KRW", "malformed_amount"),
            (r#""""#, "KRW", "malformed_amount"),
            (r#""1,000""#, "KRW", "malformed_amount"),
            (r#""01""#, "KRW", "malformed_amount"),
            (r#""0x10""#, "KRW", "malformed_amount"),
            (r#""１""#, "KRW", "malformed_amount"),
            ("100", "KRW", "malformed_amount"),
            ("-1", "KRW", "malformed_amount"),
            ("100.00", "USD", "malformed_amount"),
            ("1e2", "USD", "malformed_amount"),
            (r#""0.00""#, "USD", "amount_too_small"),
            (r#""100000000000000001""#, "KRW", "amount_too_large"),
            (r#""99999999999999999999999999999999""#, "KRW", "amount_too_large"),
            (r#""1""#, "XAU", "unknown_currency"),
            (r#""1""#, "krw", "unknown_currency"),
        ] {
            assert_eq!(read(&amount(text, currency), &set), Err(code.to_owned()), "{text} {currency}");
        }
        for shape in [
            amount("null", "KRW"),
            amount("true", "KRW"),
            amount(r#"["1"]"#, "KRW"),
            amount(r#"{"amount":"1"}"#, "KRW"),
            r#""1""#.to_owned(),
            r#"["1","KRW"]"#.to_owned(),
            r#"{"amount":"1"}"#.to_owned(),
            r#"{"amount":"1","currency":"KRW","scale":0}"#.to_owned(),
            r#"{"amount":"1","amount":"2","currency":"KRW"}"#.to_owned(),
        ] {
            assert!(read(&shape, &set).is_err(), "{shape}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_survives_its_answer(minor in 1..=hwan_domain::money::MINOR_MAX, index in 0..18_usize) {
            let set = currencies();
            let (currency, _) = set.iter().nth(index).unwrap();
            let money = Money::from_minor(minor, currency).unwrap();
            let body = serde_json::to_string(&MoneyAnswer(money)).unwrap();
            prop_assert_eq!(read(&body, &set), Ok(money));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text: String, currency in "[A-Z]{3}|.*") {
            let body = serde_json::json!({ "amount": text, "currency": currency }).to_string();
            let _answer = read(&body, &currencies());
            let _value = DecimalText::Text(text.into()).signed("mid");
        }
    }

    #[test]
    fn a_rate_is_any_plain_decimal_that_fits() {
        let signed = |text: &str| serde_json::from_str::<DecimalText<'_>>(text).unwrap().signed("mid").ok();
        assert_eq!(signed(r#""1350.50""#).unwrap().to_string(), "1350.50");
        assert_eq!(signed(r#""-1""#).unwrap().to_string(), "-1");
        for bad in [r#""""#, r#""-""#, r#""1.""#, r#"".5""#, r#""1e3""#, r#""01""#, r#""1234567890123""#, r#""--1""#] {
            assert_eq!(signed(bad), None, "{bad}");
        }
    }
}
