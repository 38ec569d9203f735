//! Closings: business dates are closed, by themselves soon after the roll or by command, and closed ones are looked at again.
//!
//! | room | what it is |
//! |---|---|
//! | [`closer`] | closes a date, or says what is missing; draws a closed one up again and compares |
//! | [`follow`] | does so by itself, beside whoever keeps the books |
//! | [`report`] | closings as `hwan close` prints them |
//!
//! The rules are the domain's ([`hwan_domain::closing`]); what is closed lies in the books' database ([`ClosingBook`]), where each
//! closing follows the one before. Any number of processes may close at once: each day is closed once, and all of them find the same.
//! Callers: `startup`, `accounting_process`, `cli`, the API.
//!
//! [`ClosingBook`]: crate::storage::closings::port::ClosingBook

pub mod closer;
pub mod follow;
pub mod report;
