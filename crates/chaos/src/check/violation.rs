//! What can be wrong with a run, by name.

use std::fmt;

use crate::{history::EngineId, money::Currency, place::Place};

/// A broken promise. Keys are idempotency keys, places are lane/seq.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants say what was found, their fields where")]
pub enum Violation {
    /// An acknowledged command is not in the journal.
    Lost { key: Box<str>, id: Place },
    /// A command took effect more than once.
    Doubled { key: Box<str>, first: Place, second: Place },
    /// A key is executed again after it had been answered: two answers that are no repetitions.
    ExecutedTwice { key: Box<str> },
    /// Two keys were answered with one effect.
    Shared { id: Place, keys: (Box<str>, Box<str>) },
    /// Money moved under a key that nobody sent, or without one.
    Phantom { id: Place },
    /// One leg of a record is missing, stands alone, or does not fit the other.
    Torn { id: Place, found: String },
    /// Whether a command took effect was never learnt.
    Unresolved { key: Box<str> },
    /// A command that was refused for good, or said to be certainly not done, is in the journal.
    DoneThoughRefused { key: Box<str>, id: Place },
    /// The first acknowledgement is marked as a repetition, and all that went before was certainly not done.
    RepeatedNothing { key: Box<str> },
    /// A retry got another answer than the first one.
    AnswerChanged { key: Box<str> },
    /// A command that was acknowledged was refused for good later.
    TakenBack { key: Box<str>, code: Box<str> },
    /// The journal has something else than what was answered.
    RecordedDifferently { key: Box<str>, id: Place, found: String },
    /// The effect is not what was asked for.
    WrongEffect { key: Box<str>, id: Place, found: String },
    /// One exchange was acknowledged before the other was sent, and comes after it.
    Reordered { earlier: Box<str>, later: Box<str>, by: String },
    /// An engine acknowledged what was committed when the lane was another's.
    ZombieCommit { key: Box<str>, engine: EngineId, id: Place },
    /// "Retry later" without saying when.
    NoRetryAfter { key: Box<str>, code: Box<str> },
    /// A record that cannot be read, or whose columns say something else than its text.
    Damaged { id: Place, found: String },
    /// A seq is missing or comes twice.
    Gap { after: Place, found: Place },
    /// A record's hash does not follow from the one before.
    BrokenChain { id: Place },
    /// A lane's row and its journal's end differ.
    WrongHead { lane: u16, found: String },
    /// Times or dates of a lane go back.
    TimeWentBack { id: Place },
    /// An account's postings do not follow each other.
    BrokenAccount { account: Place, version: u64, found: String },
    /// A balance row is not where the journal leads.
    WrongBalance { account: Place, currency: Currency, found: String },
    /// A currency's balances are not what came in less what went out.
    NotConserved { currency: Currency, balances: i128, journal: i128, acknowledged: i128 },
    /// The passbook is not the journal's legs, each once.
    WrongPassbook { account: Place, version: u64, found: String },
    /// The projections stand behind the journal, though nothing is going on.
    ProjectionBehind { lane: u16, journal: u64, projected: Option<u64> },
}

/// What a result line counts violations under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Something acknowledged is gone.
    Lost,
    /// Something happened more often than asked for.
    Doubled,
    /// Something's fate is not known.
    Unresolved,
    /// Any other broken promise.
    Other,
}

impl Violation {
    /// Where it counts.
    pub const fn sort(&self) -> Sort {
        match self {
            Self::Lost { .. } => Sort::Lost,
            Self::Doubled { .. } | Self::ExecutedTwice { .. } | Self::Shared { .. } | Self::Phantom { .. } => {
                Sort::Doubled
            }
            Self::Unresolved { .. } => Sort::Unresolved,
            _ => Sort::Other,
        }
    }

    /// Its name, for a report.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Lost { .. } => "lost",
            Self::Doubled { .. } => "doubled",
            Self::ExecutedTwice { .. } => "executed_twice",
            Self::Shared { .. } => "shared",
            Self::Phantom { .. } => "phantom",
            Self::Torn { .. } => "torn",
            Self::Unresolved { .. } => "unresolved",
            Self::DoneThoughRefused { .. } => "done_though_refused",
            Self::RepeatedNothing { .. } => "repeated_nothing",
            Self::AnswerChanged { .. } => "answer_changed",
            Self::TakenBack { .. } => "taken_back",
            Self::RecordedDifferently { .. } => "recorded_differently",
            Self::WrongEffect { .. } => "wrong_effect",
            Self::Reordered { .. } => "reordered",
            Self::ZombieCommit { .. } => "zombie_commit",
            Self::NoRetryAfter { .. } => "no_retry_after",
            Self::Damaged { .. } => "damaged",
            Self::Gap { .. } => "gap",
            Self::BrokenChain { .. } => "broken_chain",
            Self::WrongHead { .. } => "wrong_head",
            Self::TimeWentBack { .. } => "time_went_back",
            Self::BrokenAccount { .. } => "broken_account",
            Self::WrongBalance { .. } => "wrong_balance",
            Self::NotConserved { .. } => "not_conserved",
            Self::WrongPassbook { .. } => "wrong_passbook",
            Self::ProjectionBehind { .. } => "projection_behind",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self:?}", self.name())
    }
}
