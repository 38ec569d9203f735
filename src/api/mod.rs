//! The HTTP API, `/v1`: strict in what it reads, deterministic in what it answers.
//!
//! Bounds: body size and time, connections, and the engine's own limits at its door. A handler holds nothing: a client
//! that hangs up changes nothing, and after a commit no answer fails. What was executed is answered from its record
//! alone, so a replay is equal byte for byte. This room knows the façades of the engine and of the books, and the domain, never a store.
//! [`router`] shows all of it on one page, [`problem`] every way in which it says no.

pub mod accounting_admin;
pub mod accounts;
pub mod admin;
pub mod alerts;
pub mod amount;
pub mod answer;
pub mod audit;
pub mod auth;
pub mod authorize;
pub mod batch;
pub mod business_date;
pub mod checks;
pub mod closings;
pub mod code;
pub mod context;
pub mod covers;
mod currencies;
pub mod customers;
pub mod entries;
pub mod envelope;
pub mod exchanges;
pub mod facts;
pub mod halts;
pub mod health;
pub mod host;
pub mod idempotency;
pub mod interest;
pub mod json;
pub mod keys;
pub mod ledger;
pub mod limits;
pub mod note;
pub mod openapi;
pub mod operation;
pub mod order;
pub mod page;
pub mod pairs;
pub mod path_id;
pub mod positions;
pub mod problem;
pub mod query;
pub mod quotes;
pub mod rate_stream;
pub mod rates;
pub mod reason;
pub mod reconciliations;
pub mod request_id;
pub mod reversals;
pub mod revision;
pub mod rounds;
pub mod router;
pub mod statement;
pub mod trace_parent;
pub mod transactions;
pub mod watch_admin;
pub mod wire;
