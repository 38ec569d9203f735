//! The embedded store: SQLite in one file, for a laptop or a single server.
//!
//! One engine at a time (a lock file of ours), any number of readers beside it. One connection writes, `BEGIN
//! IMMEDIATE`, in the write-ahead log with `synchronous = FULL`, both checked after opening: when a commit returns, it
//! is on the disk. A few connections read; each read is one statement and sees one committed state. Checkpoints run
//! beside the commits on a connection of their own.
//!
//! | file | what |
//! |---|---|
//! | `<data>/ledger.db` | the ledger; `-wal` and `-shm` beside it belong to it |
//! | `<data>/engine.lock` | held by the engine at work |
//!
//! Bounds: one transaction writes at a time, the others wait in order; reads beyond the pool wait; the log is bounded
//! by [`SqliteOptions::wal_mib_max`] as long as no reader holds on to an old state. Lanes add no speed here.

mod book;
mod checkpoint;
mod commit;
mod connect;
mod errors;
mod lanes;
mod lock;
mod options;
mod projections;
mod readers;
mod reads;
mod schema;
mod statements;
mod states;
mod store;
mod writer;

pub use options::SqliteOptions;
pub use store::SqliteStore;
