//! x
pub mod fixture;
