//! The runner: scenarios against a live server.
//!
//! | file | what it does |
//! |---|---|
//! | `target.rs` | the server, its callers by name, and one request with its answer |
//! | `values.rs` | what a scenario knows: customers, saved answers, keys |
//! | `request.rs` | a planned call becomes a request |
//! | `bank.rs` | brings rates to where they are given, lifts halts that others left |
//! | `clock.rs`, `calendar.rs` | moves the server's test clock |
//! | `step.rs`, `parallel.rs` | runs a step |
//! | `scenario.rs` | opens the customers, runs the steps, judges the common ground |
//! | `session.rs` | the whole run, turn by turn |

mod bank;
mod calendar;
mod clock;
mod parallel;
mod request;
mod scenario;
mod session;
mod step;
mod target;
mod values;

pub(crate) use session::{Session, SessionError, Settings};
pub(crate) use target::{Exchanged, Target};
pub(crate) use values::{Values, shown};
