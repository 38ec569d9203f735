//! `cargo xtask test`: all tests of the workspace, and one closing line that says how many.

use crate::{
    machine,
    step::{Step, Stream},
    tally::{self, Skips, Tally},
};

/// Runs all tests, or those that `arguments` to cargo test select.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let mut tally = Tally::default();
    let scope = if arguments.is_empty() { vec!["--workspace"] } else { arguments.iter().map(String::as_str).collect() };
    let step = Step {
        name: "tests",
        // Every test runs even after a failure, so that the count is of all of them.
        arguments: ["test", "--no-fail-fast"].into_iter().chain(scope).collect(),
        environment: vec![],
    };
    let ended_well = step.run(|stream, line| {
        if stream == Stream::Out {
            tally.count(line);
        }
    })?;
    if !ended_well && tally.failed == 0 {
        println!("cargo test failed without a failed test: it did not compile, or a test binary died; counted as one");
        tally.failed = 1;
    }
    for line in machine::missing() {
        println!("{line}");
    }
    let verdict = tally::verdict(tally, skips());
    if let Err(reason) = verdict {
        println!("not good: {reason}");
    }
    println!("{}", tally.closing());
    verdict.map_err(|_| String::new()) // said already
}

#[expect(clippy::disallowed_methods, reason = "a chore outside the engine: CI says in the environment that it is CI")]
fn skips() -> Skips {
    if std::env::var("CI").is_ok_and(|value| value == "true") { Skips::Fail } else { Skips::Tolerated }
}
