//! Quotes as signed capabilities: all that a quote says travels in its token, nothing is stored, and any node that
//! has the keys can verify it. That it is used at most once is the engine's part: its id lies in the journal.

pub mod keyring;
pub mod token;
