//! The general ledger's port: what the accounting asks of the store of the books, and what that store promises.
//!
//! The books follow each lane by its seq. A step is one transaction: the cursor first, fenced by where it stood and by its
//! revision, then journals, turnovers, the hashes of the records it took, dead letters. So a step takes effect once or not at all,
//! whoever sends it and however often. A revision is bumped by every change beside the steps, so that whoever keeps turnovers in
//! memory learns that they are not the store's any more.
//!
//! Callers: `accounting`. Nobody else.

use async_trait::async_trait;
use hwan_domain::{
    id::{LaneId, Position, Seq},
    ledger::{Journal, TrialLine},
    time::{BusinessDate, Timestamp},
};

use crate::storage::port::{ChainHash, StoreError};

/// The most journals that one page brings.
pub const JOURNALS_PER_PAGE_MAX: usize = 1_000;
/// The most dead letters that one page brings.
pub const DEAD_LETTERS_PER_PAGE_MAX: usize = 1_000;

/// Where a lane's books stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneCursor {
    /// The lane.
    pub lane: LaneId,
    /// The newest record that was posted, or needed no posting; [`Seq::ZERO`] at the beginning.
    pub seq: Seq,
    /// Its hash; [`ChainHash::GENESIS`] at the beginning.
    pub hash: ChainHash,
    /// When it was sequenced; `None` at the beginning.
    pub at: Option<Timestamp>,
    /// To which business date it belongs; `None` at the beginning.
    pub business_date: Option<BusinessDate>,
    /// The offset of the next message that is wanted, where the records come as messages.
    pub offset: Option<i64>,
    /// How often the lane's books were changed beside the steps.
    pub revision: u64,
    /// Why the lane's books stopped, if they did.
    pub stopped: Option<String>,
    /// How many of its records could not be posted and were not redelivered yet.
    pub dead_letters: u64,
}

/// A lane's books, as whoever posts finds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneBooks {
    /// Where they stand.
    pub cursor: LaneCursor,
    /// The turnovers of all its business dates together: an account may stand more than once.
    pub turnovers: Vec<TrialLine>,
    /// The turnovers of the cursor's business date alone.
    pub today: Vec<TrialLine>,
}

/// What could not be posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetterKind {
    /// A record in its place: it counts as taken, its journal is missing until it is redelivered.
    Record,
    /// A message that is no record of the lane at all: it was passed over.
    Stray,
}

/// Something that could not be posted, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Which kind.
    pub kind: DeadLetterKind,
    /// The record's place; of a stray the place at which the lane stood when it came.
    pub position: Position,
    /// The message's offset, where it came as a message.
    pub offset: Option<i64>,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// What came, byte for byte.
    pub body: Vec<u8>,
}

impl DeadLetter {
    /// What came, as text; bytes that are none are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What one transaction adds to a lane's books.
#[derive(Clone, Debug)]
pub struct Step {
    /// The lane.
    pub lane: LaneId,
    /// Where the cursor must stand.
    pub from: Seq,
    /// At which revision it must be.
    pub revision: u64,
    /// Where it stands afterwards.
    pub seq: Seq,
    /// The hash there.
    pub hash: ChainHash,
    /// When the record there was sequenced.
    pub at: Option<Timestamp>,
    /// To which business date it belongs.
    pub business_date: Option<BusinessDate>,
    /// The next offset that is wanted.
    pub offset: Option<i64>,
    /// The journals, by position.
    pub journals: Vec<Journal>,
    /// What the accounts that were touched stand at afterwards on each business date: absolute, not added.
    pub turnovers: Vec<(BusinessDate, TrialLine)>,
    /// The first record of each business date that begins in this step.
    pub days: Vec<(BusinessDate, Seq)>,
    /// The hashes of the records from `from + 1` to `seq`.
    pub trail: Vec<ChainHash>,
    /// What could not be posted.
    pub dead_letters: Vec<DeadLetter>,
}

/// A record that could not be posted, posted after all.
#[derive(Clone, Debug)]
pub struct Redelivery {
    /// Its place.
    pub position: Position,
    /// The business date that it belongs to.
    pub business_date: BusinessDate,
    /// Its journal; `None` where no money moved.
    pub journal: Option<Journal>,
    /// What its accounts turn over by it, to be added to its business date.
    pub lines: Vec<TrialLine>,
    /// When.
    pub at: Timestamp,
}

/// Why a step was not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PostError {
    /// The books do not stand where the step begins, or were changed beside it: look where they stand.
    #[error("the books of lane {lane} do not stand at {from}, or were changed meanwhile")]
    Fenced {
        /// The lane.
        lane: LaneId,
        /// Where the step began.
        from: Seq,
    },
    /// It may or may not have been taken: look where the books stand.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which journals. They are listed lane by lane from the highest lane down, and within a lane from the newest down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalQuery {
    /// Of this lane alone.
    pub lane: Option<LaneId>,
    /// Of this business date alone.
    pub business_date: Option<BusinessDate>,
    /// Below this position: where the page before ended.
    pub before: Option<Position>,
    /// At most so many; never more than [`JOURNALS_PER_PAGE_MAX`].
    pub limit: usize,
}

/// A page of journals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalPage {
    /// The journals.
    pub journals: Vec<Journal>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Position>,
}

/// A store of the books.
#[async_trait]
pub trait GeneralLedger: Send + Sync + 'static {
    /// What it is, for logs: `sqlite 3.50.1`.
    fn name(&self) -> String;

    /// A lane's books, begun where there are none: one consistent read.
    async fn enter(&self, lane: LaneId) -> Result<LaneBooks, StoreError>;

    /// A lane's books, where there are any: one consistent read.
    async fn look(&self, lane: LaneId) -> Result<Option<LaneBooks>, StoreError>;

    /// Takes a step: all of it, durably, before this returns, or nothing. What the lane stopped for is forgotten.
    async fn post(&self, step: &Step) -> Result<(), PostError>;

    /// Posts what could not be posted, and bumps the revision. Whether this call did it: of a letter that was redelivered before
    /// nothing is posted again. Refused with [`StoreError::DayOver`] where its business date was over at its place, or is closed.
    async fn redeliver(&self, redelivery: &Redelivery) -> Result<bool, StoreError>;

    /// Notes why a lane's books stopped, where they still stand at this record.
    async fn note_stop(&self, lane: LaneId, at: Seq, reason: &str) -> Result<(), StoreError>;

    /// The hashes of records that were taken, from this one on, in order and without a gap; at most about `limit`. Empty where the
    /// books have not come so far.
    async fn trail(&self, lane: LaneId, from: Seq, limit: usize) -> Result<Vec<(Seq, ChainHash)>, StoreError>;

    /// Where every lane's books stand, by lane.
    async fn cursors(&self) -> Result<Vec<LaneCursor>, StoreError>;

    /// Turnovers by account: up to a business date or of all, of a lane or of all. In any order; an account may stand more than once.
    async fn turnovers(&self, as_of: Option<BusinessDate>, lane: Option<LaneId>) -> Result<Vec<TrialLine>, StoreError>;

    /// A page of journals.
    async fn journals(&self, query: &JournalQuery) -> Result<JournalPage, StoreError>;

    /// The journal of a record.
    async fn journal(&self, position: Position) -> Result<Option<Journal>, StoreError>;

    /// What could not be posted and was not redelivered yet, by position, above `after`, at most `limit`.
    async fn dead_letters(
        &self,
        lane: Option<LaneId>,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError>;

    /// Finishes what is under way and closes.
    async fn close(&self);
}
