//! Interest: paid once for every day, and as the one formula makes it of what the record itself names.

use super::{
    alert::{Alert, Subject},
    rule::Rule,
};
use crate::{
    id::Position,
    interest::Payment,
    record::Record,
    time::{BusinessDate, Timestamp},
};

/// An interest payment, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterestSeen {
    /// What was paid.
    pub payment: Payment,
    /// Its record, and when.
    pub here: (Position, Timestamp),
}

impl InterestSeen {
    /// What a record says, where it pays interest.
    pub fn of(record: &Record) -> Option<Self> {
        Some(Self { payment: Payment::of(&record.event)?, here: (record.position, record.at) })
    }
}

/// Judges a record that pays interest: its days against those that the account was paid for, its amounts against the sums of closings
/// and the rates that it names.
pub fn judge(seen: &InterestSeen, paid_through: Option<BusinessDate>, alerts: &mut Vec<Alert>) {
    alerts.extend(overlap(seen, paid_through));
    alerts.extend(off_formula(seen, Some(seen.payment.accrued)));
}

/// The days of a payment are in order and after what was paid before.
pub fn overlap(seen: &InterestSeen, paid_through: Option<BusinessDate>) -> Option<Alert> {
    let payment = &seen.payment;
    let raise = |expected: String| {
        let found = format!("{} to {}", payment.from, payment.through);
        Alert::at_record(Rule::InterestOverlap, Subject::Account(payment.account), seen.here, expected, found)
    };
    if payment.through < payment.from {
        return Some(raise("days in their order".into()));
    }
    let paid = paid_through.filter(|paid| payment.from <= *paid)?;
    Some(raise(format!("from {} on: paid through {paid}", paid.next())))
}

/// Gross, where who judges knows it, taxes and net are what the formula makes.
pub fn off_formula(seen: &InterestSeen, gross: Option<i64>) -> Option<Alert> {
    let payment = &seen.payment;
    let (income, local) = payment.taxes();
    let expected_gross = gross.unwrap_or(payment.gross);
    let net = payment.gross.saturating_sub(income).saturating_sub(local);
    let is = (payment.gross, payment.income_tax, payment.local_tax, payment.net);
    let should = (expected_gross, income, local, net);
    (is != should).then(|| {
        let text = |(gross, income, local, net): (i64, i64, i64, i64)| {
            format!("gross {gross}, income tax {income}, local tax {local}, net {net}")
        };
        let subject = Subject::Account(payment.account);
        Alert::at_record(Rule::InterestOffFormula, subject, seen.here, text(should), text(is))
    })
}
