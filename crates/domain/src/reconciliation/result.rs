//! A reconciliation that was done: what was read, what each check says, and where it breaks.

use std::{fmt, str::FromStr};

use super::{check::Check, finding::Breaks, tree::Summary};
use crate::{
    currency::Currency,
    id::{self, IdError, LaneId, Seq},
    time::{BusinessDate, Timestamp},
};

/// What names a reconciliation: the instant at which it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(Timestamp);

impl RunId {
    /// What its text begins with, before the `_`.
    pub const PREFIX: &'static str = "rcn";

    /// Of one that began then.
    pub const fn at(started_at: Timestamp) -> Self {
        Self(started_at)
    }

    /// When it began.
    pub const fn started_at(self) -> Timestamp {
        self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", Self::PREFIX, id::packed_text(self.0.micros().unsigned_abs()))
    }
}

impl FromStr for RunId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let packed = text.strip_prefix("rcn_").and_then(id::packed_of);
        let micros = packed.and_then(|packed| i64::try_from(packed).ok());
        let at = micros.map(Timestamp::from_micros).filter(|at| Some(at.micros()) == micros);
        at.map(Self).ok_or(IdError { prefix: Self::PREFIX })
    }
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was done and nothing breaks.
    Clean,
    /// It was done and found so many breaks.
    Broken(u64),
    /// It was not done, for this reason.
    NotDone(String),
}

impl Status {
    /// The stable name.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Status::Clean => "clean",
            Status::Broken(_) => "broken",
            Status::NotDone(_) => "not_done",
        }
    }
}

/// What a check says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The check.
    pub check: Check,
    /// How it ended.
    pub status: Status,
    /// How many of what it compares were compared.
    pub compared: u64,
}

/// What was read of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneRead {
    /// The lane.
    pub lane: LaneId,
    /// The day of the snapshot that the walk began at; `None` for the journal's beginning.
    pub snapshot: Option<BusinessDate>,
    /// After which record it began.
    pub after: Seq,
    /// The day's last record.
    pub closes_at: Seq,
    /// Up to which record it went on.
    pub through: Seq,
    /// Records read.
    pub records: u64,
    /// Postings read.
    pub postings: u64,
    /// Accounts that had a posting by the day's end.
    pub accounts: u64,
}

/// A currency on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrencySides {
    /// The currency.
    pub currency: Currency,
    /// By the journal's postings.
    pub journal: Summary,
    /// By the daily rows.
    pub days: Summary,
}

/// A reconciliation.
#[derive(Clone, Debug)]
pub struct Reconciliation {
    /// Its name.
    pub id: RunId,
    /// The day.
    pub business_date: BusinessDate,
    /// When it ended.
    pub finished_at: Timestamp,
    /// What stands behind it: the store of record, and the books where there are any.
    pub stores: Vec<String>,
    /// What was read, lane by lane.
    pub lanes: Vec<LaneRead>,
    /// Both sides, currency by currency.
    pub currencies: Vec<CurrencySides>,
    /// Every check, in the order of [`Check::ALL`].
    pub outcomes: Vec<Outcome>,
    /// What does not agree.
    pub breaks: Breaks,
}

impl Reconciliation {
    /// Whether nothing breaks.
    pub fn is_clean(&self) -> bool {
        self.breaks.is_empty()
    }

    /// Accounts that were compared.
    pub fn accounts(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.accounts).sum()
    }

    /// Postings that were read.
    pub fn postings(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.postings).sum()
    }

    /// Records that were read.
    pub fn records(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.records).sum()
    }

    /// How long it took, in microseconds.
    pub const fn micros(&self) -> i64 {
        self.finished_at.micros_since(self.id.started_at())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_its_text() {
        let id = RunId::at(Timestamp::from_micros(1_795_400_000_123_456));
        assert_eq!(id.to_string().parse::<RunId>(), Ok(id));
        assert!(id.to_string().starts_with("rcn_"));
        assert!("rcn_zzzzzzzzzzzzz".parse::<RunId>().is_err() && "acc_0008000000007".parse::<RunId>().is_err());
    }
}
