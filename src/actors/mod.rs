//! The engine.

pub mod command;
pub mod engine;
pub mod view;
