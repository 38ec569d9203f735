//! The fake store as the engine sees it, and as a test sees it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use hwan_domain::{
    board::Pair,
    currency::Currency,
    customer::CustomerState,
    id::{AccountId, CustomerId, LaneId, Position, Seq},
    money::Money,
    record::{KeyDigest, Record},
    round::Round,
    time::{BusinessDate, Timestamp},
};

use super::{
    script::{Outage, Outcome, Plan, Script},
    world::World,
};
use crate::storage::{
    listing::{CustomerQuery, PassbookPage, PassbookQuery, RoundQuery},
    port::{
        AccountSums, ChainHash, CommitBatch, CommitError, Epoch, Household, JournalRow, LaneHead, LedgerStore,
        PassbookEntry, StoreError, TakenLane,
    },
};

/// A store in memory.
#[derive(Default)]
pub struct FakeStore {
    world: Mutex<World>,
    script: Script,
    state: Mutex<State>,
    commits: AtomicU64,
}

#[derive(Clone, Copy, Default)]
struct State {
    outage: Outage,
    closed: bool,
}

impl FakeStore {
    /// An empty store that does as it is told.
    pub fn new() -> Self {
        Self::default()
    }

    /// Plans the next commit that has no plan yet.
    pub fn plan(&self, plan: impl Into<Plan>) {
        self.script.push(plan.into());
    }

    /// Asks `director` for the plan of every commit that was not planned; it replaces an earlier one.
    pub fn direct(&self, director: impl FnMut(&CommitBatch) -> Plan + Send + 'static) {
        self.script.direct(Some(Box::new(director)));
    }

    /// Sends the director home: commits that were not planned are honest again.
    pub fn undirect(&self) {
        self.script.direct(None);
    }

    /// Makes calls fail, or work again.
    pub fn set_outage(&self, outage: Outage) {
        self.state().outage = outage;
    }

    /// Takes a lane in somebody else's name: whoever owns it can commit no more.
    pub fn depose(&self, lane: LaneId) {
        self.world().depose(lane);
    }

    /// The store goes back: a lane's records after `seq`, what they left behind and what was projected of them are
    /// gone, as after restoring a backup. `seq` should be where a commit ended; the values are those of the last that
    /// ended there or before.
    pub fn roll_back_to(&self, lane: LaneId, seq: Seq) {
        let mut world = self.world();
        world.shorten(lane, seq);
        world.shorten_projections(lane);
    }

    /// The same, but what was projected stays: a store that went back only in part.
    pub fn lose_journal_after(&self, lane: LaneId, seq: Seq) {
        self.world().shorten(lane, seq);
    }

    /// All of a lane's journal.
    pub fn rows(&self, lane: LaneId) -> Vec<JournalRow> {
        self.world().rows(lane).to_vec()
    }

    /// The lanes that were ever taken.
    pub fn lanes(&self) -> Vec<LaneId> {
        self.world().lanes()
    }

    /// The epoch that may commit to a lane.
    pub fn epoch(&self, lane: LaneId) -> Epoch {
        self.world().epoch(lane)
    }

    /// How many commits were asked for, whatever became of them.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Opens a closed store again, with everything in it and nothing planned to fail.
    pub fn reopen(&self) {
        *self.state() = State::default();
        self.undirect();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, kind: Outage) -> Result<MutexGuard<'_, World>, StoreError> {
        let State { outage, closed } = *self.state();
        if closed {
            return Err(StoreError::Unavailable("the store is closed".into()));
        }
        if outage == Outage::Everything || (outage != Outage::None && outage == kind) {
            return Err(StoreError::Unavailable("the store is out, as planned".into()));
        }
        Ok(self.world())
    }

    fn reading(&self) -> Result<MutexGuard<'_, World>, StoreError> {
        self.open(Outage::Reads)
    }

    fn writing(&self) -> Result<MutexGuard<'_, World>, StoreError> {
        self.open(Outage::Writes)
    }

    /// The part of a commit that takes no time.
    fn take_effect(&self, batch: &CommitBatch, outcome: Outcome) -> Result<(), CommitError> {
        // Only a closed store or a whole outage refuses here: outages of other writes do not touch commits.
        let mut world = self.open(Outage::None).map_err(|error| CommitError::NotDone(error.to_string()))?;
        match outcome {
            Outcome::Honest => world.commit(batch),
            Outcome::NotDone => Err(CommitError::NotDone("as planned".into())),
            Outcome::UnknownCommitted => {
                // Refused or not, the answer is lost.
                let _ = world.commit(batch);
                Err(CommitError::Unknown("as planned".into()))
            }
            Outcome::UnknownLost => Err(CommitError::Unknown("as planned".into())),
            Outcome::FencedByOther => {
                world.depose(batch.lane);
                world.commit(batch)
            }
        }
    }
}

#[async_trait]
impl LedgerStore for FakeStore {
    fn name(&self) -> String {
        "fake".into()
    }

    async fn take_lane(&self, lane: LaneId) -> Result<TakenLane, StoreError> {
        self.writing()?.take(lane)
    }

    async fn commit(&self, batch: &CommitBatch) -> Result<(), CommitError> {
        self.commits.fetch_add(1, Ordering::Relaxed);
        let Plan { before, outcome, after } = self.script.next(batch);
        before.pass().await;
        let answer = self.take_effect(batch, outcome);
        after.pass().await;
        answer
    }

    async fn journal(&self, lane: LaneId, from: Seq, limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        Ok(self.reading()?.journal(lane, from, limit))
    }

    async fn journal_since(&self, lane: LaneId, at: Timestamp) -> Result<Seq, StoreError> {
        Ok(self.reading()?.since(lane, at))
    }

    async fn records(&self, places: &[Position]) -> Result<Vec<Arc<Record>>, StoreError> {
        Ok(self.reading()?.records(places))
    }

    async fn find_keys(&self, keys: &[KeyDigest]) -> Result<Vec<(KeyDigest, JournalRow)>, StoreError> {
        Ok(self.reading()?.find(keys))
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Household>, StoreError> {
        Ok(self.reading()?.customer(id))
    }

    async fn account_sums(&self) -> Result<Vec<AccountSums>, StoreError> {
        Ok(self.reading()?.account_sums())
    }

    async fn customers(&self, query: &CustomerQuery) -> Result<Vec<CustomerState>, StoreError> {
        Ok(self.reading()?.customers(query))
    }

    async fn owner(&self, id: AccountId) -> Result<Option<CustomerId>, StoreError> {
        Ok(self.reading()?.owner(id))
    }

    async fn pairs(&self, rounds: usize) -> Result<Vec<(Currency, Pair)>, StoreError> {
        Ok(self.reading()?.pairs(rounds))
    }

    async fn rounds(&self, query: &RoundQuery) -> Result<Vec<Round>, StoreError> {
        Ok(self.reading()?.rounds(query))
    }

    async fn project(&self, lane: LaneId, from: Seq, records: &[Arc<Record>]) -> Result<(), StoreError> {
        self.writing()?.project(lane, from, records)
    }

    async fn lane_heads(&self) -> Result<Vec<LaneHead>, StoreError> {
        Ok(self.reading()?.heads())
    }

    async fn projected(&self, lane: LaneId) -> Result<Seq, StoreError> {
        Ok(self.reading()?.projected(lane))
    }

    async fn relayed(&self, lane: LaneId) -> Result<(Seq, ChainHash), StoreError> {
        Ok(self.reading()?.relayed(lane))
    }

    async fn relay(&self, lane: LaneId, epoch: Epoch, from: Seq, to: (Seq, ChainHash)) -> Result<(), StoreError> {
        self.writing()?.relay(lane, epoch, from, to)
    }

    async fn passbook(
        &self,
        id: AccountId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<PassbookEntry>, StoreError> {
        Ok(self.reading()?.passbook(id, after_version, limit))
    }

    async fn passbook_is_current(&self, id: AccountId) -> Result<bool, StoreError> {
        Ok(self.reading()?.passbook_is_current(id))
    }

    async fn passbook_page(&self, query: &PassbookQuery) -> Result<PassbookPage, StoreError> {
        Ok(self.reading()?.passbook_page(query))
    }

    async fn daily_balances(
        &self,
        id: AccountId,
        date: BusinessDate,
    ) -> Result<Vec<(BusinessDate, Money)>, StoreError> {
        Ok(self.reading()?.daily_balances(id, date))
    }

    async fn close(&self) {
        self.state().closed = true;
    }
}
