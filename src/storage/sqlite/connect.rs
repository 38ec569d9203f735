//! How connections are opened, and the settings without which a commit is not durable.

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{errors, options::SqliteOptions};
use crate::storage::port::StoreError;

/// The files of a store within its data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreFile {
    /// The journal and what its commits leave behind: durable before anybody is answered.
    Ledger,
    /// The projections: after a loss of power they may have gone back, and follow the journal again.
    Passbook,
    /// The bank's own books: durable before the next step begins.
    Books,
}

impl StoreFile {
    const fn name(self) -> &'static str {
        match self {
            StoreFile::Ledger => "ledger.db",
            StoreFile::Passbook => "passbook.db",
            StoreFile::Books => "books.db",
        }
    }

    const fn threads(self) -> &'static str {
        match self {
            StoreFile::Ledger => "ledger",
            StoreFile::Passbook => "passbook",
            StoreFile::Books => "books",
        }
    }

    const fn synchronous(self) -> SqliteSynchronous {
        match self {
            StoreFile::Ledger | StoreFile::Books => SqliteSynchronous::Full,
            StoreFile::Passbook => SqliteSynchronous::Normal,
        }
    }
}

/// How long a connection waits for another one's lock. Ours never hold one that long; a person's shell may.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What a reader may keep of the file in memory, in KiB.
const READER_CACHE_KIB: u32 = 8 * 1_024;
/// Statements that a connection keeps compiled: more than there are.
const STATEMENTS_MAX: usize = 128;
/// SQLite's number for `synchronous = FULL`.
const SYNCHRONOUS_FULL: i64 = 2;
/// SQLite's number for `synchronous = NORMAL`: nothing is damaged by a loss of power, the newest may be gone.
const SYNCHRONOUS_NORMAL: i64 = 1;

fn common(data_dir: &Path, file: StoreFile) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(data_dir.join(file.name()))
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS_MAX)
        .foreign_keys(false) // none are declared: the journal is the truth, and each key would cost a lookup a row
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}

/// The connection that writes. Checkpoints are not its business: one inside a commit would make that commit wait.
pub(super) fn writer(data_dir: &Path, file: StoreFile, options: &SqliteOptions) -> SqliteConnectOptions {
    common(data_dir, file)
        .create_if_missing(true)
        .page_size(options.page_bytes)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(file.synchronous())
        .pragma("fullfsync", "ON") // macOS: fsync alone does not reach the platter there
        .pragma("wal_autocheckpoint", "0")
        .pragma("cache_size", format!("-{}", u64::from(options.writer_cache_mib) * 1_024))
        .thread_name(move |_| format!("{}-writer", file.threads()))
}

/// The connection that moves the log into the file.
pub(super) fn checkpointer(data_dir: &Path, file: StoreFile) -> SqliteConnectOptions {
    common(data_dir, file)
        .synchronous(SqliteSynchronous::Full)
        .pragma("fullfsync", "ON")
        .pragma("wal_autocheckpoint", "0")
        .thread_name(move |_| format!("{}-log", file.threads()))
}

/// A connection that only reads.
pub(super) fn reader(data_dir: &Path, file: StoreFile) -> SqliteConnectOptions {
    common(data_dir, file)
        .read_only(true)
        .pragma("cache_size", format!("-{READER_CACHE_KIB}"))
        .thread_name(move |number| format!("{}-reader-{number}", file.threads()))
}

/// Opens the writing connection and refuses one that would not be as durable as its file has to be.
pub(super) async fn open_writer(
    options: &SqliteConnectOptions,
    file: StoreFile,
) -> Result<SqliteConnection, StoreError> {
    close_to_others(options.get_filename())?;
    let mut connection = options.connect().await.map_err(|error| errors::store_error(&error))?;
    let (journal_mode, synchronous) = settings(&mut connection).await.map_err(|error| errors::store_error(&error))?;
    check_settings(file, &journal_mode, synchronous)?;
    Ok(connection)
}

/// Customers' balances are nobody else's to read: the file is its owner's alone, and SQLite gives the log the same mode.
fn close_to_others(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let failed = |error| StoreError::Unavailable(format!("cannot set the mode of {}: {error}", path.display()));
        let file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(failed)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// What the connection really runs with, asked after opening.
async fn settings(connection: &mut SqliteConnection) -> Result<(String, i64), sqlx::Error> {
    let journal_mode = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await?;
    let synchronous = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await?;
    Ok((journal_mode, synchronous))
}

/// Refuses settings under which an acknowledged commit could be lost with the power, or a file be damaged by it.
fn check_settings(file: StoreFile, journal_mode: &str, synchronous: i64) -> Result<(), StoreError> {
    if !journal_mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::Unsafe(format!(
            "setting journal_mode is {journal_mode:?}, it must be \"wal\": does the file system support shared memory?"
        )));
    }
    let needed = match file {
        StoreFile::Ledger | StoreFile::Books => SYNCHRONOUS_FULL,
        StoreFile::Passbook => SYNCHRONOUS_NORMAL,
    };
    if synchronous < needed {
        return Err(StoreError::Unsafe(format!(
            "setting synchronous is {synchronous}, it must be at least {needed}: commits would not be durable"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_not_durable_are_refused_by_name() {
        assert!(check_settings(StoreFile::Ledger, "wal", 2).is_ok());
        assert!(check_settings(StoreFile::Passbook, "wal", 1).is_ok());
        for (journal_mode, synchronous, named) in [
            ("delete", 2, "journal_mode"),
            ("memory", 2, "journal_mode"),
            ("wal", 1, "synchronous"),
            ("wal", 0, "synchronous"),
        ] {
            let refused = check_settings(StoreFile::Ledger, journal_mode, synchronous).unwrap_err();
            assert!(matches!(&refused, StoreError::Unsafe(text) if text.contains(named)), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_writer_with_weaker_settings_does_not_open() {
        let dir = tempfile::tempdir().unwrap();
        let options = writer(dir.path(), StoreFile::Ledger, &SqliteOptions::default());
        assert!(open_writer(&options, StoreFile::Ledger).await.is_ok());
        let lax = options.clone().synchronous(SqliteSynchronous::Off);
        let refused = open_writer(&lax, StoreFile::Ledger).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Unsafe(text) if text.contains("synchronous")), "{refused}");
    }
}
