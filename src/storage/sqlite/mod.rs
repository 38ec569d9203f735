//! The embedded store: SQLite, for a laptop or a single server.
//!
//! One engine at a time (a lock file of ours), any number of readers beside it. One connection writes to a file, `BEGIN
//! IMMEDIATE`, in the write-ahead log; the ledger's with `synchronous = FULL`, checked after opening: when a commit
//! returns, it is on the disk. The projections have a file of their own, so that moving them on makes no commit wait;
//! it is `NORMAL`: after a loss of power it may have gone back, and follows the journal again. A few connections read; each read is one statement and sees one committed state. Checkpoints run
//! beside the commits on a connection of their own.
//!
//! | file | what |
//! |---|---|
//! | `<data>/ledger.db` | the ledger; `-wal` and `-shm` beside it belong to it |
//! | `<data>/passbook.db` | the projections, likewise |
//! | `<data>/books.db` | the bank's own books, where they are embedded too |
//! | `<data>/engine.lock` | held by the engine at work |
//!
//! Bounds: one transaction writes at a time, the others wait in order; reads beyond the pool wait; the log is bounded
//! by [`SqliteOptions::wal_mib_max`] as long as no reader holds on to an old state. Lanes add no speed here.

mod book;
mod books;
mod checkpoint;
mod commit;
mod connect;
mod day_balances;
mod errors;
mod lanes;
mod lock;
mod options;
mod passbook;
mod projections;
mod readers;
mod reads;
mod reconciliation;
mod relay;
mod schema;
mod statements;
mod states;
mod store;
mod sums;
mod writer;

pub use books::SqliteBooks;
pub use options::SqliteOptions;
pub use reconciliation::SqliteReconciliation;
pub use store::SqliteStore;
