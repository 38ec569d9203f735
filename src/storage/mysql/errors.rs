//! What an error of MySQL or MariaDB means to the engine: the only table of it.
//!
//! | cause | the server says | before COMMIT is sent | of COMMIT | of a read |
//! |---|---|---|---|---|
//! | contended | 1205 lock wait, 1213 deadlock, 3572 | not done | unknown | unavailable |
//! | lost | 2006, 2013, 1053 shutdown, 1317, 1927, 4031, 1152..1161, the socket's errors, a deadline | not done | unknown | unavailable |
//! | read-only | 1290, 1792, 1836 | not done | unknown | unavailable |
//! | disk | 1021, 1114, 28, 3, 11, 1026, 1030 | not done | unknown | unavailable |
//! | too large | 1153 | not done | unknown | unavailable |
//! | crowded | 1040, 1203, 1226, 1041, 1038 | not done | unknown | unavailable |
//! | denied | 1044, 1045, 1142, 1143, 1227, 1698; 1820, 1862 password expired; 3118, 4151 account locked | not done | unknown | unavailable |
//! | key | 1062, 1586 | the used key is looked up | – | damaged |
//! | damaged | 1712, 1194, 1034, 126..145; a row that can't be read | not done | unknown | damaged |
//! | other | anything else: a bug of ours, or a server that is not what it was | not done | unknown | unavailable |
//!
//! Before COMMIT is sent nothing can be durable: "not done", and the transaction is rolled back, since after 1205 it stays
//! open with half of its work. Once COMMIT is on its way only an OK is an OK: an error of COMMIT itself may have come after the
//! commit (1180, a lost connection), so it is "unknown" whatever its number. 1062 within a batch's own rows ends that batch
//! alone. Numbers: the error references of MySQL 9 and MariaDB.

use hwan_domain::{
    id::{LaneId, Seq},
    record::KeyDigest,
};
use sqlx::mysql::MySqlDatabaseError;

use crate::storage::port::{CommitError, Epoch, StoreError};

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Another transaction holds a lock, or a deadlock was broken at our cost.
    Contended,
    /// The connection is gone, or may be.
    Lost,
    /// The server takes no writes, as after a failover.
    ReadOnly,
    /// The server's disk is full or failing.
    Disk,
    /// A packet was larger than the server takes.
    TooLarge,
    /// The server has too many connections, or no memory.
    Crowded,
    /// The user may not do this.
    Denied,
    /// A unique index refused a row.
    Key,
    /// What is stored cannot be read.
    Damaged,
    /// Anything else.
    Other,
}

/// How far a transaction had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// COMMIT had not been sent, or a statement before it was refused.
    Before,
    /// COMMIT had been sent.
    Commit,
}

/// Classifies an error.
pub(super) fn cause(error: &sqlx::Error) -> Cause {
    match error {
        sqlx::Error::Database(error) => {
            error.try_downcast_ref::<MySqlDatabaseError>().map_or(Cause::Other, |error| cause_of_number(error.number()))
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Cause::Lost,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => Cause::Damaged,
        _ => Cause::Other,
    }
}

/// Classifies the server's number of an error.
pub(super) const fn cause_of_number(number: u16) -> Cause {
    match number {
        1_205 | 1_213 | 3_572 => Cause::Contended,
        1_053 | 1_077..=1_080 | 1_152 | 1_154..=1_161 | 1_184 | 1_317 | 1_927 | 2_006 | 2_013 | 4_031 => Cause::Lost,
        1_290 | 1_792 | 1_836 => Cause::ReadOnly,
        3 | 11 | 28 | 1_021 | 1_026 | 1_030 | 1_114 => Cause::Disk,
        1_153 => Cause::TooLarge,
        1_038 | 1_040 | 1_041 | 1_203 | 1_226 => Cause::Crowded,
        1_044 | 1_045 | 1_142 | 1_143 | 1_227 | 1_698 | 1_820 | 1_862 | 3_118 | 4_151 => Cause::Denied,
        1_062 | 1_586 => Cause::Key,
        126..=145 | 1_034 | 1_194 | 1_712 => Cause::Damaged,
        _ => Cause::Other,
    }
}

/// What a failed commit is to the engine. A refused key is looked up by the caller first, which knows the batch.
pub(super) fn commit_error(stage: Stage, error: &sqlx::Error) -> CommitError {
    match stage {
        Stage::Before => CommitError::NotDone(told(error)),
        Stage::Commit => CommitError::Unknown(told(error)),
    }
}

/// What a failed read, or a failed transaction that may simply be tried again, is to the engine.
pub(super) fn store_error(error: &sqlx::Error) -> StoreError {
    match cause(error) {
        Cause::Damaged | Cause::Key => StoreError::Damaged(error.to_string()),
        _ => StoreError::Unavailable(told(error)),
    }
}

/// The error and, where somebody can do something about it, what.
fn told(error: &sqlx::Error) -> String {
    let advice = match cause(error) {
        Cause::ReadOnly => "; the server takes no writes: is it the primary?",
        Cause::Disk => "; free space on the server's disk",
        Cause::TooLarge => "; raise the server's max_allowed_packet",
        Cause::Crowded => "; the server has no connection left for hwan: raise max_connections, or close others",
        Cause::Denied => "; grant hwan's user its rights again (config/mysql.toml)",
        _ => "",
    };
    format!("{error}{advice}")
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
    fn numbers_are_judged_by_what_they_mean() {
        for (number, cause) in [
            (1_205, Cause::Contended),
            (1_213, Cause::Contended),
            (1_053, Cause::Lost),
            (1_317, Cause::Lost),
            (1_927, Cause::Lost),
            (4_031, Cause::Lost),
            (1_290, Cause::ReadOnly),
            (1_792, Cause::ReadOnly),
            (1_836, Cause::ReadOnly),
            (1_114, Cause::Disk),
            (1_021, Cause::Disk),
            (1_153, Cause::TooLarge),
            (1_040, Cause::Crowded),
            (1_203, Cause::Crowded),
            (1_045, Cause::Denied),
            (3_118, Cause::Denied),
            (1_062, Cause::Key),
            (1_180, Cause::Other), // ER_ERROR_DURING_COMMIT: only ever of COMMIT, and unknown there
            (1_146, Cause::Other),
        ] {
            assert_eq!(cause_of_number(number), cause, "{number}");
        }
    }

    #[test]
    fn only_what_befalls_the_commit_itself_leaves_the_outcome_open() {
        let lost = || sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert!(matches!(commit_error(Stage::Before, &lost()), CommitError::NotDone(_)));
        assert!(matches!(commit_error(Stage::Commit, &lost()), CommitError::Unknown(_)));
        assert!(matches!(store_error(&lost()), StoreError::Unavailable(_)));
    }
}
