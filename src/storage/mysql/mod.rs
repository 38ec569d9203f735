//! The store of record: MySQL 8.4 and 9, and MariaDB 10.11 or later.
//!
//! | room | what it is |
//! |---|---|
//! | [`options`] | what can be set |
//! | `connect`, `settings`, `nodelay` | connections, their sessions, what the server must be set to; sockets that send at once |
//! | `sessions`, `readers` | the runtime on which every socket lives; the connections that read |
//! | `committer` | a connection that writes, its transactions, its deadlines |
//! | `schema` | migrations and currencies |
//! | `script` | statements of many rows as text |
//! | `balances` | what a customer holds, in one column |
//! | `commit` | the one transaction of a batch: fence, journal, values |
//! | `lanes`, `owner`, `lease` | taking a lane; who owns it; how its owner keeps it |
//! | `projections` | passbook and daily balances |
//! | `relay` | how far the outbox has published |
//! | `reads`, `states`, `passbook` | every read |
//! | `sums` | what all accounts hold together |
//! | `reconciliation` | what reconciliation reads |
//! | `retention` | deleting what is sealed, letting keys expire |
//! | `books` | the bank's own books, in a database of their own |
//! | `errors` | the only table of what an error means |
//! | `store` | opening and closing, the port |
//!
//! # Rules of this room
//!
//! - Only SQL that MySQL and MariaDB both understand: no `RETURNING`, no row aliases, `VALUES(c)` in upserts.
//! - The fence is a transaction's first statement, and its result is known before anything else is sent; so the rest, with
//!   COMMIT, may go in one packet: a server stops at the first statement that fails.
//! - Whoever waits has a deadline. After any doubt a connection is given up, never used again.
//! - Money is a whole number of minor units; a decimal exists only in the views.

mod balances;
mod books;
mod commit;
mod committer;
mod connect;
mod day_balances;
mod errors;
mod lanes;
mod lease;
mod nodelay;
pub mod options;
mod owner;
mod passbook;
mod projections;
mod readers;
mod reads;
mod reconciliation;
mod relay;
mod retention;
mod schema;
mod script;
mod sessions;
mod settings;
mod states;
mod store;
mod sums;

pub use books::MysqlBooks;
pub use options::{MysqlOptions, Tls, TlsMode};
pub use reconciliation::MysqlReconciliation;
pub use retention::{Kept, Retention};
pub use store::MysqlStore;
