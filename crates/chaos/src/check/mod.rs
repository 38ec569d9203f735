//! The judge: a history and what the database holds, to everything that breaks a promise. Pure.
//!
//! An [`Auditor`] is given the journal row by row in the order of (lane, seq), then the passbook in any order, then what
//! stands; what it says at the end is complete. It reads the records by their documented text and computes chain, keys,
//! requests, amounts and balances anew. Memory grows with the history and with the journal's legs.
//!
//! The rules, in one place each: `attempts` (one key, one outcome, one answer), `records` (the journal against itself and
//! against the commands), `books` (accounts, balances, passbook, conservation), `order` (real time), `reigns` (no zombie).

mod attempts;
mod auditor;
mod books;
mod order;
mod record;
mod records;
mod reigns;
#[cfg(test)]
mod tests;
mod violation;

pub use auditor::{Auditor, Counts};
pub use violation::{Sort, Violation};
