//! Crash tests on the real thing: a real mysqld, hwan as its users run it, a proxy of our own between them, clients that
//! write down what they sent and were told, faults, and a judge that compares every acknowledgement with the database.
//!
//! `check` is pure: a history and rows in, violations out. Everything else touches processes, sockets and clocks, each
//! wait with an end. Called by the program `hwan-chaos`, which `cargo xtask chaos` builds and runs.

pub mod campaign;
pub mod check;
pub mod clients;
pub mod clock;
pub mod database;
pub mod faults;
pub mod fingerprint;
pub mod history;
pub mod money;
pub mod patience;
pub mod pipeline;
pub mod place;
pub mod proxy;
pub mod report;
pub mod site;
