//! What follows from a lane's journal alone: every account's version and balances, every customer's counters.

use std::collections::HashMap;

use hwan_domain::{
    account::AccountKind,
    currency::Currency,
    id::{AccountId, CustomerId},
    invariant::{self, Breach},
    limit::LimitUse,
    money::Money,
    record::{Event, Leg, Record},
};

/// An account as the journal tells it.
#[derive(Debug)]
pub struct ShadowAccount {
    /// Its owner.
    pub customer: CustomerId,
    /// Won or foreign.
    pub kind: AccountKind,
    /// How many postings it has had.
    pub version: u64,
    /// A balance for each currency that ever had a posting.
    pub balances: HashMap<Currency, Money>,
}

/// What follows from a journal.
#[derive(Debug, Default)]
pub struct Shadow {
    /// Every customer's counters.
    pub customers: HashMap<CustomerId, LimitUse>,
    /// Every account.
    pub accounts: HashMap<AccountId, ShadowAccount>,
}

impl Shadow {
    /// Follows a record; adds what is wrong with it.
    pub fn follow(&mut self, record: &Record, wrong: &mut Vec<String>) {
        if let Err(breach) = invariant::balanced(record) {
            wrong.push(breach.to_string());
        }
        match &record.event {
            Event::CustomerOpened { .. } => {
                self.customers.insert(CustomerId::at(record.position), LimitUse::default());
            }
            Event::AccountOpened { customer, kind } => {
                let account = ShadowAccount { customer: *customer, kind: *kind, version: 0, balances: HashMap::new() };
                self.accounts.insert(AccountId::at(record.position), account);
            }
            Event::Exchanged { limits: Some(limits), debit, .. } => {
                let won = debit.amount.negated().minor();
                match self.customers.get_mut(&debit.customer) {
                    Some(used) if used.charged(won, record.at) == *limits => *used = *limits,
                    _ => wrong.push(format!("record {:?}: the limit counters do not follow", record.position)),
                }
            }
            _ => {}
        }
        for leg in record.event.legs() {
            if let Err(finding) = self.post(leg) {
                wrong.push(format!("record {:?}: {finding}", record.position));
            }
        }
    }

    fn post(&mut self, leg: &Leg) -> Result<(), String> {
        let Some(account) = self.accounts.get_mut(&leg.account) else {
            return Err(format!("account {} was never opened", leg.account));
        };
        if account.customer != leg.customer || !account.kind.holds(leg.amount.currency()) {
            return Err(format!("account {} is another customer's or holds no {}", leg.account, leg.amount.currency()));
        }
        let currency = leg.amount.currency();
        let before = account.balances.get(&currency).copied().unwrap_or(Money::zero(currency));
        let chained: Result<(), Breach> = invariant::continues(leg, account.version, before);
        // From here on by what the record says, so that one break is found once.
        account.version = leg.version;
        account.balances.insert(currency, leg.balance_after);
        chained.map_err(|breach| breach.to_string())
    }
}
