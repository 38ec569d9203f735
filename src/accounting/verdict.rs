//! Why the books of a lane stop. Each is said once and loudly, with the evidence; other lanes go on.

use hwan_domain::{
    currency::Currency,
    id::{LaneId, Position, Seq},
};

use crate::storage::port::{ChainHash, StoreError};

/// What the books of a lane stopped for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Verdict {
    /// Records are missing.
    #[error(
        "gap: record {found} came where {expected} was expected: deliver what is missing, the books go on by themselves then"
    )]
    Gap {
        /// What was expected.
        expected: Seq,
        /// What came.
        found: Seq,
    },
    /// A record came again and was another one.
    #[error(
        "another hash: record {position:?} was taken with hash {taken:?} and came again with {came:?}: two engines have written this \
         lane, or a store went back; compare both histories before anything is posted"
    )]
    AnotherHash {
        /// Its place.
        position: Position,
        /// The hash of the one that was taken.
        taken: ChainHash,
        /// The hash of the one that came again.
        came: ChainHash,
    },
    /// A record does not follow the one before it.
    #[error(
        "broken chain: record {position:?} with hash {came:?} does not follow hash {before:?}: its text or its predecessor is \
         another one than the engine wrote; compare with the ledger's journal"
    )]
    BrokenChain {
        /// Its place.
        position: Position,
        /// The hash of the record before it, as taken.
        before: ChainHash,
        /// Its own, as delivered.
        came: ChainHash,
    },
    /// The control accounts are not what the engine says.
    #[error(
        "control mismatch: after record {position:?} the control account of {currency} stands at {ledger}, the engine's accounts hold \
         {engine} (minor units): compare the journals of this lane with its records"
    )]
    ControlMismatch {
        /// After which record.
        position: Position,
        /// In which currency.
        currency: Currency,
        /// What the control account stands at, in minor units.
        ledger: i128,
        /// What the engine's accounts hold, in minor units.
        engine: i128,
    },
    /// A record of another lane came.
    #[error("wrong lane: record {position:?} came to lane {lane}: the stream is dealt out wrongly")]
    WrongLane {
        /// Whose books these are.
        lane: LaneId,
        /// What came.
        position: Position,
    },
    /// The books themselves cannot be.
    #[error("damaged: {0}: restore the books, or build them again from the journal")]
    Damaged(String),
    /// The topic does not have what the books want next.
    #[error("not in the topic: {0}: bring it by hwan ledger catch-up")]
    NotInTopic(String),
    /// The engine's store has less than the books, or something else.
    #[error("went back: {0}")]
    WentBack(String),
}

/// Why nothing more is taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Stop {
    /// Of the lane itself. What came before the cause was taken. Trying again is right once the cause is mended.
    #[error("the books of lane {lane} stopped: {verdict}")]
    Lane {
        /// The lane.
        lane: LaneId,
        /// Why.
        verdict: Verdict,
    },
    /// The store of the books is away: the same events may be brought again, those that were taken count as repeats.
    #[error("the books cannot be posted to: {0}")]
    Unavailable(StoreError),
}
