//! The reads of reconciliation, behind a port: each strategy has its own, and they share no query and no projection.
//!
//! Strategy 1 reads the journal's texts alone ([`ReconciliationReads::journal`]). Strategy 2 reads daily rows, balances and, as far as
//! the projections have not come, the tail of the journal, from one consistent state ([`ReconciliationReads::stand`]). Passbooks
//! come added up by account. Everything comes in pages of bounded size, along a primary key; nothing is locked, and an engine may
//! work beside it. A reader has connections of its own and is used by one task at a time.
//!
//! Callers: `reconciliation`. Nobody else.

use async_trait::async_trait;
use hwan_domain::{
    currency::Currency,
    id::{AccountId, LaneId, Position, Seq},
    money::Money,
    reconciliation::PassbookSums,
    time::BusinessDate,
};

use crate::storage::port::{ChainHash, PassbookEntry, StoreError};

/// A lane as a reader finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneStanding {
    /// Which.
    pub lane: LaneId,
    /// The last record; [`Seq::ZERO`] for an empty lane.
    pub seq: Seq,
    /// Its hash.
    pub hash: ChainHash,
    /// Its business date; `None` for an empty lane.
    pub date: Option<BusinessDate>,
    /// Up to where the projections have followed.
    pub projected: Seq,
    /// The last record that was deleted since it was sealed and exported, and its hash; the beginning where none was.
    pub begins: (Seq, ChainHash),
    /// The last record that the outbox has published, and its hash; `None` where there is no outbox.
    pub published: Option<(Seq, ChainHash)>,
}

/// A record as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredText {
    /// Where it stands.
    pub position: Position,
    /// The hash that stands beside it.
    pub hash: ChainHash,
    start: usize,
    end: usize,
}

/// Consecutive records of a lane, packed.
#[derive(Clone, Debug, Default)]
pub struct JournalTexts {
    rows: Vec<StoredText>,
    text: String,
}

impl JournalTexts {
    /// With room for about this much.
    pub fn with_capacity(rows: usize, bytes: usize) -> Self {
        Self { rows: Vec::with_capacity(rows), text: String::with_capacity(bytes) }
    }

    /// Adds a record.
    pub fn push(&mut self, position: Position, hash: ChainHash, body: &str) {
        let start = self.text.len();
        self.text.push_str(body);
        self.rows.push(StoredText { position, hash, start, end: self.text.len() });
    }

    /// The records, with their texts.
    pub fn iter(&self) -> impl Iterator<Item = (&StoredText, &str)> {
        self.rows.iter().map(|row| (row, self.text.get(row.start..row.end).unwrap_or_default()))
    }

    /// The last one.
    pub fn last(&self) -> Option<&StoredText> {
        self.rows.last()
    }

    /// How many.
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// From where a consistent read of a lane sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandsAt {
    /// The last record whose balances it sees.
    pub seq: Seq,
    /// Up to where the daily rows have followed.
    pub projected: Seq,
}

/// What an account holds of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The account.
    pub account: AccountId,
    /// What it holds.
    pub amount: Money,
    /// The account's version at this currency's last posting; 0 where the store keeps none of that day.
    pub version: u64,
}

/// A page of a consistent read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StandingPage {
    /// What accounts hold now, at [`StandsAt::seq`].
    pub now: Vec<Held>,
    /// What accounts held at the end of the day, by the daily rows; one that held nothing may be missing.
    pub closing: Vec<Held>,
}

/// The reads. Every method sees what is committed when it is called, but for [`ReconciliationReads::next_page`].
#[async_trait]
pub trait ReconciliationReads: Send {
    /// What the store is, for reports: `sqlite 3.50.1`.
    fn name(&self) -> String;

    /// Every lane.
    async fn lanes(&mut self) -> Result<Vec<LaneStanding>, StoreError>;

    /// The business date of the first record that a lane's journal has.
    async fn first_date(&mut self, lane: LaneId) -> Result<Option<BusinessDate>, StoreError>;

    /// Strategy 1: records of a lane after one and up to another, by their places, at most `limit`.
    async fn journal(
        &mut self,
        lane: LaneId,
        after: Seq,
        through: Seq,
        limit: usize,
    ) -> Result<JournalTexts, StoreError>;

    /// Strategy 2: begins a consistent read of a lane: balances now, and as they were at the end of `date`, which the lane has
    /// passed. It lasts until [`ReconciliationReads::next_page`] has said that there is no more, or the next call of another method.
    async fn stand(&mut self, lane: LaneId, date: BusinessDate) -> Result<StandsAt, StoreError>;

    /// The next page of the consistent read, of about `limit` rows; `None` at its end.
    async fn next_page(&mut self, limit: usize) -> Result<Option<StandingPage>, StoreError>;

    /// What accounts with a posting on `date` held before the first, by the daily rows, above a place, at most about `limit`.
    /// One that held nothing may be missing.
    async fn openings(
        &mut self,
        lane: LaneId,
        date: BusinessDate,
        after: Option<(AccountId, Currency)>,
        limit: usize,
    ) -> Result<Vec<Held>, StoreError>;

    /// The passbooks of a lane's accounts up to the end of `date`, added up, by account, above one, at most `limit`.
    async fn passbooks(
        &mut self,
        lane: LaneId,
        date: BusinessDate,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<PassbookSums>, StoreError>;

    /// An account's passbook above a version, in order, at most `limit`.
    async fn entries(
        &mut self,
        account: AccountId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<PassbookEntry>, StoreError>;

    /// Closes every connection.
    async fn close(&mut self);
}
