//! The front door of hwan's chores: `cargo xtask test`, `schemathesis`, `sealed`, `services`, `chaos`,
//! `check`, `ci`.
//!
//! Standard library only, so that it builds in a second and shares no dependency with the workspace under other
//! features. Each chore runs its steps as children, passes its output through as it comes, and says that it is alive when
//! a step is silent. Called by people and by `.ci/run`; nothing in hwan calls it.

mod chaos;
mod checks;
mod machine;
mod midnight;
mod programs;
mod schemathesis;
mod sealed;
mod server;
mod services;
mod step;
mod tally;
mod test_run;

use std::process::ExitCode;

const HELP: &str = "\
hwan's chores

Usage: cargo xtask <COMMAND>

Commands:
  test          Runs all tests of the workspace against MySQL, MariaDB, Redis and Kafka, which it
                brings up and takes along at its end, then schemathesis and sealed; the last line says
                `N passed, N failed, N skipped`. Exits 1 when a test failed, when nothing ran,
                and, with CI=true, when a test was skipped or a server could not be brought
                up. What follows goes to cargo test,
                and neither of the two runs then: `cargo xtask test -- -p hwan-domain`.
  schemathesis  Starts hwan on a fresh directory and tests its API against its own OpenAPI
                document with thousands of generated requests. Counts as one test. Needs
                Python 3.10 or newer with venv and pip, and installs the pinned schemathesis
                into target/schemathesis/venv the first time.
  sealed        Exports sealed days of a small ledger and proves them by Spark and by DuckDB, whole
                and with planted damage. Counts as one test. Needs Python as above and Java 17,
                and installs the pinned engines into target/sealed/venv the first time.
  services      Brings up, shows, stops and throws away the servers that tests and measurements
                use: MySQL, MariaDB, Redis, Kafka. `cargo xtask services --help` says more.
  chaos         Builds hwan and its crash tests, and runs them against a real MySQL: faults
                under load, then a judgement of everything that was acknowledged. One round
                as CI runs it; `--minutes N`, `--seed N`, `--only FAULT`, `--help`.
  check         Formatting, clippy with warnings as errors, documentation with warnings as
                errors, and deny.toml where cargo-deny is installed.
  ci            check, then test.
  help          Prints this.

All of it works offline once the dependencies and servers are fetched, and writes nothing outside target/.
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next();
    let rest: Vec<String> = arguments.skip_while(|argument| argument == "--").collect();
    let done = match (command.as_deref(), rest.is_empty()) {
        (Some("test"), _) => test_run::run(&rest),
        (Some("schemathesis"), true) => test_run::run_schemathesis(),
        (Some("sealed"), true) => test_run::run_sealed(),
        (Some("services"), _) => services::run(&rest),
        (Some("chaos"), _) => chaos::run(&rest),
        (Some("check"), true) => checks::run(),
        (Some("ci"), true) => checks::run().and_then(|()| test_run::run(&rest)),
        (Some("help" | "--help" | "-h"), _) => {
            print!("{HELP}");
            Ok(())
        }
        (None, _) => Err(format!("no command given\n\n{HELP}")),
        (Some(other), _) => Err(format!("unknown command or arguments: {other} {}\n\n{HELP}", rest.join(" "))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // A failed test run has said its closing line already: nothing may follow it.
        Err(reason) if reason.is_empty() => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}
