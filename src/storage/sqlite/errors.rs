//! What an error of SQLite means to the engine: the only table of it.
//!
//! Before COMMIT is sent nothing can become durable, so every failure there is "not done"; the writer sees to it that
//! the transaction ends. An error of COMMIT itself leaves the outcome open, but for "busy", which SQLite gives before
//! it writes the commit: a failed write or sync may still have put the commit's frame into the log.
//! <https://www.sqlite.org/rescode.html>

use hwan_domain::{
    id::{LaneId, Seq},
    record::KeyDigest,
};

use crate::storage::port::{CommitError, Epoch, StoreError};

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Another connection holds the lock: SQLITE_BUSY, SQLITE_LOCKED.
    Busy,
    /// The disk is full or failing, memory is short, or the file cannot be opened or written.
    Device,
    /// What is stored is no database, or a damaged one.
    Damaged,
    /// A unique index refused a row.
    Unique,
    /// A primary key refused a row.
    PrimaryKey,
    /// Another constraint refused a row: a bug of ours.
    Constraint,
    /// The connection is gone.
    Lost,
    /// Anything else: a bug of ours.
    Other,
}

/// How far a commit had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// COMMIT had not been sent.
    Before,
    /// COMMIT had been sent.
    Commit,
}

/// Classifies an error.
pub(super) fn cause(error: &sqlx::Error) -> Cause {
    let sqlx::Error::Database(error) = error else {
        return match error {
            sqlx::Error::WorkerCrashed | sqlx::Error::Io(_) | sqlx::Error::PoolClosed => Cause::Lost,
            _ => Cause::Other,
        };
    };
    cause_of_code(error.code().and_then(|code| code.parse().ok()).unwrap_or(0))
}

/// Classifies SQLite's extended result code: its low byte is the primary code.
fn cause_of_code(code: i32) -> Cause {
    match code {
        2_067 => Cause::Unique,             // CONSTRAINT_UNIQUE
        1_555 | 2_579 => Cause::PrimaryKey, // CONSTRAINT_PRIMARYKEY, CONSTRAINT_ROWID
        _ => match code & 0xff {
            5 | 6 | 15 => Cause::Busy,             // BUSY, LOCKED, PROTOCOL
            7 | 8 | 10 | 13 | 14 => Cause::Device, // NOMEM, READONLY, IOERR, FULL, CANTOPEN
            11 | 26 => Cause::Damaged,             // CORRUPT, NOTADB
            19 => Cause::Constraint,
            _ => Cause::Other,
        },
    }
}

/// What a failed commit is to the engine, once its transaction has ended. A refused key is looked up by the caller
/// first, which knows the batch.
pub(super) fn commit_error(stage: Stage, error: &sqlx::Error) -> CommitError {
    match (stage, cause(error)) {
        (Stage::Before, _) | (Stage::Commit, Cause::Busy) => CommitError::NotDone(error.to_string()),
        (Stage::Commit, _) => CommitError::Unknown(error.to_string()),
    }
}

/// What a failed read, or a failed transaction that may simply be tried again, is to the engine.
pub(super) fn store_error(error: &sqlx::Error) -> StoreError {
    match cause(error) {
        // A row that is there already, or cannot be: what is stored is not what was written.
        Cause::Damaged | Cause::Unique | Cause::PrimaryKey | Cause::Constraint => {
            StoreError::Damaged(error.to_string())
        }
        _ => StoreError::Unavailable(error.to_string()),
    }
}

/// A column that does not hold what was written there.
pub(super) fn column(error: &sqlx::Error) -> StoreError {
    StoreError::Damaged(format!("a stored row cannot be read: {error}"))
}

/// A fenced commit.
pub(super) fn fenced(lane: LaneId, epoch: Epoch, from: Seq) -> CommitError {
    CommitError::Fenced { lane, epoch, from }
}

/// A key refused by the index that no record of the journal has: it stands twice in the batch.
pub(super) fn key_twice(key: Option<KeyDigest>) -> CommitError {
    CommitError::NotDone(format!("an idempotency key stands twice in the batch: {key:?}; send it once"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_codes_are_judged_by_their_kind() {
        for (code, cause) in [
            (5, Cause::Busy),
            (517, Cause::Busy),     // BUSY_SNAPSHOT
            (262, Cause::Busy),     // LOCKED_SHAREDCACHE
            (13, Cause::Device),    // FULL
            (1_034, Cause::Device), // IOERR_FSYNC
            (778, Cause::Device),   // IOERR_WRITE
            (11, Cause::Damaged),   // CORRUPT
            (2_067, Cause::Unique),
            (1_555, Cause::PrimaryKey),
            (275, Cause::Constraint), // CONSTRAINT_CHECK
            (1, Cause::Other),
        ] {
            assert_eq!(cause_of_code(code), cause, "{code}");
        }
    }

    #[test]
    fn only_an_error_of_the_commit_itself_leaves_the_outcome_open() {
        let lost = sqlx::Error::WorkerCrashed;
        assert!(matches!(commit_error(Stage::Before, &lost), CommitError::NotDone(_)));
        assert!(matches!(commit_error(Stage::Commit, &lost), CommitError::Unknown(_)));
    }
}
