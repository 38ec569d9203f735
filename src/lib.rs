//! hwan: an actor-based in-process transaction engine for a bank's 24-hour currency exchange.

pub mod access;
pub mod accounting;
mod accounting_process;
pub mod actors;
pub mod api;
mod banner;
pub mod books_of_account;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demonstration;
pub mod kafka_group;
pub mod outbox;
mod ports;
pub mod projection;
pub mod quotes;
pub mod secret_file;
pub mod shutdown;
pub mod startup;
pub mod storage;
pub mod store_of_record;
pub mod telemetry;
pub mod tls;
pub mod verify;
pub mod watch;
mod watch_hand;
mod watch_process;
