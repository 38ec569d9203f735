//! What can be set about the embedded store.

/// Settings of the embedded store; the defaults suit a laptop and a server alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Connections that read, beside the one that writes. Reads beyond them wait.
    pub readers: u32,
    /// What the writing connection may keep of the file in memory, in MiB.
    pub writer_cache_mib: u32,
    /// Size of a page in bytes, a power of two from 512 to 65,536; only a new ledger takes it.
    pub page_bytes: u32,
    /// After about this much growth of the write-ahead log, in MiB, it is moved into the ledger's file, beside the
    /// commits; from twice this size on it begins anew, for which commits pause for milliseconds.
    pub checkpoint_mib: u32,
    /// From this size on, in MiB, commits also wait for readers that hold on to an old state, a quarter of a second at
    /// a time: only a reader that stays longer lets the log grow further.
    pub wal_mib_max: u32,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { readers: 4, writer_cache_mib: 64, page_bytes: 4_096, checkpoint_mib: 128, wal_mib_max: 512 }
    }
}
