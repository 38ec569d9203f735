//! Scenario files against a live hwan: a bank's tester writes what is given, what is done and what must come out.

mod language;
mod yaml;
