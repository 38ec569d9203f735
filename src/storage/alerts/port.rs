//! The port of alerts: what the watch asks of the store of the books, and what that store promises.
//!
//! An alert is named by what it is about, so raising it again makes no second one: it is counted, and a condition that had been
//! resolved is opened again. People acknowledge and resolve. Beside alerts lies the watch's state of each lane, put away now and
//! then: taken back whole or not at all.
//!
//! Callers: `watch`.

use async_trait::async_trait;
use hwan_domain::{
    anomaly::{Alert, Severity},
    id::{AccountId, LaneId, Position, Seq},
    time::Timestamp,
};

use crate::storage::port::{ChainHash, StoreError};

/// The most alerts that one call raises.
pub const RAISED_MAX: usize = 256;
/// The most alerts that one page brings.
pub const ALERTS_PER_PAGE_MAX: usize = 1_000;
/// The longest note, in characters.
pub const NOTE_LEN_MAX: usize = 500;

/// What became of an alert that was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    /// It is new.
    New,
    /// It is known, and was counted.
    Again,
    /// It was resolved, and is open again.
    Reopened,
}

/// How far people are with an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertState {
    /// Nobody has it.
    Open,
    /// Somebody has it.
    Acknowledged,
    /// It is done with.
    Resolved,
}

impl AlertState {
    /// All, in order.
    pub const ALL: [AlertState; 3] = [Self::Open, Self::Acknowledged, Self::Resolved];

    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    /// The state of this text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What somebody said who acknowledged or resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// An alert as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAlert {
    /// Its id.
    pub id: String,
    /// The rule's id; one of a later program may not be known here.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// How far people are.
    pub state: AlertState,
    /// What kind of thing it is about.
    pub subject_kind: String,
    /// Which.
    pub subject: String,
    /// What should have been.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// The record that shows it.
    pub record: Option<Position>,
    /// The account that it touches.
    pub account: Option<AccountId>,
    /// The foreign currency that it touches.
    pub pair: Option<String>,
    /// When it happened.
    pub at: Timestamp,
    /// When it was found first.
    pub first_seen: Timestamp,
    /// When it was found last.
    pub last_seen: Timestamp,
    /// How often it was found.
    pub times_seen: u64,
    /// How often it was opened again.
    pub times_reopened: u64,
    /// Who has it.
    pub acknowledged: Option<Note>,
    /// Who has done with it, last.
    pub resolved: Option<Note>,
}

/// Which alerts: the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertQuery {
    /// Of this rule.
    pub rule: Option<String>,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// In this state.
    pub state: Option<AlertState>,
    /// About this subject.
    pub subject: Option<String>,
    /// After this one in the list: when it was seen first, and its id.
    pub after: Option<(Timestamp, String)>,
    /// How many at most; never more than [`ALERTS_PER_PAGE_MAX`].
    pub limit: usize,
}

/// What became of a decision about an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// It is as was asked, since now.
    Now(KeptAlert),
    /// It was before.
    Before(KeptAlert),
    /// It cannot be acknowledged: it is resolved.
    Resolved(KeptAlert),
}

/// A lane's state, put away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The lane.
    pub lane: LaneId,
    /// The newest record that it has seen.
    pub seq: Seq,
    /// That record's hash.
    pub hash: ChainHash,
    /// Of the next message, where records come as messages.
    pub offset: Option<i64>,
    /// When it was put away: names its generation.
    pub at: Timestamp,
    /// The state.
    pub body: Vec<u8>,
}

/// Where alerts are kept.
#[async_trait]
pub trait AlertBook: Send + Sync + 'static {
    /// Raises alerts, found at an instant, all or none; what became of each. At most [`RAISED_MAX`].
    async fn raise(&self, alerts: &[Alert], now: Timestamp) -> Result<Vec<Raised>, StoreError>;

    /// An alert.
    async fn alert(&self, id: &str) -> Result<Option<KeptAlert>, StoreError>;

    /// A page of alerts.
    async fn alerts(&self, query: &AlertQuery) -> Result<Vec<KeptAlert>, StoreError>;

    /// How many are not resolved, by severity.
    async fn unresolved(&self) -> Result<[(Severity, u64); 3], StoreError>;

    /// Somebody has it. `None` where there is no such alert.
    async fn acknowledge(&self, id: &str, note: &Note) -> Result<Option<Decided>, StoreError>;

    /// Somebody has done with it. `None` where there is no such alert.
    async fn resolve(&self, id: &str, note: &Note) -> Result<Option<Decided>, StoreError>;

    /// Alerts that were raised or opened again and not published since, the oldest first.
    async fn unpublished(&self, limit: usize) -> Result<Vec<KeptAlert>, StoreError>;

    /// Notes that these were published, as they stood: one that was opened again meanwhile is published again.
    async fn published(&self, alerts: &[KeptAlert], now: Timestamp) -> Result<(), StoreError>;

    /// Puts a lane's state away, in place of the one before.
    async fn put_away(&self, checkpoint: &Checkpoint) -> Result<(), StoreError>;

    /// A lane's state as it was last put away. [`StoreError::Damaged`] where it is not what was put away.
    async fn taken_back(&self, lane: LaneId) -> Result<Option<Checkpoint>, StoreError>;
}
