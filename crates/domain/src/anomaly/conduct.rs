//! What a customer does: limits, how often, amounts that stay just below a threshold, and what buying and selling at one rate gains.

use super::{
    alert::{Alert, Place, Subject},
    policy::WatchPolicy,
    rule::Rule,
};
use crate::{
    check::FactSheet,
    currency::Currency,
    exchange::{Ratio, Side, Terms, value_in_won},
    id::{CustomerId, ExchangeId},
    limit::LimitUse,
    money::Money,
    rate::Rate,
    record::{Leg, Record},
    time::{MICROS_PER_DAY, MICROS_PER_SECOND, Timestamp},
};

/// What a customer has bought and sold of one currency while its middle rate stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundTrip {
    /// The currency.
    pub currency: Currency,
    /// The middle rate.
    pub mid: Rate,
    /// Gained of the currency, in minor units; negative where more was given.
    pub foreign: i64,
    /// Gained in won; negative where more was given.
    pub won: i64,
}

/// A customer as it is followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerSeen {
    /// What stands against the customer.
    pub facts: FactSheet,
    /// What the exchanges have used of the limits.
    pub limits: LimitUse,
    /// The trip on its way.
    pub trip: Option<RoundTrip>,
    /// The minute of the last exchange, since the epoch.
    pub minute: i64,
    /// Exchanges in it.
    pub in_minute: u32,
    /// Since when amounts just below the threshold are counted.
    pub near_since: Timestamp,
    /// How many there were.
    pub near: u32,
}

/// An exchange as conduct is judged by it.
#[derive(Clone, Copy, Debug)]
pub struct Dealing<'a> {
    /// Its record.
    pub record: &'a Record,
    /// Whose.
    pub customer: CustomerId,
    /// At which terms.
    pub terms: &'a Terms,
    /// Won, positive.
    pub won: i64,
    /// Foreign minor units, positive.
    pub foreign: i64,
}

impl Dealing<'_> {
    fn subject(&self) -> Subject {
        Subject::Customer(self.customer)
    }

    fn raise(&self, rule: Rule, expected: String, found: String, alerts: &mut Vec<Alert>) {
        let here = (self.record.position, self.record.at);
        alerts.push(Alert::at_record(rule, self.subject(), here, expected, found).of_pair(self.terms.currency));
    }

    fn raise_window(&self, rule: Rule, began: Timestamp, expected: String, found: String, alerts: &mut Vec<Alert>) {
        let (place, record) = (Place::Window(began), Some(self.record.position));
        alerts.push(
            Alert::new(rule, self.subject(), place, self.record.at, record, expected, found)
                .of_pair(self.terms.currency),
        );
    }
}

/// Charges a buy and judges the customer's limits.
pub fn judge_limits(customer: &mut CustomerSeen, deal: &Dealing<'_>, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
    if deal.terms.side != Side::Buy {
        return;
    }
    customer.limits = customer.limits.charged(deal.won, deal.record.at);
    let of = [
        ("a day", customer.limits.day_won, policy.limits.daily_won),
        ("a month", customer.limits.month_won, policy.limits.monthly_won),
    ];
    if let Some((window, used, most)) = of.into_iter().find(|(_, used, most)| used > most) {
        deal.raise(Rule::LimitExceeded, format!("at most {most} won {window}"), format!("{used} won"), alerts);
    }
}

/// A limited account's debits of a day, as the record states them.
pub fn judge_limited(record: &Record, debit: &Leg, won: i64, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
    let most = policy.limits.limited_account_daily_won;
    if won > most {
        let (subject, here) = (Subject::Account(debit.account), (record.position, record.at));
        let expected = format!("at most {most} won on {}", record.business_date);
        alerts.push(Alert::at_record(Rule::LimitExceeded, subject, here, expected, format!("{won} won")));
    }
}

/// What an exchange leaves in a currency with a holding cap.
pub fn judge_cap(record: &Record, terms: &Terms, credit: &Leg, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
    let currency = credit.amount.currency();
    let Some(&cap) = policy.holding_caps.get(&currency).filter(|_| terms.side == Side::Buy) else { return };
    let value = value_in_won(credit.balance_after, terms.mid);
    if value > cap {
        let (subject, here) = (Subject::Account(credit.account), (record.position, record.at));
        let (expected, found) = (format!("at most {cap} won in {currency}"), format!("{value} won"));
        alerts.push(Alert::at_record(Rule::CapExceeded, subject, here, expected, found).of_pair(currency));
    }
}

/// How often a customer exchanges.
pub fn judge_velocity(customer: &mut CustomerSeen, deal: &Dealing<'_>, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
    let minute = deal.record.at.micros().div_euclid(60 * MICROS_PER_SECOND);
    if minute > customer.minute {
        (customer.minute, customer.in_minute) = (minute, 0);
    }
    customer.in_minute = customer.in_minute.saturating_add(1);
    let most = policy.exchanges_per_minute_max;
    // Told once a minute: by the first that is too many.
    if customer.in_minute == most.saturating_add(1) {
        let began = Timestamp::from_micros(minute.saturating_mul(60 * MICROS_PER_SECOND));
        let found = format!("{} and on", customer.in_minute);
        deal.raise_window(Rule::Velocity, began, format!("at most {most} exchanges a minute"), found, alerts);
    }
}

/// Amounts just below the threshold, again and again.
pub fn judge_structuring(
    customer: &mut CustomerSeen,
    deal: &Dealing<'_>,
    policy: &WatchPolicy,
    alerts: &mut Vec<Alert>,
) {
    let threshold = policy.structuring_won;
    let near = threshold.saturating_sub(threshold.saturating_mul(policy.structuring_percent) / 100);
    if !(near..threshold).contains(&deal.won) {
        return;
    }
    let window = policy.structuring_days.saturating_mul(MICROS_PER_DAY);
    if customer.near == 0 || deal.record.at.micros_since(customer.near_since) > window {
        (customer.near_since, customer.near) = (deal.record.at, 0);
    }
    customer.near = customer.near.saturating_add(1);
    if customer.near >= policy.structuring_count {
        let expected = format!("fewer than {} exchanges of {near} to {threshold} won", policy.structuring_count);
        let found = format!("{} since {}", customer.near, customer.near_since);
        deal.raise_window(Rule::Structuring, customer.near_since, expected, found, alerts);
        customer.near = 0;
    }
}

/// What a customer gains by buying and selling while the middle rate stands still: nothing.
pub fn judge_round_trip(customer: &mut CustomerSeen, deal: &Dealing<'_>, alerts: &mut Vec<Alert>) {
    let (currency, mid) = (deal.terms.currency, deal.terms.mid);
    let mut trip = customer.trip.filter(|trip| trip.currency == currency && trip.mid == mid).unwrap_or(RoundTrip {
        currency,
        mid,
        foreign: 0,
        won: 0,
    });
    let (foreign, won) = match deal.terms.side {
        Side::Buy => (deal.foreign, deal.won.saturating_neg()),
        Side::Sell => (deal.foreign.saturating_neg(), deal.won),
    };
    trip.foreign = trip.foreign.saturating_add(foreign);
    trip.won = trip.won.saturating_add(won);
    if Ratio::of(mid, currency).is_gain(trip.foreign, trip.won) {
        let gained = |minor| Money::from_minor(minor, currency).unwrap_or(Money::zero(currency));
        let found = format!("{} won and {:?} more than before", trip.won, gained(trip.foreign));
        deal.raise(Rule::RoundTripGain, format!("no gain at a middle rate of {mid}"), found, alerts);
        trip = RoundTrip { foreign: 0, won: 0, ..trip };
    }
    customer.trip = Some(trip);
}

/// Judges all that a customer does by an exchange.
pub fn judge(customer: &mut CustomerSeen, deal: &Dealing<'_>, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
    judge_limits(customer, deal, policy, alerts);
    judge_velocity(customer, deal, policy, alerts);
    judge_structuring(customer, deal, policy, alerts);
    judge_round_trip(customer, deal, alerts);
}

/// The exchange that a record is, as a subject.
pub(super) fn exchange_of(record: &Record) -> Subject {
    Subject::Exchange(ExchangeId::at(record.position))
}
