//! Reads every lane's journal and compares what is stored with what follows from it.
//!
//! Checked: positions gapless, hashes chained from the first record to the lane's head, time and date never back, every
//! record balanced, every leg continuing its account, counters following, every reversal that of its exchange, once;
//! then customers, accounts, rounds and halts as
//! stored, and the passbook and daily balances as far as they are projected. Not checked: the journal's columns beside the
//! body, and rows that no customer of the journal owns.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use hwan_domain::{
    account::{AccountState, Balance},
    board::{Board, ROUNDS_REMEMBERED_MAX},
    currency::Currency,
    customer::CustomerState,
    id::{LaneId, Position, Seq},
    invariant,
    money::Money,
    record::{Event, Record},
    time::{BusinessDate, Timestamp},
};

use super::{report::Report, shadow::Shadow};
use crate::storage::{
    codec,
    port::{Household, LaneHead, LedgerStore, StoreError},
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
        // Where older records were deleted, what they left behind does not follow from the rest.
        if !walk.report.deleted.contains_key(&head.lane) {
            walk.states(&head, &shadow).await?;
        }
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
        let (mut at, mut hash) = self.store.journal_begins(lane).await?;
        let is_whole = at == Seq::ZERO;
        if !is_whole {
            self.report.deleted.insert(lane, at);
        }
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
                if is_whole {
                    let reversed = self.reversed(&row.record).await?;
                    shadow.follow(&row.record, reversed.as_deref(), &mut wrong);
                } else if let Err(breach) = invariant::balanced(&row.record) {
                    wrong.push(breach.to_string());
                }
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

    /// The record of the exchange that a reversal names.
    async fn reversed(&self, record: &Record) -> Result<Option<Arc<Record>>, StoreError> {
        let Event::Reversed { exchange, .. } = &record.event else { return Ok(None) };
        let place = exchange.position();
        let rows = self.store.journal(place.lane(), place.seq(), 1).await?;
        Ok(rows.into_iter().next().map(|row| row.record).filter(|found| found.position == place))
    }

    async fn states(&mut self, head: &LaneHead, shadow: &Shadow) -> Result<(), StoreError> {
        let mut customers: Vec<_> = shadow.customers.values().collect();
        customers.sort_unstable_by_key(|customer| customer.id);
        for customer in customers {
            match self.store.customer(customer.id).await? {
                Some(household) => self.household(head, shadow, customer, &household).await?,
                None => self.report.found(format_args!("customer {} is in the journal, but not stored", customer.id)),
            }
            self.report.customers += 1;
            let compared = self.report.customers;
            self.progress(|| format!("lane {}: {compared} customers compared", head.lane));
        }
        for balance in shadow.accounts.values().flat_map(|account| &account.balances) {
            *self.report.totals.entry(balance.amount.currency()).or_default() += i128::from(balance.amount.minor());
        }
        for (currency, waits) in &shadow.suspense {
            *self.report.suspense.entry(*currency).or_default() += waits;
        }
        if head.lane == LaneId::SYSTEM {
            let stored = Board::new(self.store.pairs(ROUNDS_REMEMBERED_MAX).await?);
            if stored != shadow.board && !self.has_moved_on(head).await? {
                self.report.found("the rounds and halts stored do not follow from the journal");
            }
        }
        Ok(())
    }

    async fn household(
        &mut self,
        head: &LaneHead,
        shadow: &Shadow,
        customer: &CustomerState,
        household: &Household,
    ) -> Result<(), StoreError> {
        let id = customer.id;
        let mut differences = Vec::new();
        if household.customer != *customer {
            differences.push(format!("customer {id}: facts or counters stored do not follow from the journal"));
        }
        let owned = shadow.owned.get(&id).map(Vec::as_slice).unwrap_or_default();
        for account in owned.iter().filter(|id| household.accounts.iter().all(|state| state.id != **id)) {
            differences.push(format!("account {account} is in the journal, but not stored"));
        }
        let mut same = Vec::new();
        for stored in &household.accounts {
            match shadow.accounts.get(&stored.id).map(|follows| (follows, difference(stored, follows))) {
                Some((follows, None)) => same.push(follows),
                Some((_, Some(what))) => differences.push(format!("account {}: {what}", stored.id)),
                None => differences.push(format!("account {} is stored, but not in the journal", stored.id)),
            }
        }
        if !differences.is_empty() && self.has_moved_on(head).await? {
            // A running engine may have changed it since the journal was read: nothing can be said of it.
            self.report.moved_on += 1;
            return Ok(());
        }
        differences.iter().for_each(|difference| self.report.found(difference));
        for account in same {
            self.report.accounts += 1;
            self.passbook(head, account).await?;
        }
        Ok(())
    }

    /// Whether an engine has committed since the walk began.
    async fn has_moved_on(&self, head: &LaneHead) -> Result<bool, StoreError> {
        Ok(self.store.lane_heads().await?.iter().any(|now| now.lane == head.lane && now.seq > head.seq))
    }

    async fn passbook(&mut self, head: &LaneHead, account: &AccountState) -> Result<(), StoreError> {
        let id = account.id;
        let mut version = 0;
        let mut balances: HashMap<Currency, Money> = HashMap::new();
        loop {
            let entries = self.store.passbook(id, version, READ_ENTRIES_MAX).await?;
            let Some(last) = entries.last() else { break };
            for (entry, expected) in entries.iter().zip(version + 1..) {
                let currency = entry.amount.currency();
                let before = balances.insert(currency, entry.balance_after).unwrap_or(Money::zero(currency));
                if entry.version != expected || before.checked_add(entry.amount) != Ok(entry.balance_after) {
                    self.report.found(format_args!("passbook of {id}: entry {} does not follow", entry.version));
                }
            }
            version = last.version;
        }
        if head.projected < head.seq {
            return Ok(()); // the projections are on their way
        }
        if version < account.version() {
            self.report.found(format_args!("passbook of {id} ends at {version}, the account at {}", account.version()));
        }
        if version != account.version() {
            return Ok(());
        }
        let end_of_time: BusinessDate = Timestamp::MAX.seoul_date();
        let daily = self.store.daily_balances(id, end_of_time).await?;
        for Balance { amount, .. } in &account.balances {
            let newest = daily.iter().find(|(_, money)| money.currency() == amount.currency()).map(|(_, money)| *money);
            if newest != Some(*amount) {
                self.report.found(format_args!("daily balances of {id}: {newest:?} is the newest, {amount:?} follows"));
            }
            if balances.get(&amount.currency()) != Some(amount) {
                self.report.found(format_args!("passbook of {id} does not end at {amount:?}"));
            }
        }
        Ok(())
    }
}

/// What differs between an account as stored and as it follows from the journal.
fn difference(stored: &AccountState, follows: &AccountState) -> Option<String> {
    let sorted = |state: &AccountState| {
        let mut balances = state.balances.to_vec();
        balances.sort_unstable_by_key(|balance| balance.amount.currency());
        balances
    };
    let (stored_balances, following_balances) = (sorted(stored), sorted(follows));
    if stored_balances != following_balances {
        return Some(format!("{stored_balances:?} is stored, {following_balances:?} follows"));
    }
    let rest =
        |state: &AccountState| (state.customer, state.kind, state.facts.clone(), state.limited, state.paid_through);
    (rest(stored) != rest(follows)).then(|| {
        "owner, kind, facts, limited use or the day that interest is paid through stored do not follow".to_owned()
    })
}
