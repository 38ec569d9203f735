//! Configuration: one file per subsystem, each field with its unit and effect, and every bound checked at start.
//!
//! Layers, each over the one before: the built-in `config/default.toml`, a file given by `--config`, the environment
//! (`HWAN_<SECTION>__<FIELD>`), the command line. A field that the built-in file does not have is refused by its name
//! and where it stands. This room alone reads the environment. Callers: `startup`, which hands each room its part.

pub mod access;
pub mod accounting;
pub mod admin;
pub mod audit;
pub mod business_day;
pub mod chart;
pub mod currencies;
pub mod engine;
pub mod interest;
pub mod jwt;
pub mod layers;
pub mod limits;
pub mod log;
pub mod number;
pub mod outbox;
pub mod positions;
pub mod quotes;
pub mod rates;
pub mod sealing;
pub mod server;
pub mod store;
pub mod tls;
pub mod watch;

pub use layers::{Config, ConfigError, Overrides};
