//! `cargo xtask test`: all tests of the workspace against real servers, then the API against its own document, sealed days against
//! the engines that check them, midnight under load, a round of crash tests, and one closing line that says how many.
//! `cargo xtask schemathesis` and `cargo xtask sealed`: one of them alone.

use crate::{
    chaos::{self, Half},
    machine, midnight, schemathesis, sealed,
    services::ForTests,
    step::{Step, Stream},
    tally::{self, Skips, Tally},
};

/// Runs all tests, or those that `arguments` to cargo test select; the latter without what is no test of cargo's.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let mut tally = Tally::default();
    let scope = if arguments.is_empty() { vec!["--workspace"] } else { arguments.iter().map(String::as_str).collect() };
    let servers = ForTests::bring_up();
    // Every test runs even after a failure, so that the count is of all of them.
    let step = Step {
        environment: servers.variables.iter().map(|(name, url)| (*name, url.as_str())).collect(),
        ..Step::cargo("tests", ["test", "--no-fail-fast"].into_iter().chain(scope).collect())
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
    let fuzzed = if arguments.is_empty() { Some(schemathesis::run()) } else { None };
    let proved = if arguments.is_empty() { Some(sealed::run()) } else { None };
    let missing = servers.missing.clone();
    if arguments.is_empty() {
        let mysql = servers.variables.iter().find(|(name, _)| *name == "HWAN_TEST_MYSQL_URL");
        judge(&mut tally, "midnight", midnight::run_as_test(mysql.map(|(_, url)| url.as_str())));
    }
    drop(servers);
    if arguments.is_empty() && missing.iter().all(|line| !line.contains("mysql")) {
        judge(&mut tally, "chaos", chaos::run_as_test(Half::Ledger));
        // Without Kafka it is missing by name already.
        if missing.iter().all(|line| !line.contains("kafka")) {
            judge(&mut tally, "pipeline", chaos::run_as_test(Half::Pipeline));
        }
    }
    close(tally, fuzzed, proved, &missing)
}

/// Counts a program that judges for itself as one test.
fn judge(tally: &mut Tally, name: &str, held: bool) {
    println!("test {name} ... {}", if held { "ok" } else { "FAILED" });
    tally.add(if held { Tally { passed: 1, ..Tally::default() } } else { Tally { failed: 1, ..Tally::default() } });
}

/// Runs the API against its own document, and nothing else.
pub(crate) fn run_schemathesis() -> Result<(), String> {
    close(Tally::default(), Some(schemathesis::run()), None, &[])
}

/// Proves sealed days by the engines that check them, and nothing else.
pub(crate) fn run_sealed() -> Result<(), String> {
    close(Tally::default(), None, Some(sealed::run()), &[])
}

/// Says how it went; `servers_missing` are those that tests were without, a line each.
fn close(
    mut tally: Tally,
    fuzzed: Option<schemathesis::Outcome>,
    proved: Option<sealed::Outcome>,
    servers_missing: &[String],
) -> Result<(), String> {
    if let Some(outcome) = fuzzed {
        tally.add(outcome.tally());
        println!("test schemathesis ... {outcome}");
    }
    if let Some(outcome) = proved {
        tally.add(outcome.tally());
        println!("test sealed days ... {outcome}");
    }
    for line in machine::missing().iter().chain(servers_missing) {
        println!("{line}");
    }
    let mut verdict = tally::verdict(tally, skips());
    if verdict.is_ok() && !servers_missing.is_empty() && skips() == Skips::Fail {
        verdict = Err("a server could not be brought up, which CI does not take");
    }
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
