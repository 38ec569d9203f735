//! The domain's rules as tables and properties, one topic per file; seen from outside, as the engine sees them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests: a panic is a failure"
)]

mod amounts;
mod board;
mod book;
mod catalogue;
mod checks;
mod closing;
mod conservation;
mod covers;
mod days;
mod facts;
mod guard;
mod interest;
mod invariants;
mod ledger;
mod limits;
mod positions;
mod pricing;
mod reconciliation;
mod reversal;
mod rounding;
mod support;
mod texts;
