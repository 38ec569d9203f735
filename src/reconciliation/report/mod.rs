//! A reconciliation told: for a terminal, as JSON for programs, as one page for a browser.

pub mod html;
pub mod json;
pub mod text;

use hwan_domain::{currency::Currency, reconciliation::Subject};

use crate::accounting::amount::Sum;

/// A sum with its currency: `864950 KRW`.
pub(super) fn amount(minor: i128, currency: Currency) -> String {
    format!("{} {currency}", Sum { minor, currency })
}

/// Where a break is, from the bank down.
pub(super) fn path(subject: &Subject) -> String {
    let parts = [
        subject.date.map(|date| format!("of {date}")),
        subject.lane.map(|lane| format!("lane {lane}")),
        subject.currency.map(|currency| currency.to_string()),
        subject.ledger_account.map(|account| format!("ledger account {account}")),
        subject.bucket.map(|bucket| format!("bucket {bucket}")),
        subject.account.map(|account| account.to_string()),
        subject.record.map(|record| format!("record {record:?}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "the bank".to_owned() } else { parts.join(" › ") }
}

/// A number with its thousands apart: `1,000,000`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Microseconds as seconds with three digits: `12.345 s`.
pub(super) fn seconds(micros: i64) -> String {
    let millis = micros.max(0) / 1_000;
    format!("{}.{:03} s", millis / 1_000, millis % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_for_people() {
        assert_eq!((grouped(0), grouped(999), grouped(1_234_567)), ("0".into(), "999".into(), "1,234,567".into()));
        assert_eq!(seconds(12_345_678), "12.345 s");
        assert_eq!(path(&Subject::default()), "the bank");
    }
}
