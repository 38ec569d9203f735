//! The scenario language: what a file says, and how it is read.
//!
//! | file | what it reads |
//! |---|---|
//! | `model.rs` | nothing: the types that a file becomes |
//! | `file.rs` | files, their documents, examples |
//! | `given.rs` | rates and customers |
//! | `step.rs` | a step: its fields beside the action |
//! | `action.rs`, `money_action.rs`, `market_action.rs`, `day_action.rs`, `subject_action.rs` | the actions, each into the one call that it makes |
//! | `expect.rs` | what is expected |
//! | `template.rs` | values with references such as `$b1.id` |
//! | `scope.rs` | which names are known where |
//! | `scalar.rs` | amounts, currencies, decimals, durations, times of day |
//!
//! Reading sends nothing and knows no server: every mistake has its line and column.

mod action;
mod day_action;
mod expect;
mod file;
mod given;
mod market_action;
mod model;
mod money_action;
mod scalar;
mod scope;
mod step;
mod subject_action;
mod template;

pub(crate) use file::read_file;
#[cfg(test)]
pub(crate) use file::read_text;
pub(crate) use market_action::VALID_UNTIL;
pub(crate) use model::{
    Action, CallPlan, ClockMove, Expect, ExpectedField, GivenCustomer, GivenRate, Matcher, PlannedBody, PlannedKey,
    Scenario, Step, View, Wanted,
};
pub(crate) use money_action::key_text;
pub(crate) use scalar::{decimal_parts, minor_digits};
pub(crate) use template::{Piece, Template};
