//! What is in memory, compared with the store: a customer is read from the store, looked at in its mailbox, and read from the store
//! again. Where both reads are the same nothing has moved between, and memory must say the same; where they are not it is tried
//! again.

use std::sync::Arc;

use async_trait::async_trait;
use hwan_domain::{
    account::AccountState,
    customer::CustomerState,
    id::{AccountId, CustomerId},
    reconciliation::{Break, BreakKind, Check, Subject},
    time::Timestamp,
};

use super::{
    command::{Refusal, Viewer},
    engine::Engine,
};
use crate::{
    reconciliation::memory::{Memory, MemoryCompared},
    storage::port::Household,
};

/// How often a customer that moves is tried again.
const ATTEMPTS_MAX: usize = 5;
/// Who looks, by name.
const VIEWER: &str = "reconciliation";

/// What was seen of one customer.
enum Seen {
    Same,
    Moving,
    Differs(Vec<Break>),
}

#[async_trait]
impl Memory for Engine {
    async fn compare(&self, customers_max: usize) -> Result<MemoryCompared, String> {
        let mut compared = MemoryCompared::default();
        for customer in self.sample(customers_max) {
            match self.compare_customer(customer).await? {
                Seen::Same => compared.customers += 1,
                Seen::Moving => compared.moving += 1,
                Seen::Differs(breaks) => {
                    compared.customers += 1;
                    breaks.into_iter().for_each(|found| compared.breaks.add(found));
                }
            }
        }
        Ok(compared)
    }
}

impl Engine {
    /// Some of the customers that are in memory, at random, of every lane as many.
    fn sample(&self, customers_max: usize) -> Vec<CustomerId> {
        let links: Vec<_> = self.0.slots.iter().filter_map(|slot| slot.link.load_full()).collect();
        let of_lane = customers_max.div_ceil(links.len().max(1));
        // Without randomness it begins at the first: a sample all the same.
        let pick = |below: usize| {
            let number = usize::try_from(getrandom::u32().unwrap_or(0)).unwrap_or(0);
            number.checked_rem(below).unwrap_or(0)
        };
        links.iter().flat_map(|link| link.directory.sample(of_lane, pick)).take(customers_max).collect()
    }

    async fn compare_customer(&self, customer: CustomerId) -> Result<Seen, String> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(before) = self.stored(customer).await? else { return Ok(Seen::Moving) };
            let (seen, at) = match self.in_memory(customer).await {
                Ok(Some(seen)) => seen,
                Ok(None) => return Ok(Seen::Moving),
                // At the door, or in a lane that is being taken: it is not the store that disagrees.
                Err(refusal) => return Err(format!("memory cannot be looked at: {refusal}")),
            };
            let after = self.stored(customer).await?;
            if after.as_ref().is_some_and(|after| same(&before, after)) {
                // A reader sees the limits as they are at the lane's time: a day that is over counts no more.
                let limits = before.customer.limits.at(at);
                let customer = CustomerState { limits, ..before.customer };
                let breaks = differences(&Household { customer, ..before }, &seen);
                return Ok(if breaks.is_empty() { Seen::Same } else { Seen::Differs(breaks) });
            }
        }
        Ok(Seen::Moving)
    }

    async fn stored(&self, customer: CustomerId) -> Result<Option<Household>, String> {
        let stored = self.0.common.store.customer(customer).await;
        stored.map_err(|error| format!("the store cannot be read: {error}"))
    }

    async fn in_memory(&self, customer: CustomerId) -> Result<Option<(Household, Timestamp)>, Refusal> {
        let viewer = Viewer::of_all(Arc::from(VIEWER));
        let Some(view) = self.customer(&viewer, customer).await? else { return Ok(None) };
        let mut accounts = Vec::with_capacity(view.accounts.len());
        for account in view.accounts {
            match self.account(&viewer, account).await? {
                Some(view) => accounts.push(view.state),
                None => return Ok(None),
            }
        }
        Ok(Some((Household { customer: view.state, accounts }, view.at)))
    }
}

fn by_id(household: &Household) -> Vec<AccountState> {
    let mut accounts = household.accounts.clone();
    for account in &mut accounts {
        account.balances.sort_unstable_by_key(|balance| balance.amount.currency());
    }
    accounts.sort_unstable_by_key(|account| account.id);
    accounts
}

fn same(one: &Household, other: &Household) -> bool {
    one.customer == other.customer && by_id(one) == by_id(other)
}

fn differences(stored: &Household, seen: &Household) -> Vec<Break> {
    let mut breaks = Vec::new();
    if stored.customer != seen.customer {
        let shown = |state: &CustomerState| format!("{:?}, {:?}", state.facts, state.limits);
        let subject = Subject { lane: Some(stored.customer.id.lane()), ..Subject::default() };
        let text = format!("customer {}: memory has other facts or limits than the store", stored.customer.id);
        breaks.push(differs(subject, (shown(&stored.customer), shown(&seen.customer)), text));
    }
    let (stored, seen) = (by_id(stored), by_id(seen));
    let find = |accounts: &[AccountState], id: AccountId| accounts.iter().find(|account| account.id == id).cloned();
    let mut ids: Vec<AccountId> = stored.iter().chain(&seen).map(|account| account.id).collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let (ours, theirs) = (find(&stored, id), find(&seen, id));
        if ours != theirs {
            let shown = |account: Option<AccountState>| {
                account.map_or_else(
                    || "nothing".to_owned(),
                    |account| format!("version {}, {:?}", account.version(), account.balances),
                )
            };
            let text = "memory has the account otherwise than the store".to_owned();
            breaks.push(differs(Subject::account(id, None), (shown(ours), shown(theirs)), text));
        }
    }
    breaks
}

fn differs(subject: Subject, (expected, found): (String, String), explanation: String) -> Break {
    Break { kind: BreakKind::Amount, check: Check::Memory, subject, expected, found, explanation }
}
