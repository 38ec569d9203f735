//! Reports: for people on a terminal, for machines as JSON, for build servers as JUnit XML.

mod json;
mod junit;
mod outcome;
mod terminal;

pub(crate) use json::json;
pub(crate) use junit::junit;
pub(crate) use outcome::{Counts, RunReport, ScenarioReport, StepReport, Verdict};
pub(crate) use terminal::{Colours, Terminal};
