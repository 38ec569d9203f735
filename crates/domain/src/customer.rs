//! A customer: what stands against the person, and how much of the limits is used.

use std::sync::Arc;

use crate::{
    check::{Direction, Fact, FactSheet},
    id::CustomerId,
    limit::{LimitPolicy, LimitUse},
    rejection::Violations,
    time::Timestamp,
};

/// What of a customer survives a restart: as sequenced, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerState {
    /// Its id.
    pub id: CustomerId,
    /// The bank's own name for the customer, if it gave one: an opaque reference, never a person's name.
    pub reference: Option<Arc<str>>,
    /// What stands against the customer.
    pub facts: FactSheet,
    /// What is used of the limits.
    pub limits: LimitUse,
}

impl CustomerState {
    /// A new customer.
    pub fn opened(id: CustomerId, reference: Option<Arc<str>>) -> Self {
        Self { id, reference, facts: FactSheet::default(), limits: LimitUse::default() }
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

    /// Turns a reserve into use at `at`: the exchange is sequenced. Returns the counters afterwards.
    pub fn charge_limit(&mut self, won: i64, at: Timestamp) -> LimitUse {
        self.release_limit(won);
        self.state.limits = self.state.limits.charged(won, at);
        self.state.limits
    }

    /// States a fact.
    pub fn state_fact(&mut self, fact: Fact, at: Timestamp) {
        self.state.facts.state(fact, at);
    }
}
