//! One engine at a time: a lock file beside the ledger, held as long as the store is open.
//!
//! The operating system releases it when the holder ends, however it ends. It is not SQLite's own lock, so readers
//! such as `verify` work beside a running engine.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

use crate::storage::port::StoreError;

/// The lock file's name within the data directory.
const FILE_NAME: &str = "engine.lock";

/// The right to be the engine of a data directory; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct EngineLock {
    _file: File,
}

impl EngineLock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join(FILE_NAME);
        let failed =
            |error| StoreError::Unavailable(format!("cannot lock {}: {error}; check its permissions", path.display()));
        // Not truncated: the holder's number stays readable for those who come too late.
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only for the message: an unreadable number changes nothing.
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim();
                let holder = if holder.is_empty() { String::new() } else { format!(" (process {holder})") };
                return Err(StoreError::Unavailable(format!(
                    "another engine{holder} holds {}: stop it, or use another data directory",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}
