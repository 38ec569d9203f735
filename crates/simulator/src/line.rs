//! One engine's connection to the fake store: reads that are slow or fail, lanes that cannot be taken at once, and
//! commits whose fate is drawn. Closing it closes this connection, not the store: another engine may be using it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use hwan::storage::{
    fake::{FakeStore, Outcome, Plan, Wait},
    listing::{CustomerQuery, PassbookPage, PassbookQuery, RoundQuery},
    port::{
        AccountSums, ChainHash, CommitBatch, CommitError, Epoch, Household, JournalRow, LaneHead, LedgerStore,
        PassbookEntry, StoreError, TakenLane,
    },
};
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

use crate::{counts::Counts, dice::Dice};

/// How much goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Nothing.
    Calm,
    /// One commit in this many meets a fault, and one read in as many.
    Rough(u64),
}

/// What all connections of a sequence share.
#[derive(Debug)]
pub(crate) struct Sky {
    pub(crate) weather: Weather,
    pub(crate) dice: Dice,
    pub(crate) counts: Counts,
    /// Commits to come that are not done: an outage.
    outage: u64,
}

impl Sky {
    pub(crate) fn new(dice: Dice) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self { weather: Weather::Calm, dice, counts: Counts::default(), outage: 0 }))
    }

    /// What happens to the next commit. Another owner comes only where the lane is still the sender's.
    pub(crate) fn plan(&mut self, owns: bool) -> Plan {
        let Weather::Rough(one_in) = self.weather else { return Plan::default() };
        let mut plan = Plan::default();
        if self.dice.one_in(3) {
            plan.before = Wait::For(Duration::from_millis(self.dice.below(40)));
            self.counts.one("fault: slow commit");
        }
        if self.outage > 0 {
            self.outage -= 1;
            plan.outcome = Outcome::NotDone;
            return plan;
        }
        if !self.dice.one_in(one_in) {
            return plan;
        }
        match self.dice.below(20) {
            0..8 => {
                self.counts.one("fault: commit not done");
                plan.outcome = Outcome::NotDone;
            }
            8 | 9 => {
                self.counts.one("fault: commits not done for long");
                plan.before = Wait::For(Duration::from_millis(400));
                plan.outcome = Outcome::NotDone;
                self.outage = self.dice.below(130);
            }
            10..14 => {
                self.counts.one("fault: unknown, committed");
                plan.outcome = Outcome::UnknownCommitted;
            }
            14..18 => {
                self.counts.one("fault: unknown, lost");
                plan.outcome = Outcome::UnknownLost;
            }
            18 => {
                self.counts.one("fault: slow answer of a commit");
                plan.after = Wait::For(Duration::from_millis(self.dice.below(3_000)));
            }
            _ if !owns => {}
            _ => {
                self.counts.one("fault: fenced by another owner");
                plan.outcome = Outcome::FencedByOther;
            }
        }
        plan
    }
}

/// One engine's connection.
pub(crate) struct Line {
    store: Arc<FakeStore>,
    sky: Arc<Mutex<Sky>>,
    state: Mutex<LineState>,
}

#[derive(Default)]
struct LineState {
    closed: bool,
    /// Another engine owns the lanes now: they are not given back to this one, as by a lease.
    retired: bool,
    /// Who was read in the present generation of each lane: reading one again means that it had been passivated.
    read: BTreeSet<CustomerId>,
}

impl Line {
    pub(crate) fn new(store: Arc<FakeStore>, sky: Arc<Mutex<Sky>>) -> Self {
        Self { store, sky, state: Mutex::default() }
    }

    /// The lanes have another owner from now on.
    pub(crate) fn retire(&self) {
        self.state(|state| state.retired = true);
    }

    fn sky<T>(&self, look: impl FnOnce(&mut Sky) -> T) -> T {
        look(&mut self.sky.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn state<T>(&self, look: impl FnOnce(&mut LineState) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A call that may be slow, or fail.
    async fn call(&self, what: &'static str) -> Result<(), StoreError> {
        let (slow, fails) = self.sky(|sky| {
            let Weather::Rough(one_in) = sky.weather else { return (0, false) };
            let slow = match sky.dice.below(40) {
                0 => sky.dice.below(2_500), // long enough for a sweep to come by
                1..10 => 1 + sky.dice.below(30),
                _ => 0,
            };
            let fails = sky.dice.one_in(one_in.saturating_mul(2));
            if fails {
                sky.counts.one(what);
            }
            (slow, fails)
        });
        if slow > 0 {
            tokio::time::sleep(Duration::from_millis(slow)).await;
        }
        if self.state(|state| state.closed) {
            return Err(StoreError::Unavailable("this connection is closed".into()));
        }
        if fails { Err(StoreError::Unavailable("as planned".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl LedgerStore for Line {
    fn name(&self) -> String {
        self.store.name()
    }

    async fn take_lane(&self, lane: LaneId) -> Result<TakenLane, StoreError> {
        if self.state(|state| state.retired) {
            return Err(StoreError::Unsafe("the lane belongs to another owner".into()));
        }
        self.call("fault: lane not taken").await?;
        if self.state(|state| state.retired) {
            return Err(StoreError::Unsafe("the lane belongs to another owner".into()));
        }
        self.state(|state| state.read.retain(|customer| customer.lane() != lane));
        self.store.take_lane(lane).await
    }

    async fn commit(&self, batch: &CommitBatch) -> Result<(), CommitError> {
        if self.state(|state| state.closed) {
            return Err(CommitError::NotDone("this connection is closed".into()));
        }
        let done = self.store.commit(batch).await;
        match &done {
            Err(CommitError::Fenced { .. }) => self.sky(|sky| sky.counts.one("commit: fenced")),
            Err(CommitError::DuplicateKey { .. }) => self.sky(|sky| sky.counts.one("commit: duplicate key")),
            _ => {}
        }
        done
    }

    async fn journal(&self, lane: LaneId, from: Seq, limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        self.call("fault: journal not read").await?;
        self.store.journal(lane, from, limit).await
    }

    async fn journal_since(&self, lane: LaneId, at: Timestamp) -> Result<Seq, StoreError> {
        self.call("fault: journal not read").await?;
        self.store.journal_since(lane, at).await
    }

    async fn records(&self, places: &[Position]) -> Result<Vec<Arc<Record>>, StoreError> {
        self.call("fault: journal not read").await?;
        self.store.records(places).await
    }

    async fn find_keys(&self, keys: &[KeyDigest]) -> Result<Vec<(KeyDigest, JournalRow)>, StoreError> {
        self.call("fault: keys not looked up").await?;
        self.sky(|sky| sky.counts.one("keys looked up"));
        self.store.find_keys(keys).await
    }

    async fn account_sums(&self) -> Result<Vec<AccountSums>, StoreError> {
        self.call("fault: accounts not added up").await?;
        self.store.account_sums().await
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Household>, StoreError> {
        // Seen first, told later: a slow answer is an old one.
        let found = self.store.customer(id).await;
        self.call("fault: customer not read").await?;
        if matches!(found, Ok(Some(_))) {
            let again = self.state(|state| !state.read.insert(id));
            self.sky(|sky| sky.counts.one(if again { "hydrated after passivation" } else { "hydrated" }));
        }
        found
    }

    async fn customers(&self, query: &CustomerQuery) -> Result<Vec<CustomerState>, StoreError> {
        self.store.customers(query).await
    }

    async fn owner(&self, id: AccountId) -> Result<Option<CustomerId>, StoreError> {
        self.call("fault: owner not read").await?;
        self.store.owner(id).await
    }

    async fn pairs(&self, rounds: usize) -> Result<Vec<(Currency, Pair)>, StoreError> {
        self.call("fault: pairs not read").await?;
        self.store.pairs(rounds).await
    }

    async fn rounds(&self, query: &RoundQuery) -> Result<Vec<Round>, StoreError> {
        self.store.rounds(query).await
    }

    async fn project(&self, lane: LaneId, from: Seq, records: &[Arc<Record>]) -> Result<(), StoreError> {
        self.call("fault: projection step failed").await?;
        self.store.project(lane, from, records).await
    }

    async fn lane_heads(&self) -> Result<Vec<LaneHead>, StoreError> {
        self.store.lane_heads().await
    }

    async fn projected(&self, lane: LaneId) -> Result<Seq, StoreError> {
        self.call("fault: projection not read").await?;
        self.store.projected(lane).await
    }

    async fn relayed(&self, lane: LaneId) -> Result<(Seq, ChainHash), StoreError> {
        self.call("fault: cursor of the outbox not read").await?;
        self.store.relayed(lane).await
    }

    async fn relay(&self, lane: LaneId, epoch: Epoch, from: Seq, to: (Seq, ChainHash)) -> Result<(), StoreError> {
        self.call("fault: cursor of the outbox not moved").await?;
        self.store.relay(lane, epoch, from, to).await
    }

    async fn passbook(&self, id: AccountId, after: u64, limit: usize) -> Result<Vec<PassbookEntry>, StoreError> {
        self.store.passbook(id, after, limit).await
    }

    async fn passbook_is_current(&self, id: AccountId) -> Result<bool, StoreError> {
        self.store.passbook_is_current(id).await
    }

    async fn passbook_page(&self, query: &PassbookQuery) -> Result<PassbookPage, StoreError> {
        self.store.passbook_page(query).await
    }

    async fn daily_balances(
        &self,
        id: AccountId,
        date: BusinessDate,
    ) -> Result<Vec<(BusinessDate, Money)>, StoreError> {
        self.store.daily_balances(id, date).await
    }

    async fn close(&self) {
        self.state(|state| state.closed = true);
    }
}
