//! Reads every lane's journal and compares what is stored with what follows from it.
//!
//! Checked: positions gapless, hashes chained from the first record to the lane's head, time and date never back, every
//! record balanced, every leg continuing its account, counters following; then balances, versions and counters as
//! stored, and the passbook and daily balances as far as they are projected.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hwan_domain::{
    id::{AccountId, CustomerId, Position, Seq},
    invariant,
    record::Record,
    time::{BusinessDate, Timestamp},
};

use super::{
    report::Report,
    shadow::{Shadow, ShadowAccount},
};
use crate::storage::{
    codec,
    port::{ChainHash, Household, LaneHead, LedgerStore, StoreError},
};

/// Records that one read brings.
const READ_RECORDS_MAX: usize = 2_000;
/// Passbook entries that one read brings.
const READ_ENTRIES_MAX: usize = 5_000;
/// How often progress is told.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Reads all of a store; `tell` hears now and then how far it is.
pub async fn verify(store: &dyn LedgerStore, tell: &mut dyn FnMut(&str)) -> Result<Report, StoreError> {
    let mut walk = Walk { store, report: Report::default(), tell, told: Instant::now() };
    for head in store.lane_heads().await? {
        let mut shadow = Shadow::default();
        walk.journal(&head, &mut shadow).await?;
        walk.states(&head, &shadow).await?;
    }
    Ok(walk.report)
}

struct Walk<'a> {
    store: &'a dyn LedgerStore,
    report: Report,
    tell: &'a mut dyn FnMut(&str),
    told: Instant,
}

impl Walk<'_> {
    fn progress(&mut self, what: impl FnOnce() -> String) {
        if self.told.elapsed() >= HEARTBEAT {
            self.told = Instant::now();
            (self.tell)(&what());
        }
    }

    async fn journal(&mut self, head: &LaneHead, shadow: &mut Shadow) -> Result<(), StoreError> {
        let lane = head.lane;
        let (mut at, mut hash) = (Seq::ZERO, ChainHash::GENESIS);
        let mut before: Option<Arc<Record>> = None;
        while at < head.seq {
            let Some(next) = at.next() else { break };
            let rows = self.store.journal(lane, next, READ_RECORDS_MAX).await?;
            if rows.is_empty() {
                self.report.found(format_args!("lane {lane} stands at {}, its journal ends at {at}", head.seq));
                break;
            }
            for row in rows.into_iter().filter(|row| row.record.position.seq() <= head.seq) {
                let position = row.record.position;
                hash = codec::chain(hash, &row.body);
                if hash != row.hash {
                    self.report.found(format_args!("record {position:?}: its hash does not follow from its body"));
                    hash = row.hash; // from here on by what is stored, so that one break is found once
                }
                match &before {
                    Some(before) => {
                        if let Err(breach) = invariant::follows(before, &row.record) {
                            self.report.found(breach);
                        }
                    }
                    None if position != Position::new(lane, next) => {
                        self.report.found(format_args!("lane {lane} begins at {position:?}"));
                    }
                    None => {}
                }
                let mut wrong = Vec::new();
                shadow.follow(&row.record, &mut wrong);
                wrong.iter().for_each(|finding| self.report.found(finding));
                at = position.seq();
                before = Some(row.record);
                *self.report.records.entry(lane).or_default() += 1;
            }
            self.progress(|| format!("lane {lane}: record {at} of {}", head.seq));
        }
        if (at, hash) != (head.seq, head.hash) {
            self.report.found(format_args!(
                "lane {lane} stands at {} {:?}, its journal at {at} {hash:?}",
                head.seq, head.hash
            ));
        }
        if head.projected > head.seq {
            self.report.found(format_args!("lane {lane}: projections at {} are ahead of {}", head.projected, head.seq));
        }
        Ok(())
    }

    async fn states(&mut self, head: &LaneHead, shadow: &Shadow) -> Result<(), StoreError> {
        let mut customers: Vec<_> = shadow.customers.keys().copied().collect();
        customers.sort_unstable();
        for customer in customers {
            match self.store.customer(customer).await? {
                Some(household) => self.household(head, shadow, customer, &household).await?,
                None => self.report.found(format_args!("customer {customer} is in the journal, but not stored")),
            }
            self.report.customers += 1;
            let compared = self.report.customers;
            self.progress(|| format!("lane {}: {compared} customers compared", head.lane));
        }
        for account in shadow.accounts.values() {
            for (currency, balance) in &account.balances {
                *self.report.totals.entry(*currency).or_default() += i128::from(balance.minor());
            }
        }
        Ok(())
    }

    async fn household(
        &mut self,
        head: &LaneHead,
        shadow: &Shadow,
        id: CustomerId,
        household: &Household,
    ) -> Result<(), StoreError> {
        let mut moved_on = false;
        for state in &household.accounts {
            let Some(account) = shadow.accounts.get(&state.id) else {
                if state.id.position().seq() <= head.seq {
                    self.report.found(format_args!("account {} is stored, but not in the journal", state.id));
                }
                continue;
            };
            if state.version() > account.version && self.has_moved_on(head).await? {
                moved_on = true;
                self.report.moved_on += 1;
                continue;
            }
            if state.version() != account.version || state.customer != account.customer || state.kind != account.kind {
                let (stored, follows) = (state.version(), account.version);
                self.report
                    .found(format_args!("account {} is stored at version {stored}, {follows} follows", state.id));
            }
            for (currency, balance) in &account.balances {
                let stored = state.booked(*currency);
                if stored != *balance {
                    self.report.found(format_args!("account {}: {stored:?} is stored, {balance:?} follows", state.id));
                }
            }
            self.report.accounts += 1;
            self.passbook(head, state.id, account).await?;
        }
        let owned = shadow.accounts.iter().filter(|(_, account)| account.customer == id);
        for (account, _) in owned.filter(|(account, _)| household.accounts.iter().all(|state| state.id != **account)) {
            self.report.found(format_args!("account {account} is in the journal, but not stored"));
        }
        let follows = shadow.customers.get(&id).copied().unwrap_or_default();
        if household.customer.limits != follows && !moved_on {
            self.report.found(format_args!("customer {id}: the limit counters stored do not follow from the journal"));
        }
        Ok(())
    }

    /// Whether an engine has committed since the walk began.
    async fn has_moved_on(&self, head: &LaneHead) -> Result<bool, StoreError> {
        Ok(self.store.lane_heads().await?.iter().any(|now| now.lane == head.lane && now.seq > head.seq))
    }

    async fn passbook(&mut self, head: &LaneHead, id: AccountId, account: &ShadowAccount) -> Result<(), StoreError> {
        let mut version = 0;
        loop {
            let entries = self.store.passbook(id, version, READ_ENTRIES_MAX).await?;
            let Some(last) = entries.last() else { break };
            for (entry, expected) in entries.iter().zip(version + 1..) {
                if entry.version != expected {
                    self.report.found(format_args!("passbook of {id}: {} follows {}", entry.version, expected - 1));
                }
            }
            version = last.version;
        }
        if head.projected < head.seq {
            return Ok(()); // the projections are on their way
        }
        if version < account.version {
            self.report.found(format_args!("passbook of {id} ends at {version}, the account at {}", account.version));
        }
        let end_of_time: BusinessDate = Timestamp::MAX.seoul_date();
        let daily = self.store.daily_balances(id, end_of_time).await?;
        for (currency, balance) in &account.balances {
            let newest = daily.iter().find(|(_, money)| money.currency() == *currency);
            if newest.is_none_or(|(_, money)| money != balance) && version == account.version {
                self.report
                    .found(format_args!("daily balances of {id}: {newest:?} is the newest, {balance:?} follows"));
            }
        }
        Ok(())
    }
}
