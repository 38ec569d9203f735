//! Reconciliation: two ways to a day's closing balances that share nothing, compared account by account, and every check that
//! follows from it. Pure: who reads what, and when, is the shell's affair.
//!
//! | room | what it is |
//! |---|---|
//! | [`check`] | the checks, a closed list, each with its stable id and what it proves |
//! | [`finding`] | a break: what kind, where, what was expected and what was found |
//! | [`movement`] | what of a record counts here: legs, terms, totals |
//! | [`accounts`] | every account of a lane, packed: what strategy 1 keeps in memory |
//! | [`walker`] | strategy 1: follows a lane's journal record by record, and stops a moment at the day's end |
//! | [`snapshot`] | a lane as it closed a day, packed: where the next day's walk begins |
//! | [`tree`] | bank, currency, bucket, by count, sum and an order-free hash: two big sides compare without their lists |
//! | [`digest`] | order-free sums of a passbook's columns, the same whether a server adds them up or the walk does |
//! | [`interest`] | what holds for payments of interest |
//! | [`result`] | a reconciliation that was done: what was compared, check by check |
//!
//! Tolerance is 0 everywhere. Memory is bounded by the accounts of one lane, about a hundred bytes each.

pub mod accounts;
pub mod check;
pub mod digest;
pub mod finding;
pub mod interest;
pub mod movement;
pub mod result;
pub mod snapshot;
pub mod tree;
pub mod walker;

pub use check::Check;
pub use digest::PassbookSums;
pub use finding::{Break, BreakKind, Breaks, Subject};
pub use movement::Movement;
pub use result::{LaneRead, Outcome, Reconciliation, RunId, Status};
pub use snapshot::{AccountState, LaneState};
pub use tree::{Summary, Tree};
pub use walker::{Frozen, Walker};
