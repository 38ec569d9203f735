//! What reconciliation asks of the stores: reads of the store of record, and what it keeps in the books' database.
//!
//! | room | what it is |
//! |---|---|
//! | [`port`] | reads of the store of record: the journal for strategy 1, everything else for strategy 2 |
//! | [`book`] | the history of reconciliations, and the snapshots that they begin at |
//! | [`journal_sums`] | many of the books' journals together, the same whoever adds them up |

pub mod book;
pub mod journal_sums;
pub mod port;
