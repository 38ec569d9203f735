//! The outbox on a real Kafka: order, chain, completeness, restarts, a broker that is killed, stands still or is away for long,
//! and a producer that fails for good.
//!
//! `HWAN_TEST_KAFKA_BOOTSTRAP` says where a broker is; `cargo xtask test` brings one. Brokers that are killed are a test's own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: a panic is a failure")]

#[path = "outbox_kafka/backlog.rs"]
mod backlog;
#[path = "outbox_kafka/bank.rs"]
mod bank;
#[path = "outbox_kafka/broker.rs"]
mod broker;
// A measurement, which only optimised says anything.
#[cfg(not(debug_assertions))]
#[path = "outbox_kafka/cost.rs"]
mod cost;
#[path = "outbox_kafka/fatal.rs"]
mod fatal;
#[path = "outbox_kafka/faults.rs"]
mod faults;
#[path = "outbox_kafka/order.rs"]
mod order;
#[path = "outbox_kafka/seen.rs"]
mod seen;
#[path = "outbox_kafka/watch.rs"]
mod watch;
