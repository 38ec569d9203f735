//! The HTTP API as a client sees it: the real server on a free port, over a fresh data directory, with a clock that
//! stands until a test moves it. One file per part of the surface; `server` is the only one that knows how to start.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, unreachable_pub, reason = "tests")]

mod accounts;
mod alerts;
mod bodies;
mod contract;
mod covers;
mod days;
mod demonstration;
mod exchanges;
mod health;
mod ledger;
mod ledger_command;
mod openapi;
mod permissions;
mod problems;
mod quotes;
mod rates;
mod reconciliations;
mod replays;
mod server;
mod surface;
