//! A customer: what stands against the person, and how much of the limits is used.
//!
//! An exchange into foreign currency reserves of the limits when it starts; the reserve becomes use when the exchange is
//! sequenced, and is released when it fails. Only the customer's own mailbox may call what changes a book.

use std::sync::Arc;

use crate::{
    check::{Direction, Fact, FactSheet, Subject},
    id::CustomerId,
    limit::{Charge, LimitPolicy, LimitStanding, LimitUse},
    rejection::{Code, Violation, Violations},
    time::Timestamp,
};

/// What of a customer survives a restart: as sequenced, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerState {
    /// Its id.
    pub id: CustomerId,
    /// The name of the channel that the customer belongs to: the caller who opened it, or whom that one named.
    pub channel: Arc<str>,
    /// The bank's own name for the customer, if it gave one: an opaque reference, never a person's name.
    pub reference: Option<Arc<str>>,
    /// What stands against the customer.
    pub facts: FactSheet,
    /// What is used of the limits.
    pub limits: LimitUse,
}

impl CustomerState {
    /// A new customer of this channel.
    pub fn opened(id: CustomerId, channel: Arc<str>, reference: Option<Arc<str>>) -> Self {
        Self { id, channel, reference, facts: FactSheet::default(), limits: LimitUse::default() }
    }
}

/// A customer at work: the state, and what exchanges in flight have reserved of the limits.
#[derive(Clone, Debug)]
pub struct CustomerBook {
    state: CustomerState,
    in_flight_won: i64,
}

impl CustomerBook {
    /// A customer at rest, as stored.
    pub const fn new(state: CustomerState) -> Self {
        Self { state, in_flight_won: 0 }
    }

    /// What is sequenced.
    pub const fn state(&self) -> &CustomerState {
        &self.state
    }

    /// Whether no exchange in flight has reserved anything.
    pub const fn at_rest(&self) -> bool {
        self.in_flight_won == 0
    }

    /// What exchanges in flight have reserved of the limits, in won.
    pub const fn in_flight_won(&self) -> i64 {
        self.in_flight_won
    }

    /// Adds a violation for each fact that forbids a posting in this direction.
    pub fn judge(&self, direction: Direction, at: Timestamp, violations: &mut Violations) {
        self.state.facts.forbid(direction, at, violations);
    }

    /// Adds a violation for each limit that `won` more into foreign currency would exceed.
    pub fn judge_limits(&self, won: i64, at: Timestamp, policy: &LimitPolicy, violations: &mut Violations) {
        self.state.limits.check(won, self.in_flight_won, at, policy, violations);
    }

    /// Reserves `won` of the limits for an exchange in flight.
    pub fn reserve_limit(&mut self, won: i64) {
        self.in_flight_won = self.in_flight_won.saturating_add(won);
    }

    /// Gives a reserve back: the exchange failed.
    pub fn release_limit(&mut self, won: i64) {
        self.in_flight_won = self.in_flight_won.saturating_sub(won).max(0);
    }

    /// Counts `won` as used at `at`: the exchange is sequenced, its reserve has ended. Returns the counters afterwards.
    pub fn charge_limit(&mut self, won: i64, at: Timestamp) -> LimitUse {
        self.state.limits = self.state.limits.charged(won, at);
        self.state.limits
    }

    /// Gives back what an exchange charged that is reversed at `at`; returns the counters afterwards, or `None` where
    /// both windows of the charge are over and nothing is left to give back to.
    pub fn give_back_limit(&mut self, charge: Charge, at: Timestamp) -> Option<LimitUse> {
        self.state.limits = self.state.limits.given_back(charge, at)?;
        Some(self.state.limits)
    }

    /// The customer's daily and monthly limits as they stand at `at`, exchanges in flight included.
    pub fn limit_standing(&self, at: Timestamp, policy: &LimitPolicy) -> LimitStanding {
        self.state.limits.standing(self.in_flight_won, at, policy)
    }

    /// Adds every reason why this fact may not be stated of the customer at `at`.
    pub fn judge_fact(&self, fact: &Fact, at: Timestamp, violations: &mut Violations) {
        let check = fact.check.code();
        if fact.check.subject() != Subject::Customer {
            violations
                .push(Violation::new(Code::FactInvalid, format!("{check} is stated of an account, not of a customer")));
        }
        if fact.amount.is_some() {
            violations.push(Violation::new(Code::FactInvalid, format!("{check} of a customer has no amount")));
        }
        violations.extend(self.state.facts.refusal(fact, at));
    }

    /// States a fact that was judged good.
    pub fn state_fact(&mut self, fact: Fact, at: Timestamp) {
        self.state.facts.state(fact, at);
    }
}
