//! The engine as its users run it, on a MySQL server of the test's own: what it answers while the server is away, and that it
//! finds its way back by itself; who takes over from whom; how it ends.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "engine_mysql/bench.rs"]
mod bench;
mod common;
#[path = "engine_mysql/configuration.rs"]
mod configuration;
#[path = "engine_mysql/outage.rs"]
mod outage;
#[path = "store_mysql/own_server.rs"]
mod own_server;
#[path = "engine_mysql/succession.rs"]
mod succession;
