//! A batch: consecutive records on their way to one commit, what they leave behind, and who waits for them.

use std::{collections::HashMap, sync::Arc};

use hwan_domain::{
    control::ControlTotals,
    currency::Currency,
    id::{AccountId, CustomerId, LaneId, Seq},
    record::{KeyDigest, Record},
    round::RoundId,
};

use super::{
    command::{Delivery, Executed, NotDone, Refusal},
    door::Passage,
    home::lock,
    link::{LaneShared, answer_all},
    travel::{Pins, Reply, Travel},
};
use crate::storage::{
    codec,
    port::{ChainHash, CommitBatch, Epoch, Holding, JournalRow, StateWrite},
};

/// A batch on its way to the store, before it is written down.
#[derive(Debug)]
pub struct Draft {
    lane: LaneId,
    epoch: Epoch,
    from: Seq,
    head: ChainHash,
    records: Vec<Arc<Record>>,
    writes: Vec<StateWrite>,
    holdings: Vec<Holding>,
    totals: ControlTotals,
}

impl Draft {
    /// Writes every record down as text and chains it to its predecessor: the part of a commit that takes time and
    /// needs nothing of the lane.
    pub fn seal(self) -> CommitBatch {
        let mut hash = self.head;
        let rows = self.records.into_iter().map(|record| {
            let body = codec::encode(&record);
            hash = codec::chain(hash, &body);
            JournalRow { record, body: body.into(), hash }
        });
        let rows = rows.collect();
        CommitBatch {
            lane: self.lane,
            epoch: self.epoch,
            from: self.from,
            rows,
            writes: self.writes,
            holdings: self.holdings,
            totals: self.totals,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum WriteKey {
    Customer(CustomerId),
    Account(AccountId),
    Balance(AccountId, Currency),
    Round(RoundId),
    Halt(Currency),
}

fn write_key(write: &StateWrite) -> WriteKey {
    match write {
        StateWrite::Customer(state) | StateWrite::Charged(state) => WriteKey::Customer(state.id),
        StateWrite::Account(state) => WriteKey::Account(state.id),
        StateWrite::Balance { account, amount, .. } => WriteKey::Balance(*account, amount.currency()),
        StateWrite::Round(round) => WriteKey::Round(round.id),
        StateWrite::Halt(currency, _) => WriteKey::Halt(*currency),
    }
}

/// Who waits for a record.
#[derive(Debug)]
struct Waiting {
    record: Arc<Record>,
    key: Option<KeyDigest>,
    reply: Reply,
    _pins: Pins,
    _passage: Option<Passage>,
}

/// Consecutive records on their way to one commit.
#[derive(Debug, Default)]
pub struct Batch {
    records: Vec<Arc<Record>>,
    waiting: Vec<Waiting>,
    writes: HashMap<WriteKey, StateWrite>,
    holdings: HashMap<CustomerId, Holding>,
    totals: ControlTotals,
}

impl Batch {
    /// Whether it holds nothing.
    pub const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many records it holds.
    pub const fn len(&self) -> usize {
        self.records.len()
    }

    /// The last record's seq.
    pub fn last_seq(&self) -> Option<Seq> {
        self.records.last().map(|record| record.position.seq())
    }

    /// The records, in order.
    pub fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// Adds a record and who waits for it.
    pub fn add(&mut self, record: Arc<Record>, travel: Travel) {
        self.records.push(record.clone());
        self.waiting.push(Waiting {
            record,
            key: travel.key.map(|key| key.used.digest),
            reply: travel.reply,
            _pins: travel.pins,
            _passage: travel.passage,
        });
    }

    /// Notes a value that the batch leaves behind; a later one of the same key takes its place.
    pub fn leave(&mut self, write: StateWrite) {
        let key = write_key(&write);
        let write = match (write, self.writes.get(&key)) {
            // The whole row is due all the same, with what was charged since.
            (StateWrite::Charged(state), Some(StateWrite::Customer(_))) => StateWrite::Customer(state),
            (write, _) => write,
        };
        self.writes.insert(key, write);
    }

    /// Notes what a customer holds; a later one takes its place.
    pub fn leave_holding(&mut self, holding: Holding) {
        self.holdings.insert(holding.customer, holding);
    }

    /// Notes what all accounts of the lane hold after the last record.
    pub fn leave_totals(&mut self, totals: &ControlTotals) {
        self.totals.clone_from(totals);
    }

    /// What goes to the store, not yet written down: the records, and the values they leave behind.
    pub fn draft(&mut self, shared: &LaneShared, from: Seq, head: ChainHash) -> Draft {
        let writes = self.writes.drain().map(|(_, write)| write).collect();
        let holdings = self.holdings.drain().map(|(_, holding)| holding).collect();
        let totals = std::mem::take(&mut self.totals);
        Draft {
            lane: shared.lane,
            epoch: shared.epoch,
            from,
            head,
            records: self.records.clone(),
            writes,
            holdings,
            totals,
        }
    }

    /// Every record is durable: everybody gets the answer, in lane order.
    pub fn succeed(self, shared: &LaneShared) {
        for waiting in self.waiting {
            if let Some(used) = waiting.record.used_once() {
                lock(&shared.keys).used_up(used, waiting.record.position, waiting.record.at);
            }
            let joined = match waiting.key {
                Some(key) => lock(&shared.keys).arrive(key, waiting.record.position, waiting.record.at),
                None => Vec::new(),
            };
            answer_all(waiting.reply, joined, Ok(Executed { record: waiting.record, delivery: Delivery::First }));
        }
    }

    /// Whether the records happened is not known, and will not be soon: everybody is told so. A retry learns it.
    pub fn leave_unknown(&mut self, shared: &LaneShared) {
        for waiting in self.waiting.drain(..) {
            let joined = waiting.key.map(|key| lock(&shared.keys).turn_back(key)).unwrap_or_default();
            answer_all(waiting.reply, joined, Err(Refusal::Unknown));
        }
    }

    /// No record happened, nor ever will.
    pub fn fail(self, shared: &LaneShared, why: NotDone) {
        for waiting in self.waiting {
            let joined = waiting.key.map(|key| lock(&shared.keys).turn_back(key)).unwrap_or_default();
            answer_all(waiting.reply, joined, Err(Refusal::NotDone(why)));
        }
    }
}
