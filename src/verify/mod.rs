//! `hwan verify`: reads the whole journal and proves that everything stored follows from it.
//!
//! | room | what it is |
//! |---|---|
//! | [`walk`] | reads a lane's journal and compares states and projections with what follows from it |
//! | [`shadow`] | what follows from the journal alone: accounts, counters, totals |
//! | [`report`] | what was found, for a person |
//!
//! It only reads, beside a running engine or without one, and judges by the same predicates as the engine
//! ([`hwan_domain::invariant`]). Callers: `cli`.

pub mod report;
pub mod shadow;
pub mod walk;
