//! Interest: paid once for every day, and as the one formula makes it of what the record itself names.

use super::{
    alert::{Alert, Subject},
    rule::Rule,
};
use crate::{
    id::{AccountId, Position},
    interest::{self, Period},
    record::{Event, Record},
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

impl InterestSeen {
    /// What a record says, where it pays interest.
    pub fn of(record: &Record) -> Option<Self> {
        let Event::InterestPaid { account, from, through, gross, income_tax, local_tax, credit, .. } = &record.event
        else {
            return None;
        };
        Some(Self {
            account: *account,
            here: (record.position, record.at),
            from: *from,
            through: *through,
            gross: gross.minor(),
            income_tax: income_tax.minor(),
            local_tax: local_tax.minor(),
            net: credit.amount.minor(),
        })
    }
}

/// Judges a record that pays interest: its days against those that the account was paid for, its amounts against the sums of closings
/// and the rates that it names.
pub fn judge(record: &Record, payment: &InterestSeen, paid_through: Option<BusinessDate>, alerts: &mut Vec<Alert>) {
    alerts.extend(overlap(payment, paid_through));
    let Event::InterestPaid { accruals, gross, .. } = &record.event else { return };
    let accrued = Period::new(payment.from, payment.through)
        .and_then(|period| interest::reckon(gross.currency(), period, accruals.clone()).ok())
        // Accruals that are none come to nothing.
        .map_or(0, |interest| interest.gross.minor());
    alerts.extend(off_formula(payment, Some(accrued)));
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
    // What is too large to be taxed is off in any case.
    let (income, local) = interest::taxes(payment.gross).unwrap_or_default();
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
