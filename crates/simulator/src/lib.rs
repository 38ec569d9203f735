//! Seeded simulation of the actors, checked against a naive single-threaded ledger that shares only types with them.
//!
//! | room | what it is |
//! |---|---|
//! | `sequence`, `stage`, `workload`, `history` | one random sequence: an engine, clients in waves, what they were answered |
//! | `line` | the connection to the fake store on which reads and commits fail |
//! | `rules`, `board`, `household`, `ledger`, `reversals`, `judging` | the naive bank |
//! | `registry` | who belongs to which channel |
//! | `replay`, `check`, `claims`, `views` | journals, answers, memory and store against the naive bank |
//! | [`bank`], `audit` | a bank for scenarios with a story of their own, and its journals through the naive one |
//! | [`counts`], [`report`], [`dice`], [`world`] | what happened, what went wrong, the seed, the currencies |
//!
//! A sequence is a function of its seed. Time stands still unless everybody waits for it, so pauses cost nothing.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a simulator: a panic here is a failure of the test that runs it"
)]

mod audit;
pub mod bank;
mod board;
mod check;
mod claims;
pub mod counts;
pub mod dice;
mod history;
mod household;
mod judging;
mod ledger;
mod line;
#[cfg(test)]
mod planted;
mod registry;
mod replay;
pub mod report;
mod reversals;
mod rules;
mod sequence;
mod stage;
mod views;
mod workload;
pub mod world;

pub use audit::audit;
pub use sequence::run;

/// Runs something within an actix system whose time stands still unless everybody waits for it.
pub fn in_still_time<T>(what: impl Future<Output = T>) -> T {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime of one thread needs nothing that can be missing")
    };
    actix_rt::System::with_tokio_rt(runtime).block_on(what)
}
