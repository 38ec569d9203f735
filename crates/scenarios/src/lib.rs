//! Scenario files against a live hwan: a bank's tester writes what is given, what is done and what must come out.
//!
//! | room | what it is for |
//! |---|---|
//! | `yaml` | YAML as a tree whose every node knows its line |
//! | `language` | the scenario language: files into scenarios; sends nothing |
//! | `plan` | which scenarios run together |
//! | `run` | scenarios against a server |
//! | `check` | answers against expectations, and the common ground after each scenario |
//! | `report` | terminal, JSON, JUnit XML |
//! | `files`, `args` | finding files; the command line |
//!
//! It knows the server by its HTTP API alone, through the client crate. Nothing is sent before every file was read.
//! Bounds: files, nodes, nesting and repetitions have limits that stand with their code; a run uses at most 256
//! connections.

mod args;
mod check;
mod files;
mod language;
mod plan;
mod report;
mod run;
mod yaml;

pub use args::{EXIT_FAILED, EXIT_PASSED, EXIT_UNREACHABLE, EXIT_USAGE, ReportKind, ScenarioArgs, run};
