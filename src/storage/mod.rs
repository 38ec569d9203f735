//! Where records become durable. The engine knows the port; each store is a room behind it.
//!
//! | room | what it is |
//! |---|---|
//! | [`port`] | the traits and messages that the engine speaks |
//! | [`listing`] | lists, a page at a time: what is asked for, what a page is |
//! | [`alerts`] | the port of alerts and of the watch's state, in the books' store |
//! | [`closings`] | the port of closings, in the books' store |
//! | [`general_ledger`] | the port of the books' own store |
//! | [`reconciliation`] | what reconciliation reads, and what it keeps beside the books |
//! | [`sealing`] | the port of sealed days: how accounts ended a business date |
//! | [`codec`] | a record as text: the journal's body, and what the chain of hashes runs over |
//! | `postings` | what projections are made of |
//! | `totals` | a lane's control totals in a column |
//! | [`mysql`] | the store of record: MySQL and MariaDB |
//! | [`sqlite`] | the embedded store, the default |
//! | `fake` | a store in memory whose faults are scripted (feature `testing`) |
//! | `null` | a store that keeps nothing, for benchmarks (feature `testing`) |
//! | `conformance` | the suite that every store must pass (feature `testing`) |

pub mod alerts;
pub mod closings;
pub mod codec;
#[cfg(feature = "testing")]
pub mod conformance;
mod consistency;
#[cfg(feature = "testing")]
pub mod fake;
pub mod general_ledger;
pub mod listing;
pub mod mysql;
#[cfg(feature = "testing")]
pub mod null;
pub mod port;
mod postings;
pub mod reconciliation;
pub mod sealing;
pub mod sqlite;
mod totals;
