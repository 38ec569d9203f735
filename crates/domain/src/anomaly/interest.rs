//! Interest: paid once for every day, and as the formula makes it. Over plain values: whoever knows the event gives them.
//!
//! gross = floor(Σ daily closing × rate / 365); income tax is 14 % of it, local tax 10 % of that, each cut below 10 won.

use super::{
    alert::{Alert, Subject},
    rule::Rule,
};
use crate::{
    id::{AccountId, Position},
    time::{BusinessDate, Timestamp},
};

/// An interest payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterestSeen {
    /// To which account.
    pub account: AccountId,
    /// Its record, and when.
    pub here: (Position, Timestamp),
    /// The first day that it pays for.
    pub from: BusinessDate,
    /// The last.
    pub through: BusinessDate,
    /// Before tax, in won.
    pub gross: i64,
    /// Income tax withheld, in won.
    pub income_tax: i64,
    /// Local tax withheld, in won.
    pub local_tax: i64,
    /// What was credited, in won.
    pub net: i64,
}

/// Income tax and local tax of a gross amount, in won.
pub fn taxes(gross: i64) -> (i64, i64) {
    let cut = |won: i64| won - won % 10;
    let income = cut(gross.max(0).saturating_mul(14) / 100);
    (income, cut(income / 10))
}

/// The days of a payment are in order and after what was paid before.
pub fn overlap(payment: &InterestSeen, paid_through: Option<BusinessDate>) -> Option<Alert> {
    let raise = |expected: String| {
        let found = format!("{} to {}", payment.from, payment.through);
        Alert::at_record(Rule::InterestOverlap, Subject::Account(payment.account), payment.here, expected, found)
    };
    if payment.through < payment.from {
        return Some(raise("days in their order".into()));
    }
    let paid = paid_through.filter(|paid| payment.from <= *paid)?;
    Some(raise(format!("from {} on: paid through {paid}", paid.next())))
}

/// Gross, where who judges knows it, taxes and net are what the formula makes.
pub fn off_formula(payment: &InterestSeen, gross: Option<i64>) -> Option<Alert> {
    let (income, local) = taxes(payment.gross);
    let expected_gross = gross.unwrap_or(payment.gross);
    let net = payment.gross.saturating_sub(income).saturating_sub(local);
    let is = (payment.gross, payment.income_tax, payment.local_tax, payment.net);
    let should = (expected_gross, income, local, net);
    (is != should).then(|| {
        let text = |(gross, income, local, net): (i64, i64, i64, i64)| {
            format!("gross {gross}, income tax {income}, local tax {local}, net {net}")
        };
        let subject = Subject::Account(payment.account);
        Alert::at_record(Rule::InterestOffFormula, subject, payment.here, text(should), text(is))
    })
}
