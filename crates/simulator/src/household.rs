//! Customers and accounts in the naive ledger.

use std::collections::BTreeMap;

use hwan_domain::{
    account::AccountKind,
    check::{Fact, FactSheet},
    currency::Currency,
    id::{CustomerId, Position},
    record::Leg,
    rejection::Code,
    revision::AccountRevision,
    time::{BusinessDate, Timestamp},
};

use crate::rules;

/// A customer in the naive ledger.
#[derive(Clone, Debug)]
pub(crate) struct NaiveCustomer {
    pub(crate) channel: String,
    pub(crate) statements: Vec<Fact>,
    /// When, how much, and by which record.
    pub(crate) charges: Vec<(Timestamp, i64, Position)>,
}

/// A line of a passbook.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) leg: Leg,
    pub(crate) at: Timestamp,
    pub(crate) date: BusinessDate,
}

/// An account in the naive ledger.
#[derive(Clone, Debug)]
pub(crate) struct NaiveAccount {
    pub(crate) owner: CustomerId,
    pub(crate) kind: AccountKind,
    pub(crate) statements: Vec<Fact>,
    /// The same statements as the domain's sheet keeps them: for what a client may expect, a text of its own.
    pub(crate) sheet: FactSheet,
    /// Amount and version of each currency's last posting.
    pub(crate) balances: BTreeMap<Currency, (i64, u64)>,
    pub(crate) limited: Vec<(BusinessDate, i64)>,
    pub(crate) opened_on: BusinessDate,
    pub(crate) paid_through: Option<BusinessDate>,
    pub(crate) lines: Vec<Line>,
}

impl NaiveAccount {
    pub(crate) fn balance(&self, currency: Currency) -> i64 {
        self.balances.get(&currency).map_or(0, |(amount, _)| *amount)
    }

    /// What the last posting of the day, or of the newest one before it, left.
    pub(crate) fn closing(&self, currency: Currency, day: BusinessDate) -> i64 {
        let mut until = self.lines.iter().filter(|line| line.date <= day && line.leg.amount.currency() == currency);
        until.next_back().map_or(0, |line| line.leg.balance_after.minor())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.statements.iter().any(|fact| fact.check.code() == Code::AccountClosed)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.balances.values().all(|(amount, _)| *amount == 0)
    }

    pub(crate) fn revision(&self) -> AccountRevision {
        AccountRevision::of(self.lines.len() as u64, &self.sheet)
    }

    pub(crate) fn state_fact(&mut self, fact: Fact, at: Timestamp) {
        self.statements.push(fact);
        self.sheet.state(fact, at);
    }

    pub(crate) fn limited_won(&self, date: BusinessDate) -> i64 {
        self.limited.iter().filter(|(day, _)| *day == date).map(|(_, won)| won).sum()
    }
}

/// What a customer has used of the limit day and the limit month of an instant.
pub(crate) fn used(customer: &NaiveCustomer, at: Timestamp) -> (i64, i64) {
    let day = customer.charges.iter().filter(|(then, ..)| rules::limit_day(*then) == rules::limit_day(at));
    let month = customer.charges.iter().filter(|(then, ..)| rules::limit_month(*then) == rules::limit_month(at));
    (day.map(|(_, won, _)| won).sum(), month.map(|(_, won, _)| won).sum())
}
