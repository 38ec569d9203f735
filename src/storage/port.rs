//! The store port: what the engine asks of a store, and what a store promises.
//!
//! A lane's commits are fenced by (lane, epoch, seq): a commit takes effect only if the lane still stands where its
//! batch begins and still belongs to the epoch that sends it, and then takes effect as a whole, durably, before it
//! returns. The journal is the truth; balances and states are written in the same commit as absolute values;
//! projections follow the journal by (lane, seq), each step fenced in the same way.
//!
//! Callers: `actors` (through the committer and the hydrator), `verify`, and the outbox. Nobody else.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use hwan_domain::{
    account::{AccountState, Balance},
    board::{Halt, Pair},
    control::ControlTotals,
    currency::Currency,
    customer::CustomerState,
    id::{AccountId, CustomerId, LaneId, Position, Seq},
    interest::{DailyClosing, Period},
    limit::LimitUse,
    money::Money,
    record::{KeyDigest, Record},
    round::Round,
    time::{BusinessDate, Timestamp},
};

use smallvec::SmallVec;

use super::listing::{CustomerQuery, EntryKind, PassbookPage, PassbookQuery, RoundQuery};

/// A link of the chain: SHA-256 over the predecessor's hash and the record's body.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// What the first record of a lane follows.
    pub const GENESIS: ChainHash = ChainHash([0; 32]);
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The right to commit to a lane: it ends when somebody else takes the lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// A record on its way into, or out of, the journal.
#[derive(Clone, Debug)]
pub struct JournalRow {
    /// The record.
    pub record: Arc<Record>,
    /// Its canonical text, see [`codec`](super::codec): what the hash runs over.
    pub body: Arc<str>,
    /// Its link in the chain.
    pub hash: ChainHash,
}

/// An absolute value that a batch leaves behind, beside the journal. One per key and batch, the last one wins.
#[derive(Clone, Debug)]
pub enum StateWrite {
    /// The row of a customer; channel and reference never change.
    Customer(CustomerState),
    /// The same, where only the use of the limits has changed, as every purchase changes it.
    Charged(CustomerState),
    /// The whole row of an account but its balances.
    Account(AccountState),
    /// One currency's balance of an account.
    Balance {
        /// The account.
        account: AccountId,
        /// What it holds of this currency.
        amount: Money,
        /// The account's version at this currency's last posting.
        version: u64,
    },
    /// The whole row of a round.
    Round(Round),
    /// Whether and why a pair is halted.
    Halt(Currency, Option<Halt>),
}

/// What a customer holds, whole: for stores that keep it together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The customer.
    pub customer: CustomerId,
    /// What is used of the limits.
    pub limits: LimitUse,
    /// Every balance of every account.
    pub balances: SmallVec<[(AccountId, Balance); 3]>,
}

/// What one commit makes durable: consecutive records of one lane and the values they leave behind.
#[derive(Clone, Debug)]
pub struct CommitBatch {
    /// The lane.
    pub lane: LaneId,
    /// The sender's right to it.
    pub epoch: Epoch,
    /// Where the lane must stand: the seq before the first row.
    pub from: Seq,
    /// The rows, `from + 1` and up, at least one.
    pub rows: Vec<JournalRow>,
    /// The values after the last row.
    pub writes: Vec<StateWrite>,
    /// The same balances and limits once more, customer by customer: of each one that was opened, moved money or was charged,
    /// all that it holds after its last row. A store takes either these, or the balances and charges among the writes.
    pub holdings: Vec<Holding>,
    /// What all accounts of the lane hold after the last row.
    pub totals: ControlTotals,
}

impl CommitBatch {
    /// Where the lane stands afterwards: the last row's seq and hash. `None` for a batch without rows.
    pub fn head(&self) -> Option<(Seq, ChainHash)> {
        self.rows.last().map(|row| (row.record.position.seq(), row.hash))
    }
}

/// Why a commit did not answer "done".
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// The lane stands elsewhere or belongs to another epoch: nothing was written, and nothing this sender has ever can be.
    #[error("lane {lane} is fenced: it no longer belongs to {epoch:?} or does not stand at {from}")]
    Fenced {
        /// The lane.
        lane: LaneId,
        /// The sender's epoch.
        epoch: Epoch,
        /// Where the sender believed it to stand.
        from: Seq,
    },
    /// An idempotency key of the batch, or what else it uses that is used once, is in the journal already: nothing was
    /// written.
    #[error("a key of the batch, or what is used once, was used before, by record {used_by:?}")]
    DuplicateKey {
        /// The key, or what else is used once, as it stands among the keys.
        key: KeyDigest,
        /// The record that used it.
        used_by: Position,
    },
    /// Nothing was written; the same batch may be sent again.
    #[error("the commit was not done: {0}")]
    NotDone(String),
    /// It may or may not have been written: take the lane again and look.
    #[error("the commit's outcome is unknown: {0}")]
    Unknown(String),
}

/// Why a read or a projection step failed; nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached or is too busy: try again.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// What is stored cannot be what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A projection does not stand where the step begins: another projector is at work.
    #[error("projection of lane {lane} is fenced: it does not stand at {from}")]
    ProjectionFenced {
        /// The lane.
        lane: LaneId,
        /// Where the step began.
        from: Seq,
    },
    /// The outbox's cursor does not stand where the step begins, or the lane has another owner by now.
    #[error("the outbox of lane {lane} is fenced: it no longer belongs to {epoch:?} or does not stand at {from}")]
    RelayFenced {
        /// The lane.
        lane: LaneId,
        /// The sender's epoch.
        epoch: Epoch,
        /// Where the step began.
        from: Seq,
    },
    /// Nothing is posted on a day that is over.
    #[error(
        "the business date {0} was over where the record stands, or is closed: nothing can be posted on it any more"
    )]
    DayOver(BusinessDate),
    /// The store is not set up as durability demands.
    #[error("{0}")]
    Unsafe(String),
    /// The lane belongs to another owner, who has shown a sign of life: nothing was changed.
    #[error("lane {lane} belongs to another engine ({by}), whose lease lasts another {} ms: stop that one, or wait", left.as_millis())]
    LaneHeld {
        /// The lane.
        lane: LaneId,
        /// The owner's name for itself.
        by: String,
        /// How long its lease lasts, if it gives no further sign.
        left: Duration,
    },
}

/// A lane as its new owner finds it.
#[derive(Clone, Debug)]
pub struct TakenLane {
    /// The new owner's right; every earlier one has ended.
    pub epoch: Epoch,
    /// The last record's seq, [`Seq::ZERO`] for an empty lane.
    pub seq: Seq,
    /// The last record's hash, [`ChainHash::GENESIS`] for an empty lane.
    pub hash: ChainHash,
    /// The last record's instant and business date; `None` for an empty lane.
    pub last: Option<(Timestamp, BusinessDate)>,
    /// Up to where the projections have followed.
    pub projected: Seq,
    /// What all accounts of the lane hold.
    pub totals: ControlTotals,
}

/// Where a lane stands, as a reader finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneHead {
    /// Which.
    pub lane: LaneId,
    /// The last record's seq, [`Seq::ZERO`] for an empty lane.
    pub seq: Seq,
    /// The last record's hash, [`ChainHash::GENESIS`] for an empty lane.
    pub hash: ChainHash,
    /// Up to where the projections have followed.
    pub projected: Seq,
}

/// What all accounts of a lane hold, added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSums {
    /// The lane.
    pub lane: LaneId,
    /// After which of its records.
    pub seq: Seq,
    /// That record's hash.
    pub hash: ChainHash,
    /// The sums by currency, of the balances themselves.
    pub totals: ControlTotals,
}

/// A customer with all of its accounts, as committed.
#[derive(Clone, Debug)]
pub struct Household {
    /// The customer.
    pub customer: CustomerState,
    /// The accounts, by id.
    pub accounts: Vec<AccountState>,
}

/// One posting in an account's passbook, as projected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassbookEntry {
    /// The account's version after it: gapless from 1.
    pub version: u64,
    /// The record.
    pub position: Position,
    /// What the record did.
    pub kind: EntryKind,
    /// What was posted.
    pub amount: Money,
    /// The balance of this currency afterwards.
    pub balance_after: Money,
    /// When.
    pub at: Timestamp,
    /// On which business date.
    pub business_date: BusinessDate,
}

/// How a store's projections are best moved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectionStep {
    /// About how many records one step takes at most.
    pub records_max: usize,
    /// How long a step gathers records before it begins.
    pub gathered_for: Duration,
}

impl Default for ProjectionStep {
    /// The larger a step, the more postings share the pages that it touches; what is held meanwhile is some tens of
    /// megabytes.
    fn default() -> Self {
        Self { records_max: 65_536, gathered_for: Duration::from_secs(2) }
    }
}

/// What a store can do for the engine.
///
/// Every method may be called from any thread and on any runtime. A future that is dropped leaves the store whole:
/// a commit whose future is dropped has an unknown outcome.
#[async_trait]
pub trait LedgerStore: Send + Sync + 'static {
    /// What the store is, for logs and `/version`: `sqlite 3.50.1`.
    fn name(&self) -> String;

    /// Takes a lane, creating it where it is new: ends every earlier epoch and returns where the lane stands. Anything
    /// an earlier owner has in flight has either happened by then (and is below `seq`) or never will. Refused with
    /// [`StoreError::LaneHeld`] while another owner's lease lasts.
    async fn take_lane(&self, lane: LaneId) -> Result<TakenLane, StoreError>;

    /// Whether a lane that was taken may belong to another owner by now: the lease has run out without a sign of the store, or
    /// another owner was seen. What is in memory of such a lane may be stale.
    fn has_lapsed(&self, _lane: LaneId) -> bool {
        false
    }

    /// Every lane that was ever taken, and where it stands.
    async fn lane_heads(&self) -> Result<Vec<LaneHead>, StoreError>;

    /// Commits a batch: all of it, durably, before this returns, or nothing.
    async fn commit(&self, batch: &CommitBatch) -> Result<(), CommitError>;

    /// After which record a lane's journal begins, and that record's hash: where older ones were deleted, the last of them.
    async fn journal_begins(&self, _lane: LaneId) -> Result<(Seq, ChainHash), StoreError> {
        Ok((Seq::ZERO, ChainHash::GENESIS))
    }

    /// Records of a lane's journal from `from` on, in order, at most `limit`; committed ones only.
    async fn journal(&self, lane: LaneId, from: Seq, limit: usize) -> Result<Vec<JournalRow>, StoreError>;

    /// The seq of the first record of a lane whose instant is not before `at`; the head's successor if there is none.
    async fn journal_since(&self, lane: LaneId, at: Timestamp) -> Result<Seq, StoreError>;

    /// The records at these places, in the order asked for; where there is none, nothing. Reads by primary key.
    async fn records(&self, places: &[Position]) -> Result<Vec<Arc<Record>>, StoreError>;

    /// The records that used these keys, or what else is used once as it stands among the keys; one never used is absent.
    async fn find_keys(&self, keys: &[KeyDigest]) -> Result<Vec<(KeyDigest, JournalRow)>, StoreError>;

    /// A customer with its accounts, as committed.
    async fn customer(&self, id: CustomerId) -> Result<Option<Household>, StoreError>;

    /// Those of these customers that there are, in any order.
    async fn households(&self, ids: &[CustomerId]) -> Result<Vec<Household>, StoreError> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(self.customer(*id).await?);
        }
        Ok(found)
    }

    /// What the accounts of every lane hold, account by account added up, and where each lane stands: one consistent read. It reads
    /// every balance there is.
    async fn account_sums(&self) -> Result<Vec<AccountSums>, StoreError>;

    /// A page of customers by id, as committed.
    async fn customers(&self, query: &CustomerQuery) -> Result<Vec<CustomerState>, StoreError>;

    /// Who owns an account.
    async fn owner(&self, id: AccountId) -> Result<Option<CustomerId>, StoreError>;

    /// Every pair with its halt and its newest rounds, at most `rounds` of each, oldest first; beyond that the newest
    /// that is active or superseded, however old: the guard measures by it.
    async fn pairs(&self, rounds: usize) -> Result<Vec<(Currency, Pair)>, StoreError>;

    /// A page of a currency's rounds, newest first, as committed.
    async fn rounds(&self, query: &RoundQuery) -> Result<Vec<Round>, StoreError>;

    /// Moves a lane's projections (passbook, daily balances) from `from` over these records, which follow it without
    /// a gap and are committed. One transaction; refused if the projections do not stand at `from`, or if another owner has
    /// taken the lane meanwhile.
    async fn project(&self, lane: LaneId, from: Seq, records: &[Arc<Record>]) -> Result<(), StoreError>;

    /// How many records one step of the projections takes best.
    fn projection_step(&self) -> ProjectionStep {
        ProjectionStep::default()
    }

    /// Up to where a lane's projections have followed.
    async fn projected(&self, lane: LaneId) -> Result<Seq, StoreError>;

    /// Up to which record the outbox has published a lane, and that record's hash; its beginning where nothing was published.
    async fn relayed(&self, lane: LaneId) -> Result<(Seq, ChainHash), StoreError>;

    /// Notes that everything of a lane up to the record `to` is published. Fenced as commits are: refused with
    /// [`StoreError::RelayFenced`] if the cursor does not stand at `from`, or if another owner has taken the lane. Taking a lane
    /// whose cursor is beyond its head is refused.
    async fn relay(&self, lane: LaneId, epoch: Epoch, from: Seq, to: (Seq, ChainHash)) -> Result<(), StoreError>;

    /// An account's passbook above `after_version`, in order, at most `limit`; as far as it is projected.
    async fn passbook(&self, id: AccountId, after_version: u64, limit: usize)
    -> Result<Vec<PassbookEntry>, StoreError>;

    /// Whether an account's passbook has every posting that is committed: it may, while its lane's projections follow.
    async fn passbook_is_current(&self, id: AccountId) -> Result<bool, StoreError>;

    /// A page of an account's passbook, newest first; as far as it is projected. A window's ends are found by halves over
    /// the versions, which have no gap and whose instants never decrease.
    async fn passbook_page(&self, query: &PassbookQuery) -> Result<PassbookPage, StoreError>;

    /// An account's closing balances on `date`: of each currency the newest daily row not after it; as far as projected.
    async fn daily_balances(&self, id: AccountId, date: BusinessDate)
    -> Result<Vec<(BusinessDate, Money)>, StoreError>;

    /// An account's closing balances of one currency over the business dates of a period, in order, each good until the next: the
    /// newest one not after the period's first day, then that of every later day of it with a posting. As far as projected.
    /// Stores that keep days together read it at once.
    async fn daily_closings(
        &self,
        id: AccountId,
        currency: Currency,
        period: Period,
    ) -> Result<Vec<DailyClosing>, StoreError> {
        let mut closings: Vec<DailyClosing> = Vec::new();
        let mut date = period.from();
        while date <= period.through() {
            let of_day = self.daily_balances(id, date).await?;
            if let Some((date, amount)) = of_day.into_iter().find(|(_, amount)| amount.currency() == currency)
                && closings.last().is_none_or(|last| last.date < date)
            {
                closings.push(DailyClosing { date, amount });
            }
            date = date.next();
        }
        Ok(closings)
    }

    /// Finishes what is under way and closes; later calls fail with [`StoreError::Unavailable`].
    async fn close(&self);
}
