//! A record's legs against each other and against its terms: pure of the record alone, but for what rounding adds up to.

use smallvec::SmallVec;

use super::{
    alert::{Alert, Place, Subject},
    policy::WatchPolicy,
    rule::Rule,
};
use crate::{
    control::ControlTotals,
    currency::Currency,
    exchange::{Ratio, Side, Terms},
    id::ExchangeId,
    invariant::{self, Breach},
    record::{Event, Leg, Record},
    time::BusinessDate,
};

/// Whom a record's movement of money is about: the exchange, or the first account.
fn subject_of(record: &Record) -> Subject {
    match (&record.event, record.event.legs().next()) {
        (Event::Exchanged { .. }, _) | (_, None) => Subject::Exchange(ExchangeId::at(record.position)),
        (_, Some(leg)) => Subject::Account(leg.account),
    }
}

/// Judges the legs of a record by themselves.
pub fn judge(record: &Record, alerts: &mut Vec<Alert>) {
    if invariant::balanced(record).is_ok() && !doubles(record) {
        return;
    }
    let here = (record.position, record.at);
    let subject = subject_of(record);
    let account = record.event.legs().next().map(|leg| leg.account);
    let mut raise = |rule, expected: String, found: String| {
        let alert = Alert::at_record(rule, subject, here, expected, found);
        alerts.push(Alert { account: alert.account.or(account), ..alert });
    };
    if let Some(leg) = record.event.legs().find(|leg| leg.amount.is_zero()) {
        raise(Rule::ZeroLeg, "more than nothing".into(), format!("{} {}", leg.amount, leg.amount.currency()));
        return;
    }
    if doubles(record) {
        let legs: SmallVec<[String; 2]> =
            record.event.legs().map(|leg| format!("{} of {}", leg.amount.currency(), leg.account)).collect();
        raise(Rule::DoubleLeg, "two accounts, and two currencies of an exchange".into(), legs.join(", "));
    }
    match invariant::balanced(record) {
        // Interest has rules of its own.
        Ok(()) | Err(Breach::InterestAgainstAccruals { .. }) => {}
        Err(Breach::LegsAgainstTerms { won, foreign, terms, .. }) => {
            let expected = priced(&terms, foreign);
            raise(Rule::LegsOffTerms, expected, format!("{won} KRW for {foreign:?} at {}", terms.rate));
        }
        Err(breach) => {
            raise(Rule::UnbalancedJournal, "a debit takes what its credit gives".into(), breach.to_string());
        }
    }
}

fn priced(terms: &Terms, foreign: crate::money::Money) -> String {
    match terms.price(crate::exchange::Ask::Foreign(foreign)) {
        Ok(priced) => format!("{} KRW for {:?} at {}", priced.won, priced.foreign, terms.rate),
        Err(violation) => violation.detail,
    }
}

/// Whether both legs are of one account, or those of an exchange of one currency.
fn doubles(record: &Record) -> bool {
    let mut legs = record.event.legs();
    let (Some(first), Some(second)) = (legs.next(), legs.next()) else { return false };
    let is_exchange = matches!(record.event, Event::Exchanged { .. } | Event::Reversed { .. });
    first.account == second.account || (is_exchange && first.amount.currency() == second.amount.currency())
}

/// The totals that a record states, against those that its lane's entries add up to.
pub fn judge_totals(record: &Record, totals: &mut ControlTotals, alerts: &mut Vec<Alert>) {
    for leg in record.event.legs() {
        totals.post(leg.amount);
    }
    for stated in &record.totals {
        let summed = totals.minor(stated.currency);
        if summed == stated.minor {
            continue;
        }
        let currency = stated.currency;
        let here = (record.position, record.at);
        let (expected, found) = (format!("{summed} {currency}"), format!("{} {currency}", stated.minor));
        let subject = Subject::Lane(record.position.lane());
        alerts.push(Alert::at_record(Rule::ControlOffSubledger, subject, here, expected, found));
        // From here on as stated: one breach is told once.
        let others = totals.iter().copied().filter(|total| total.currency != currency);
        *totals = ControlTotals::of(others.chain([*stated]));
    }
}

/// What rounding has left the bank, of a currency on a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The currency.
    pub currency: Currency,
    /// The date.
    pub date: BusinessDate,
    /// What was left, in millionths of a won.
    pub millionths: i64,
    /// By how many exchanges.
    pub exchanges: i64,
    /// Whether it was told on this date.
    pub is_told: bool,
}

/// The won and the foreign minor units of an exchange, positive.
pub(super) fn amounts(terms: &Terms, debit: &Leg, credit: &Leg) -> (i64, i64) {
    match terms.side {
        Side::Buy => (debit.amount.minor().saturating_neg(), credit.amount.minor()),
        Side::Sell => (credit.amount.minor(), debit.amount.minor().saturating_neg()),
    }
}

/// Adds an exchange to what rounding leaves, and judges the sum: from nothing to one won an exchange.
pub fn judge_drift(
    drifts: &mut SmallVec<[Drift; 4]>,
    record: &Record,
    (terms, won, foreign): (&Terms, i64, i64),
    policy: &WatchPolicy,
    alerts: &mut Vec<Alert>,
) {
    let (currency, date) = (terms.currency, record.business_date);
    let ratio = Ratio::of(terms.rate, currency);
    let Some(excess) = ratio.excess_millionths(foreign, won) else { return };
    let left = if terms.side == Side::Buy { excess } else { excess.saturating_neg() };
    let at = drifts.iter().position(|drift| drift.currency == currency).unwrap_or_else(|| {
        drifts.push(Drift { currency, date, millionths: 0, exchanges: 0, is_told: false });
        drifts.len() - 1
    });
    let Some(drift) = drifts.get_mut(at) else { return };
    if drift.date != date {
        *drift = Drift { currency, date, millionths: 0, exchanges: 0, is_told: false };
    }
    drift.millionths = drift.millionths.saturating_add(left);
    drift.exchanges = drift.exchanges.saturating_add(1);
    let tolerance = policy.rounding_drift_won_max.saturating_mul(1_000_000);
    let most = drift.exchanges.saturating_mul(1_000_000).saturating_add(tolerance);
    if (-tolerance..=most).contains(&drift.millionths) || drift.is_told {
        return;
    }
    drift.is_told = true;
    let subject = Subject::Pair(*currency.code_bytes());
    let expected = format!("0 to {} won of {} exchanges", drift.exchanges, drift.exchanges);
    let found = format!("{} millionths of a won in lane {}", drift.millionths, record.position.lane());
    let place = Place::Day(date);
    let alert = Alert::new(Rule::RoundingDrift, subject, place, record.at, Some(record.position), expected, found);
    alerts.push(alert.of_pair(currency));
}
