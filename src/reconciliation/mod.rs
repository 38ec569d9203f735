//! Reconciliation's shell: reads both sides, has the domain compare them, tells what breaks and keeps the history.
//!
//! | room | what it is |
//! |---|---|
//! | [`run`] | one reconciliation, lane by lane, from what is asked to what came of it |
//! | `walk` | strategy 1 on a thread of its own: hashes, texts, the domain's walk |
//! | `lane` | a lane: both sides read and compared |
//! | `drill` | what differs, opened down to the account |
//! | `passbooks` | passbooks against the journal |
//! | `ledger` | the general ledger against the journal |
//! | `snapshots` | where a walk begins, and what it leaves for the next day |
//! | [`one_account`] | one account alone, posting by posting |
//! | [`history`] | a reconciliation as the history keeps it |
//! | [`service`] | one reconciliation at a time in a server, and its history |
//! | [`memory`] | the port by which an engine shows what it holds in memory |
//! | [`report`] | for a terminal, as JSON, as a page |
//!
//! Everything is read beside a running engine: no lock, pages along primary keys, a rest after each. It sees the domain and the ports
//! of storage; an engine comes in by [`memory`] alone.

mod drill;
pub mod history;
mod lane;
mod ledger;
pub mod memory;
pub mod one_account;
mod passbooks;
pub mod report;
pub mod run;
pub mod service;
mod snapshots;
mod walk;
