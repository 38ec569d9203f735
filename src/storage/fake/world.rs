//! What the fake store holds, and the rules of a store applied to it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use hwan_domain::{
    account::{AccountState, Balance},
    board::{Halt, Pair},
    control::ControlTotals,
    currency::Currency,
    customer::CustomerState,
    id::{AccountId, CustomerId, LaneId, Position, Seq},
    money::Money,
    record::{KeyDigest, Record},
    round::{Round, RoundId},
    time::{BusinessDate, Timestamp},
};
use smallvec::SmallVec;

use crate::storage::{
    consistency::{ahead, published_ahead, published_went_back, step_end, went_back, wrong_batch},
    listing::{CustomerQuery, EntryKind, PassbookPage, PassbookQuery, RoundQuery, Window},
    port::{
        AccountSums, ChainHash, CommitBatch, CommitError, Epoch, Household, JournalRow, LaneHead, PassbookEntry,
        StateWrite, StoreError, TakenLane,
    },
};

/// Everything that is stored.
#[derive(Default)]
pub(super) struct World {
    lanes: BTreeMap<LaneId, Lane>,
    keys: HashMap<KeyDigest, Position>,
    states: States,
    passbooks: HashMap<AccountId, BTreeMap<u64, PassbookEntry>>,
    days: BTreeMap<(AccountId, Currency, BusinessDate), Money>,
}

#[derive(Default)]
struct Lane {
    epoch: u64,
    /// The journal: the row of seq n stands at n − 1.
    rows: Vec<JournalRow>,
    /// The head after each commit and the values that it left behind.
    commits: Vec<(Seq, Vec<StateWrite>)>,
    projected: Seq,
    /// Up to where the outbox has published; `None` where it has nothing.
    relayed: Option<(Seq, ChainHash)>,
}

#[derive(Default)]
struct States {
    customers: HashMap<CustomerId, CustomerState>,
    accounts: BTreeMap<AccountId, AccountState>,
    households: HashMap<CustomerId, Vec<AccountId>>,
    balances: HashMap<AccountId, SmallVec<[Balance; 1]>>,
    rounds: BTreeMap<RoundId, Round>,
    halts: BTreeMap<Currency, Halt>,
}

impl Lane {
    fn seq(&self) -> Seq {
        self.rows.last().map_or(Seq::ZERO, |row| row.record.position.seq())
    }

    fn totals(&self) -> ControlTotals {
        let mut totals = ControlTotals::default();
        self.rows.iter().flat_map(|row| row.record.event.legs()).for_each(|leg| totals.post(leg.amount));
        totals
    }

    fn hash(&self) -> ChainHash {
        self.rows.last().map_or(ChainHash::GENESIS, |row| row.hash)
    }

    /// The rows after `seq`.
    fn after(&self, seq: Seq) -> &[JournalRow] {
        usize::try_from(seq.number()).ok().and_then(|skipped| self.rows.get(skipped..)).unwrap_or_default()
    }
}

impl World {
    pub(super) fn take(&mut self, id: LaneId) -> Result<TakenLane, StoreError> {
        let lane = self.lanes.entry(id).or_default();
        if lane.projected > lane.seq() {
            return Err(went_back(id, lane.seq(), lane.projected));
        }
        if let Some((relayed, _)) = lane.relayed
            && relayed > lane.seq()
        {
            return Err(published_went_back(id, lane.seq(), relayed));
        }
        lane.epoch += 1;
        Ok(TakenLane {
            epoch: Epoch(lane.epoch),
            seq: lane.seq(),
            hash: lane.hash(),
            last: lane.rows.last().map(|row| (row.record.at, row.record.business_date)),
            projected: lane.projected,
            totals: lane.totals(),
        })
    }

    /// Ends the epoch of whoever owns the lane.
    pub(super) fn depose(&mut self, id: LaneId) {
        self.lanes.entry(id).or_default().epoch += 1;
    }

    pub(super) fn epoch(&self, id: LaneId) -> Epoch {
        Epoch(self.lanes.get(&id).map_or(0, |lane| lane.epoch))
    }

    pub(super) fn commit(&mut self, batch: &CommitBatch) -> Result<(), CommitError> {
        if let Some(wrong) = wrong_batch(batch) {
            return Err(CommitError::NotDone(wrong));
        }
        let fenced = CommitError::Fenced { lane: batch.lane, epoch: batch.epoch, from: batch.from };
        let Some(lane) = self.lanes.get_mut(&batch.lane) else { return Err(fenced) };
        if Epoch(lane.epoch) != batch.epoch || lane.seq() != batch.from {
            return Err(fenced);
        }
        let used = |row: &JournalRow| [row.record.key(), row.record.used_once()].into_iter().flatten();
        let keys = batch.rows.iter().flat_map(|row| used(row).map(move |key| (key, row)));
        let mut fresh = HashMap::new();
        for (key, row) in keys {
            if let Some(used_by) = self.keys.get(&key) {
                return Err(CommitError::DuplicateKey { key, used_by: *used_by });
            }
            if fresh.insert(key, row.record.position).is_some() {
                return Err(CommitError::NotDone(format!("an idempotency key stands twice in the batch: {key:?}")));
            }
        }
        self.keys.extend(fresh);
        lane.rows.extend(batch.rows.iter().cloned());
        lane.commits.push((lane.seq(), batch.writes.clone()));
        self.states.apply(&batch.writes);
        Ok(())
    }

    pub(super) fn lanes(&self) -> Vec<LaneId> {
        self.lanes.keys().copied().collect()
    }

    pub(super) fn account_sums(&self) -> Vec<AccountSums> {
        let mut sums: Vec<AccountSums> = self
            .lanes
            .iter()
            .map(|(id, lane)| AccountSums {
                lane: *id,
                seq: lane.seq(),
                hash: lane.hash(),
                totals: ControlTotals::default(),
            })
            .collect();
        for (account, balances) in &self.states.balances {
            if let Ok(at) = sums.binary_search_by_key(&account.lane(), |sums| sums.lane)
                && let Some(of_lane) = sums.get_mut(at)
            {
                balances.iter().for_each(|balance| of_lane.totals.post(balance.amount));
            }
        }
        sums
    }

    pub(super) fn heads(&self) -> Vec<LaneHead> {
        let head = |(id, lane): (&LaneId, &Lane)| LaneHead {
            lane: *id,
            seq: lane.seq(),
            hash: lane.hash(),
            projected: lane.projected,
        };
        self.lanes.iter().map(head).collect()
    }

    pub(super) fn rows(&self, id: LaneId) -> &[JournalRow] {
        self.lanes.get(&id).map_or(&[], |lane| &lane.rows)
    }

    pub(super) fn journal(&self, id: LaneId, from: Seq, limit: usize) -> Vec<JournalRow> {
        let before = Seq::new(from.number().saturating_sub(1)).unwrap_or(Seq::ZERO);
        self.lanes.get(&id).map(|lane| lane.after(before).iter().take(limit).cloned().collect()).unwrap_or_default()
    }

    pub(super) fn since(&self, id: LaneId, at: Timestamp) -> Seq {
        let rows = self.rows(id);
        let earlier = rows.partition_point(|row| row.record.at < at);
        Seq::new(u64::try_from(earlier).unwrap_or(u64::MAX).saturating_add(1)).unwrap_or(Seq::ZERO)
    }

    pub(super) fn records(&self, places: &[Position]) -> Vec<Arc<Record>> {
        let record = |place: &Position| self.journal(place.lane(), place.seq(), 1).pop().map(|row| row.record);
        places.iter().filter_map(|place| record(place).filter(|record| record.position == *place)).collect()
    }

    pub(super) fn find(&self, keys: &[KeyDigest]) -> Vec<(KeyDigest, JournalRow)> {
        let row = |position: Position| self.journal(position.lane(), position.seq(), 1).pop();
        keys.iter().filter_map(|key| Some((*key, row(*self.keys.get(key)?)?))).collect()
    }

    pub(super) fn customer(&self, id: CustomerId) -> Option<Household> {
        let states = &self.states;
        let customer = states.customers.get(&id)?.clone();
        let accounts = states.households.get(&id).map(Vec::as_slice).unwrap_or_default();
        let accounts = accounts.iter().filter_map(|id| {
            let balances = states.balances.get(id).cloned().unwrap_or_default();
            Some(AccountState { balances, ..states.accounts.get(id)?.clone() })
        });
        Some(Household { customer, accounts: accounts.collect() })
    }

    pub(super) fn customers(&self, query: &CustomerQuery) -> Vec<CustomerState> {
        let CustomerQuery { channel, reference, after, limit } = query;
        let mut customers: Vec<CustomerState> = self
            .states
            .customers
            .values()
            .filter(|customer| after.is_none_or(|after| customer.id > after))
            .filter(|customer| channel.as_ref().is_none_or(|channel| customer.channel == *channel))
            .filter(|customer| reference.is_none() || customer.reference == *reference)
            .cloned()
            .collect();
        customers.sort_by_key(|customer| customer.id);
        customers.truncate(*limit);
        customers
    }

    pub(super) fn owner(&self, id: AccountId) -> Option<CustomerId> {
        self.states.accounts.get(&id).map(|account| account.customer)
    }

    pub(super) fn pairs(&self, rounds: usize) -> Vec<(Currency, Pair)> {
        let mut pairs: BTreeMap<Currency, Pair> = BTreeMap::new();
        for round in self.states.rounds.values() {
            pairs.entry(round.currency).or_default().rounds.push(round.clone());
        }
        for (currency, halt) in &self.states.halts {
            pairs.entry(*currency).or_default().halt = Some(halt.clone());
        }
        for pair in pairs.values_mut() {
            let surplus = pair.rounds.len().saturating_sub(rounds);
            let measure = pair.last_traded().map(|round| round.id);
            let mut index = 0;
            pair.rounds.retain(|round| {
                index += 1;
                index > surplus || Some(round.id) == measure
            });
        }
        pairs.retain(|_, pair| pair.halt.is_some() || !pair.rounds.is_empty());
        pairs.into_iter().collect()
    }

    pub(super) fn rounds(&self, query: &RoundQuery) -> Vec<Round> {
        let of_currency = self.states.rounds.values().filter(|round| round.currency == query.currency);
        let mut rounds: Vec<Round> = of_currency
            .filter(|round| query.date.is_none_or(|date| round.id.date == date))
            .filter(|round| query.before.is_none_or(|before| (round.id.date, round.id.number) < before))
            .cloned()
            .collect();
        rounds.sort_by_key(|round| std::cmp::Reverse((round.id.date, round.id.number)));
        rounds.truncate(query.limit);
        rounds
    }

    pub(super) fn project(&mut self, id: LaneId, from: Seq, records: &[Arc<Record>]) -> Result<(), StoreError> {
        let to = step_end(id, from, records)?;
        let fenced = StoreError::ProjectionFenced { lane: id, from };
        let Some(lane) = self.lanes.get_mut(&id).filter(|lane| lane.projected == from) else { return Err(fenced) };
        if to > lane.seq() {
            return Err(ahead(id, to, lane.seq()));
        }
        lane.projected = to;
        records.iter().try_for_each(|record| self.post(record))
    }

    fn post(&mut self, record: &Record) -> Result<(), StoreError> {
        for leg in record.event.legs() {
            let entry = PassbookEntry {
                version: leg.version,
                position: record.position,
                kind: EntryKind::of_posting(&record.event)?,
                amount: leg.amount,
                balance_after: leg.balance_after,
                at: record.at,
                business_date: record.business_date,
            };
            self.passbooks.entry(leg.account).or_default().insert(leg.version, entry);
            self.days.insert((leg.account, leg.amount.currency(), record.business_date), leg.balance_after);
        }
        Ok(())
    }

    pub(super) fn projected(&self, id: LaneId) -> Seq {
        self.lanes.get(&id).map_or(Seq::ZERO, |lane| lane.projected)
    }

    pub(super) fn relayed(&self, id: LaneId) -> (Seq, ChainHash) {
        self.lanes.get(&id).and_then(|lane| lane.relayed).unwrap_or((Seq::ZERO, ChainHash::GENESIS))
    }

    pub(super) fn relay(
        &mut self,
        id: LaneId,
        epoch: Epoch,
        from: Seq,
        to: (Seq, ChainHash),
    ) -> Result<(), StoreError> {
        let fenced = StoreError::RelayFenced { lane: id, epoch, from };
        let Some(lane) = self.lanes.get_mut(&id) else { return Err(fenced) };
        if to.0 > lane.seq() {
            return Err(published_ahead(id, to.0, lane.seq()));
        }
        if Epoch(lane.epoch) != epoch || lane.relayed.map_or(Seq::ZERO, |(seq, _)| seq) != from {
            return Err(fenced);
        }
        lane.relayed = Some(to);
        Ok(())
    }

    pub(super) fn passbook(&self, id: AccountId, after_version: u64, limit: usize) -> Vec<PassbookEntry> {
        let Some(passbook) = self.passbooks.get(&id) else { return Vec::new() };
        passbook.values().filter(|entry| entry.version > after_version).take(limit).cloned().collect()
    }

    pub(super) fn passbook_is_current(&self, id: AccountId) -> bool {
        let committed = self.states.balances.get(&id).and_then(|all| all.iter().map(|balance| balance.version).max());
        let projected = self.passbooks.get(&id).and_then(|passbook| passbook.last_key_value().map(|(last, _)| *last));
        committed <= projected
    }

    pub(super) fn passbook_page(&self, query: &PassbookQuery) -> PassbookPage {
        let Some(passbook) = self.passbooks.get(&query.account) else { return PassbookPage::default() };
        let Window { from, to } = query.window;
        let past = passbook.last_key_value().map_or(1, |(version, _)| version.saturating_add(1));
        let not_before = |at| passbook.values().find(|entry| entry.at >= at).map_or(past, |entry| entry.version);
        let (first, end) = (from.map_or(1, not_before), to.map_or(past, not_before));
        let looked_at = query.looked_at(first, end);
        let found = passbook.range(looked_at.clone()).rev().map(|(_, entry)| entry);
        let found = found.filter(|entry| query.only.is_none_or(|kind| entry.kind == kind));
        query.page(found.take(query.entries_max().saturating_add(1)).cloned().collect(), first, &looked_at)
    }

    pub(super) fn daily_balances(&self, id: AccountId, date: BusinessDate) -> Vec<(BusinessDate, Money)> {
        let mut newest: BTreeMap<Currency, (BusinessDate, Money)> = BTreeMap::new();
        let first = (id, Currency::KRW, BusinessDate::from_days(0));
        // The won does not sort first: walk all of the account's neighbours.
        let before = self.days.range(..first).rev().take_while(|((account, ..), _)| *account == id);
        let after = self.days.range(first..).take_while(|((account, ..), _)| *account == id);
        for ((_, currency, day), money) in before.chain(after).filter(|((.., day), _)| *day <= date) {
            let slot = newest.entry(*currency).or_insert((*day, *money));
            if *day >= slot.0 {
                *slot = (*day, *money);
            }
        }
        newest.into_values().collect()
    }

    /// Forgets a lane's records after `seq`, as a restored backup would; the values are those after the last commit
    /// that ended there or before.
    pub(super) fn shorten(&mut self, id: LaneId, seq: Seq) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let kept = lane.rows.partition_point(|row| row.record.position.seq() <= seq);
        for row in lane.rows.drain(kept..) {
            for key in [row.record.key(), row.record.used_once()].into_iter().flatten() {
                self.keys.remove(&key);
            }
        }
        lane.commits.retain(|(head, _)| *head <= seq);
        self.states = States::default();
        for lane in self.lanes.values() {
            for (_, writes) in &lane.commits {
                self.states.apply(writes);
            }
        }
    }

    /// Forgets what a lane's projections, and the outbox's cursor, say of records after its head.
    pub(super) fn shorten_projections(&mut self, id: LaneId) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        lane.projected = lane.projected.min(lane.seq());
        lane.relayed = lane.relayed.filter(|(relayed, _)| *relayed <= lane.seq());
        let projected = usize::try_from(lane.projected.number()).unwrap_or(usize::MAX);
        let records: Vec<Arc<Record>> = lane.rows.iter().take(projected).map(|row| Arc::clone(&row.record)).collect();
        self.passbooks.retain(|account, _| account.lane() != id);
        self.days.retain(|(account, ..), _| account.lane() != id);
        for record in &records {
            // It was posted once, so it can be again.
            let _ = self.post(record);
        }
    }
}

impl States {
    fn apply(&mut self, writes: &[StateWrite]) {
        for write in writes {
            match write {
                StateWrite::Customer(customer) | StateWrite::Charged(customer) => {
                    self.customers.insert(customer.id, customer.clone());
                }
                StateWrite::Account(account) => {
                    let state = AccountState { balances: SmallVec::new(), ..account.clone() };
                    if self.accounts.insert(account.id, state).is_none() {
                        let household = self.households.entry(account.customer).or_default();
                        household.push(account.id);
                        household.sort_unstable();
                    }
                }
                StateWrite::Balance { account, amount, version } => {
                    let balances = self.balances.entry(*account).or_default();
                    balances.retain(|balance| balance.amount.currency() != amount.currency());
                    balances.push(Balance { amount: *amount, version: *version });
                    balances.sort_by_key(|balance| balance.amount.currency());
                }
                StateWrite::Round(round) => {
                    self.rounds.insert(round.id, round.clone());
                }
                StateWrite::Halt(currency, Some(halt)) => {
                    self.halts.insert(*currency, halt.clone());
                }
                StateWrite::Halt(currency, None) => {
                    self.halts.remove(currency);
                }
            }
        }
    }
}
