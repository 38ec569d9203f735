//! What reconciliation keeps in the books' database: its history, and the snapshots that later walks begin at.
//!
//! A snapshot is a head and chunks. The chunks are written first and the head last, in one transaction where the store can, so that a
//! head means that all chunks are there. A digest runs through them: each chunk's over the one before and its own bytes, the head's
//! over the last chunk's and its own. Whoever reads proves it; the store does not.
//!
//! Callers: `reconciliation`. Nobody else.

use async_trait::async_trait;
use hwan_domain::{
    id::LaneId,
    reconciliation::RunId,
    time::{BusinessDate, Timestamp},
};

use crate::storage::port::StoreError;

/// The most reconciliations that one page brings.
pub const RUNS_PER_PAGE_MAX: usize = 200;

/// How a reconciliation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// It is being done, or its process died.
    Running,
    /// Nothing breaks.
    Clean,
    /// Something breaks.
    Broken,
    /// It could not be done.
    Failed,
}

impl RunStatus {
    /// All of them.
    pub const ALL: [RunStatus; 4] = [RunStatus::Running, RunStatus::Clean, RunStatus::Broken, RunStatus::Failed];

    /// The stable name, as the column holds it.
    pub const fn as_str(self) -> &'static str {
        match self {
            RunStatus::Running => "running",
            RunStatus::Clean => "clean",
            RunStatus::Broken => "broken",
            RunStatus::Failed => "failed",
        }
    }

    /// The status of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// A reconciliation in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRun {
    /// Its name, and when it began.
    pub id: RunId,
    /// The day that was asked for; `None` while the newest is looked for.
    pub business_date: Option<BusinessDate>,
    /// How it stands.
    pub status: RunStatus,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Accounts compared.
    pub accounts: u64,
    /// Postings read.
    pub postings: u64,
    /// Breaks found.
    pub breaks: u64,
    /// The whole report as JSON, or why it failed; empty while it runs, and in lists.
    pub report: String,
}

/// A chunk of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotChunk {
    /// Its bytes.
    pub body: Vec<u8>,
    /// Its digest.
    pub digest: [u8; 32],
}

/// The head of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotHead {
    /// The lane.
    pub lane: LaneId,
    /// The day.
    pub date: BusinessDate,
    /// How many chunks there are.
    pub chunks: u32,
    /// Its bytes.
    pub body: Vec<u8>,
    /// Its digest.
    pub digest: [u8; 32],
}

/// History and snapshots.
#[async_trait]
pub trait ReconciliationBook: Send + Sync + 'static {
    /// Notes a reconciliation, whole, as it stands now: the one of this name is replaced.
    async fn note_run(&self, run: &StoredRun) -> Result<(), StoreError>;

    /// Reconciliations, newest first, before one, at most `limit`; without their reports.
    async fn runs(&self, before: Option<RunId>, limit: usize) -> Result<Vec<StoredRun>, StoreError>;

    /// A reconciliation with its report.
    async fn run(&self, id: RunId) -> Result<Option<StoredRun>, StoreError>;

    /// The newest snapshot of a lane that is older than `before`.
    async fn newest_snapshot(&self, lane: LaneId, before: BusinessDate) -> Result<Option<SnapshotHead>, StoreError>;

    /// A chunk of a snapshot, from 0 on.
    async fn snapshot_chunk(
        &self,
        lane: LaneId,
        date: BusinessDate,
        number: u32,
    ) -> Result<Option<SnapshotChunk>, StoreError>;

    /// Writes a snapshot; one of the same lane and day is replaced.
    async fn write_snapshot(&self, head: &SnapshotHead, chunks: &[SnapshotChunk]) -> Result<(), StoreError>;

    /// Deletes a lane's snapshots of before a day.
    async fn forget_snapshots(&self, lane: LaneId, before: BusinessDate) -> Result<(), StoreError>;

    /// What the books' journals of a lane's records after one and up to another amount to, by stretches of
    /// [`STRETCH`](super::journal_sums::STRETCH) places; a stretch without any is absent.
    async fn journal_sums(
        &self,
        lane: LaneId,
        after: hwan_domain::id::Seq,
        through: hwan_domain::id::Seq,
    ) -> Result<Vec<super::journal_sums::JournalSums>, StoreError>;
}
