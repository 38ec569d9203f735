//! The client against a scripted server.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod calls;
mod operations;
mod server;
mod stream;
mod tls;
