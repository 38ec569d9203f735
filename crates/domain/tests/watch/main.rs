//! The watch as a table: each rule finds what is planted for it, and nothing is found where nothing is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests: a panic is a failure"
)]

mod bank;
mod catalogue;
mod conditions;
mod edges;
mod packing;
mod planted;
mod silence;
