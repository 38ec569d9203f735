//! Projections: the passbook and the daily balances follow the journal by (lane, seq).
//!
//! | room | what it is |
//! |---|---|
//! | [`projector`] | one task per lane that takes committed records and moves the store's projections over them |

pub mod projector;
