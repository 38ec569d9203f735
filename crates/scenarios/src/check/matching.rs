//! One value against what it must be.

use std::cmp::Ordering;

use serde_json::Value;

use crate::{
    language::{Matcher, Template, decimal_parts},
    run::{Values, shown},
};

/// What was expected and what was found instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) expected: String,
    pub(crate) got: String,
}

/// Compares; `found` is `None` where the answer has no such field.
pub(super) fn compare(matcher: &Matcher, found: Option<&Value>, values: &Values) -> Result<(), Difference> {
    let present = found.filter(|value| !value.is_null());
    let differs = |expected: String| Difference { expected, got: found.map_or_else(|| "nothing".to_owned(), in_full) };
    let text = |template: &Template| values.text(template).map_err(|missing| differs(missing.clone()));
    let must = |holds: bool, expected: String| if holds { Ok(()) } else { Err(differs(expected)) };
    match matcher {
        Matcher::Is(template) => {
            let wanted = text(template)?;
            must(present.is_some_and(|value| shown(value) == wanted), wanted)
        }
        Matcher::Null => must(found.is_some() && present.is_none(), "null".to_owned()),
        Matcher::Absent => must(present.is_none(), "nothing".to_owned()),
        Matcher::Present => must(present.is_some(), "a value".to_owned()),
        Matcher::Count(count) => {
            let length = present.and_then(Value::as_array).map(Vec::len).map(Value::from);
            compare(count, length.as_ref(), values).map_err(|difference| Difference {
                expected: format!("{} elements", difference.expected),
                ..difference
            })
        }
        Matcher::AtLeast(template) => {
            let wanted = text(template)?;
            let order = present.and_then(|value| by_number(&shown(value), &wanted));
            must(order.is_some_and(Ordering::is_ge), format!("at least {wanted}"))
        }
        Matcher::AtMost(template) => {
            let wanted = text(template)?;
            let order = present.and_then(|value| by_number(&shown(value), &wanted));
            must(order.is_some_and(Ordering::is_le), format!("at most {wanted}"))
        }
        Matcher::Contains(template) => {
            let wanted = text(template)?;
            let contains = |value: &Value| match value {
                Value::Array(items) => items.iter().any(|item| shown(item) == wanted),
                value => shown(value).contains(&wanted),
            };
            must(present.is_some_and(contains), format!("something that contains {wanted}"))
        }
        Matcher::StartsWith(template) => {
            let wanted = text(template)?;
            must(present.is_some_and(|value| shown(value).starts_with(&wanted)), format!("something like {wanted}…"))
        }
        Matcher::AnyOf(matchers) => {
            let differences: Vec<String> = matchers
                .iter()
                .map_while(|matcher| compare(matcher, found, values).err())
                .map(|difference| difference.expected)
                .collect();
            must(differences.len() < matchers.len(), format!("any of {}", differences.join(", ")))
        }
        Matcher::Not(inner) => match compare(inner, found, values) {
            Err(_) => Ok(()),
            Ok(()) => Err(differs("anything else".to_owned())),
        },
        Matcher::Map(entries) => {
            let Some(Value::Object(_)) = present else { return Err(differs("an object".to_owned())) };
            entries.iter().try_for_each(|(name, matcher)| {
                let found = present.and_then(|value| value.get(name));
                compare(matcher, found, values).map_err(|difference| within(name, difference))
            })
        }
        Matcher::List(matchers) => {
            let Some(Value::Array(items)) = present else { return Err(differs("a list".to_owned())) };
            if items.len() != matchers.len() {
                return Err(differs(format!("{} elements", matchers.len())));
            }
            matchers.iter().zip(items).enumerate().try_for_each(|(index, (matcher, item))| {
                let place = index.to_string();
                compare(matcher, Some(item), values).map_err(|difference| within(&place, difference))
            })
        }
    }
}

/// A difference of a part, told of the whole.
pub(super) fn within(name: &str, difference: Difference) -> Difference {
    Difference { expected: format!("{name}: {}", difference.expected), got: format!("{name}: {}", difference.got) }
}

fn in_full(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().take(LISTED_MAX).map(shown).collect();
            let more = if items.len() == LISTED_MAX { ", …" } else { "" };
            format!("[{}{more}]", items.join(", "))
        }
        value => shown(value),
    }
}

/// Elements of a list that a failure shows.
const LISTED_MAX: usize = 20;

/// Compares two numbers, or two amounts of one currency; texts that are neither by their letters.
fn by_number(left: &str, right: &str) -> Option<Ordering> {
    let number = |text: &str| decimal_parts(text.split(' ').next().unwrap_or_default());
    let unit = |text: &str| text.split_once(' ').map(|(_, unit)| unit.to_owned());
    match (number(left), number(right)) {
        (Some((left_digits, left_scale)), Some((right_digits, right_scale))) => {
            if let (Some(left), Some(right)) = (unit(left), unit(right))
                && left != right
            {
                return None;
            }
            let scale = left_scale.max(right_scale);
            let at =
                |digits: i128, of: usize| digits.checked_mul(10_i128.checked_pow(u32::try_from(scale - of).ok()?)?);
            Some(at(left_digits, left_scale)?.cmp(&at(right_digits, right_scale)?))
        }
        _ => Some(left.cmp(right)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is(text: &str) -> Matcher {
        Matcher::Is(Template::literal(text))
    }

    fn holds(matcher: &Matcher, value: &Value) -> bool {
        compare(matcher, Some(value), &Values::default()).is_ok()
    }

    #[test]
    fn values_are_compared_as_a_tester_writes_them() {
        let won = json!({"amount": "135050", "currency": "KRW"});
        assert!(holds(&is("135050 KRW"), &won) && !holds(&is("135051 KRW"), &won));
        assert!(holds(&is("true"), &json!(true)) && holds(&is("3"), &json!(3)) && holds(&Matcher::Null, &Value::Null));
        assert!(holds(&is("dormant"), &json!({"code": "dormant", "detail": "since"})));
        assert!(holds(&Matcher::AtLeast(Template::literal("9 KRW")), &json!({"amount": "10", "currency": "KRW"})));
        assert!(!holds(&Matcher::AtLeast(Template::literal("9 USD")), &json!({"amount": "10", "currency": "KRW"})));
        assert!(holds(&Matcher::AtMost(Template::literal("1.50")), &json!("1.5")));
        assert!(holds(&Matcher::Contains(Template::literal("b")), &json!(["a", "b"])));
        assert!(holds(&Matcher::Count(Box::new(is("2"))), &json!([1, 2])));
        assert!(
            holds(&Matcher::AnyOf(vec![is("1"), is("2")]), &json!(2))
                && holds(&Matcher::Not(Box::new(is("1"))), &json!(2))
        );
        assert!(compare(&Matcher::Absent, None, &Values::default()).is_ok());
        assert!(!holds(&Matcher::Absent, &json!(0)));
    }

    #[test]
    fn a_difference_says_where_it_is() {
        let matcher = Matcher::Map(vec![("daily".into(), Matcher::Map(vec![("used".into(), is("0 KRW"))]))]);
        let found = json!({"daily": {"used": {"amount": "14", "currency": "KRW"}}});
        let difference = compare(&matcher, Some(&found), &Values::default()).unwrap_err();
        assert_eq!(
            (difference.expected.as_str(), difference.got.as_str()),
            ("daily: used: 0 KRW", "daily: used: 14 KRW")
        );
        let list = Matcher::List(vec![is("a")]);
        assert_eq!(compare(&list, Some(&json!(["a", "b"])), &Values::default()).unwrap_err().got, "[a, b]");
    }
}
