//! Where the bank's own books are kept: a store of its own beside the store of record, behind a port of its own.
//!
//! | room | what it is |
//! |---|---|
//! | [`port`] | what the accounting asks of it |
//! | [`books_store`] | all that lies in the books' database, port by port |
//! | `columns` | entries, kinds and turnovers as columns hold them |
//! | `conformance` | the suite that every store of the books must pass (feature `testing`) |
//! | [`sqlite`](super::sqlite), [`mysql`](super::mysql) | their rooms `books` keep it: a file, or a database |

pub mod books_store;
pub(in crate::storage) mod columns;
#[cfg(feature = "testing")]
pub mod conformance;
pub mod port;
