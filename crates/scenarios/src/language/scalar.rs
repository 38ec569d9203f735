//! Amounts, currencies, decimals, durations, times of day: as they are written in a file.

use crate::yaml::{Mistake, Node};

/// Decimals of an amount by ISO 4217, for the currencies that a bank of this kind deals in. A currency that is not
/// here is checked by the server alone.
const MINOR_DIGITS: [(&str, usize); 18] = [
    ("KRW", 0),
    ("JPY", 0),
    ("VND", 0),
    ("USD", 2),
    ("EUR", 2),
    ("GBP", 2),
    ("CNY", 2),
    ("HKD", 2),
    ("SGD", 2),
    ("AUD", 2),
    ("CAD", 2),
    ("CHF", 2),
    ("NZD", 2),
    ("THB", 2),
    ("MYR", 2),
    ("TWD", 2),
    ("IDR", 2),
    ("PHP", 2),
];

const MICROS_PER_SECOND: i64 = 1_000_000;

/// How many decimals an amount of this currency has, where that is known.
pub(crate) fn minor_digits(currency: &str) -> Option<usize> {
    MINOR_DIGITS.iter().find(|(code, _)| *code == currency).map(|(_, digits)| *digits)
}

/// Whether a text looks like a currency: three capital letters.
pub(crate) fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A currency.
pub(crate) fn currency(node: &Node) -> Result<&str, Mistake> {
    let text = node.text("a currency such as USD")?;
    if is_currency(text) {
        return Ok(text);
    }
    Err(Mistake::at(node.at, format!("expected a currency such as USD, found `{text}`")))
}

/// The digits of a decimal number and how many of them stand behind the point; `None` for anything else.
pub(crate) fn decimal_parts(text: &str) -> Option<(i128, usize)> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || digits.ends_with('.') || !all_digits(whole) || !all_digits(fraction) || digits.len() > 30 {
        return None;
    }
    Some((format!("{whole}{fraction}").parse::<i128>().ok()?.checked_mul(sign)?, fraction.len()))
}

/// Why this is not an amount of this currency.
pub(crate) fn amount_mistake(amount: &str, currency: &str) -> Option<String> {
    let Some((digits, decimals)) = decimal_parts(amount) else {
        return Some(format!("expected an amount such as 100.00, found `{amount}`"));
    };
    let exact = minor_digits(currency).unwrap_or(decimals);
    let plain = digits >= 0 && !amount.starts_with('-') && (!amount.starts_with('0') || amount.starts_with("0."));
    match (plain || amount == "0", decimals == exact) {
        (true, true) => None,
        (false, _) => Some(format!("expected an amount without sign and leading zeros, found `{amount}`")),
        (_, false) => Some(format!(
            "{currency} has {exact} decimals, found `{amount}`; to send it so on purpose write \
             {{ amount: \"{amount}\", currency: {currency} }}"
        )),
    }
}

/// An amount with its currency, such as `100.00 USD`.
pub(crate) fn money(node: &Node) -> Result<(&str, &str), Mistake> {
    let text = node.text("an amount with its currency such as \"100.00 USD\"")?;
    let expected =
        || Mistake::at(node.at, format!("expected an amount with its currency such as \"100.00 USD\", found `{text}`"));
    let (amount, currency) = text.split_once(' ').ok_or_else(expected)?;
    if !is_currency(currency) {
        return Err(expected());
    }
    match amount_mistake(amount, currency) {
        None => Ok((amount, currency)),
        Some(message) => Err(Mistake::at(node.at, message)),
    }
}

/// A positive decimal such as a rate.
pub(crate) fn decimal<'a>(node: &'a Node, what: &str) -> Result<&'a str, Mistake> {
    let text = node.text(what)?;
    match decimal_parts(text) {
        Some(_) => Ok(text),
        None => Err(Mistake::at(node.at, format!("expected {what}, found `{text}`"))),
    }
}

/// A whole number in a range.
pub(crate) fn whole(node: &Node, what: &str, range: std::ops::RangeInclusive<u32>) -> Result<u32, Mistake> {
    let text = node.text(what)?;
    text.parse::<u32>().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        Mistake::at(node.at, format!("expected {what}, {} to {}, found `{text}`", range.start(), range.end()))
    })
}

/// `true` or `false`.
pub(crate) fn truth(node: &Node) -> Result<bool, Mistake> {
    match node.text("true or false")? {
        "true" => Ok(true),
        "false" => Ok(false),
        text => Err(Mistake::at(node.at, format!("expected true or false, found `{text}`"))),
    }
}

/// A duration such as `10.001s`, `250ms`, `5m`, `2h`, `1d`, in microseconds.
pub(crate) fn duration_micros(node: &Node) -> Result<i64, Mistake> {
    const WHAT: &str = "a duration such as 10.001s, 250ms, 5m, 2h, 1d";
    let text = node.text(WHAT)?;
    let wrong = || Mistake::at(node.at, format!("expected {WHAT}, found `{text}`"));
    let number_end = text.find(|letter: char| letter.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(number_end);
    let unit_micros: i128 = match unit {
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return Err(wrong()),
    };
    let (digits, decimals) = decimal_parts(number).filter(|(digits, _)| *digits > 0).ok_or_else(wrong)?;
    let divisor = 10_i128.checked_pow(u32::try_from(decimals).unwrap_or(u32::MAX)).ok_or_else(wrong)?;
    let micros = digits.checked_mul(unit_micros).filter(|micros| micros % divisor == 0).ok_or_else(wrong)?;
    i64::try_from(micros / divisor).map_err(|_| wrong())
}

/// A time of day such as `08:59:59.999` or `09:00`, in microseconds since midnight.
pub(crate) fn time_of_day_micros(node: &Node) -> Result<i64, Mistake> {
    const WHAT: &str = "a time of day such as \"08:59:59.999\"";
    let text = node.text(WHAT)?;
    let wrong = || Mistake::at(node.at, format!("expected {WHAT}, found `{text}`"));
    let mut parts = text.split(':');
    let two_digits = |part: Option<&str>, max: i64| {
        let part = part.filter(|part| part.len() == 2)?;
        part.parse::<i64>().ok().filter(|number| (0..=max).contains(number))
    };
    let hours = two_digits(parts.next(), 23).ok_or_else(wrong)?;
    let minutes = two_digits(parts.next(), 59).ok_or_else(wrong)?;
    let micros = match (parts.next(), parts.next()) {
        (None, _) => 0,
        (Some(seconds), None) => {
            let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
            let seconds = two_digits(Some(seconds), 59).ok_or_else(wrong)?;
            let fraction = if fraction.len() > 6 { None } else { format!("0{fraction:0<6}").parse::<i64>().ok() };
            seconds * MICROS_PER_SECOND + fraction.ok_or_else(wrong)?
        }
        (Some(_), Some(_)) => return Err(wrong()),
    };
    Ok((hours * 60 + minutes) * 60 * MICROS_PER_SECOND + micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::documents;

    fn node(text: &str) -> Node {
        documents(text).unwrap().remove(0)
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        assert_eq!(money(&node("100.00 USD")).unwrap(), ("100.00", "USD"));
        assert_eq!(money(&node("\"135050 KRW\"")).unwrap(), ("135050", "KRW"));
        for wrong in
            ["100 USD", "100.5 JPY", "1.0 KRW", "100.00", "100.00 usd", "-1.00 USD", "1e2 KRW", "007 KRW", "1.5"]
        {
            assert!(money(&node(wrong)).is_err(), "{wrong}");
        }
        assert!(money(&node("100.5 JPY")).unwrap_err().message.contains("JPY has 0 decimals"));
        assert_eq!(money(&node("1.234 XAU")).unwrap(), ("1.234", "XAU"));
    }

    #[test]
    fn durations_and_times_of_day_are_exact() {
        assert_eq!(duration_micros(&node("10.001s")).unwrap(), 10_001_000);
        assert_eq!(duration_micros(&node("1d")).unwrap(), 86_400_000_000);
        assert_eq!(duration_micros(&node("250ms")).unwrap(), 250_000);
        for wrong in ["10", "s", "-1s", "0s", "1w", "0.0000001s", "1.s"] {
            assert!(duration_micros(&node(wrong)).is_err(), "{wrong}");
        }
        assert_eq!(time_of_day_micros(&node("\"08:59:59.999\"")).unwrap(), 32_399_999_000);
        assert_eq!(time_of_day_micros(&node("\"09:00\"")).unwrap(), 32_400_000_000);
        for wrong in ["\"24:00\"", "\"9:00\"", "\"09:60\"", "\"09:00:00:00\"", "\"09:00:00.1234567\"", "noon"] {
            assert!(time_of_day_micros(&node(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn decimals_are_digits_and_one_point() {
        assert_eq!(decimal_parts("-13.50"), Some((-1350, 2)));
        for wrong in ["", ".", "1.", ".5", "+1", "1e2", "1,0", "--1"] {
            assert_eq!(decimal_parts(wrong), None, "{wrong}");
        }
    }
}
