//! What follows from a lane's journal alone: every account and customer, the rate board, what waits in suspense.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use hwan_domain::{
    account::{AccountState, Balance, LimitedUse},
    board::Board,
    control::ControlTotals,
    currency::Currency,
    customer::CustomerState,
    id::{AccountId, CustomerId, ExchangeId, Position},
    invariant,
    record::{Event, Landing, Leg, Record},
    reversal,
};

/// What follows from a journal.
#[derive(Debug, Default)]
pub struct Shadow {
    /// Every customer.
    pub customers: HashMap<CustomerId, CustomerState>,
    /// Every account.
    pub accounts: HashMap<AccountId, AccountState>,
    /// Whose accounts they are, in the order in which they were opened.
    pub owned: HashMap<CustomerId, Vec<AccountId>>,
    /// The rate board, in the system lane.
    pub board: Board,
    /// Which record reversed which exchange.
    pub reversals: HashMap<ExchangeId, Position>,
    /// What waits in suspense, in minor units.
    pub suspense: BTreeMap<Currency, i128>,
    /// What all accounts of the lane hold.
    pub totals: ControlTotals,
}

impl Shadow {
    /// Follows a record; adds what is wrong with it. A reversal comes with the record of the exchange that it names, as
    /// far as there is one.
    pub fn follow(&mut self, record: &Record, reversed: Option<&Record>, wrong: &mut Vec<String>) {
        if let Err(breach) = invariant::balanced(record) {
            wrong.push(breach.to_string());
        }
        self.board.apply(&record.event, &record.origin.caller, record.at);
        match &record.event {
            Event::CustomerOpened { reference, channel } => {
                let id = CustomerId::at(record.position);
                let channel = channel.as_deref().map_or_else(|| Arc::clone(&record.origin.caller), Arc::from);
                self.customers.insert(id, CustomerState::opened(id, channel, reference.as_deref().map(Arc::from)));
            }
            Event::AccountOpened { customer, kind } => {
                let id = AccountId::at(record.position);
                self.accounts.insert(id, AccountState::opened(id, *customer, *kind));
                self.owned.entry(*customer).or_default().push(id);
            }
            Event::CustomerFactStated { customer, fact } => match self.customers.get_mut(customer) {
                Some(state) => state.facts.state(*fact, record.at),
                None => wrong.push(format!("record {:?}: customer {customer} was never opened", record.position)),
            },
            Event::AccountFactStated { account, fact, .. } => match self.accounts.get_mut(account) {
                Some(state) => state.facts.state(*fact, record.at),
                None => wrong.push(format!("record {:?}: account {account} was never opened", record.position)),
            },
            Event::AccountClosed { account, .. } => match self.accounts.get_mut(account) {
                Some(state) => {
                    if state.is_closed(record.at) || state.balances.iter().any(|balance| !balance.amount.is_zero()) {
                        wrong.push(format!("record {:?}: account {account} is closed or holds money", record.position));
                    }
                    state.close(record.at);
                }
                None => wrong.push(format!("record {:?}: account {account} was never opened", record.position)),
            },
            Event::Reversed { .. } => self.reverse(record, reversed, wrong),
            Event::InterestPaid { .. } => self.pay_interest(record, wrong),
            Event::Exchanged { limits: Some(limits), debit, .. } => {
                let won = debit.amount.negated().minor();
                match self.customers.get_mut(&debit.customer) {
                    Some(state) if state.limits.charged(won, record.at) == *limits => state.limits = *limits,
                    _ => wrong.push(format!("record {:?}: the limit counters do not follow", record.position)),
                }
            }
            _ => {}
        }
        let totals = self.totals.carry_forward(&record.event);
        // Records of before there were totals have none.
        if !record.totals.is_empty() && record.totals != totals {
            wrong.push(format!("record {:?}: the lane's totals do not follow", record.position));
        }
        for leg in record.event.legs() {
            if let Err(finding) = self.post(leg) {
                wrong.push(format!("record {:?}: {finding}", record.position));
            }
        }
        if let Some((account, won)) = limited(&record.event)
            && let Some(state) = self.accounts.get_mut(&account)
        {
            state.limited = Some(LimitedUse { date: record.business_date, won });
        }
    }

    /// A reversal: of an exchange, of that one, once; to suspense only where the account is closed.
    fn reverse(&mut self, record: &Record, reversed: Option<&Record>, wrong: &mut Vec<String>) {
        let Event::Reversed { exchange, debit, landing, limits, .. } = &record.event else { return };
        let mut found = |finding: String| wrong.push(format!("record {:?}: {finding}", record.position));
        let plan = reversed.filter(|reversed| reversed.position < record.position).map(reversal::plan);
        let Some((Ok(plan), reversed)) = plan.zip(reversed) else {
            return found(format!("{exchange} is no exchange that was made before"));
        };
        if let Err(breach) = invariant::reverses(&record.event, reversed) {
            found(breach.to_string());
        }
        if let Some(earlier) = self.reversals.insert(*exchange, record.position) {
            found(format!("{exchange} was reversed before, by record {earlier:?}"));
        }
        let is_closed = self.accounts.get(&plan.credit_account).is_some_and(|state| state.sends_to_suspense(record.at));
        if let Landing::Suspense(amount) = landing {
            *self.suspense.entry(amount.currency()).or_default() += i128::from(amount.minor());
        }
        if is_closed != landing.leg().is_none() {
            found(format!("{:?} lands where it should not", landing.amount()));
        }
        let Some(state) = self.customers.get_mut(&debit.customer) else {
            return found(format!("customer {} was never opened", debit.customer));
        };
        if plan.charge.and_then(|charge| state.limits.given_back(charge, record.at)) != *limits {
            found("the limit counters do not follow".into());
        }
        state.limits = limits.unwrap_or(state.limits);
    }

    /// Interest: for days that follow those it was paid for before.
    fn pay_interest(&mut self, record: &Record, wrong: &mut Vec<String>) {
        let Event::InterestPaid { account, from, through, .. } = &record.event else { return };
        // An account that was never opened is found where its leg is posted.
        let Some(state) = self.accounts.get_mut(account) else { return };
        if let Err(breach) = invariant::follows_interest(*account, *from, state.paid_through) {
            wrong.push(format!("record {:?}: {breach}", record.position));
        }
        state.paid_through = state.paid_through.max(Some(*through));
    }

    fn post(&mut self, leg: &Leg) -> Result<(), String> {
        let Some(state) = self.accounts.get_mut(&leg.account) else {
            return Err(format!("account {} was never opened", leg.account));
        };
        let currency = leg.amount.currency();
        if state.customer != leg.customer || !state.kind.holds(currency) {
            return Err(format!("account {} is another customer's or holds no {currency}", leg.account));
        }
        let chained = invariant::continues(leg, state.version(), state.booked(currency));
        // From here on by what the record says, so that one break is found once.
        let balance = Balance { amount: leg.balance_after, version: leg.version };
        match state.balances.iter_mut().find(|balance| balance.amount.currency() == currency) {
            Some(slot) => *slot = balance,
            None => state.balances.push(balance),
        }
        chained.map_err(|breach| breach.to_string())
    }
}

/// A limited account's debits of the day, as a record leaves them.
fn limited(event: &Event) -> Option<(AccountId, i64)> {
    match event {
        Event::Withdrawn { debit, limited_won }
        | Event::Transferred { debit, limited_won, .. }
        | Event::Exchanged { debit, limited_won, .. }
        | Event::Reversed { debit, limited_won, .. } => limited_won.map(|won| (debit.account, won)),
        _ => None,
    }
}
