//! `cargo xtask check`: what must hold before a test is worth running.

use crate::{
    machine,
    step::{self, Step},
};

/// Runs every check; stops at the first that fails.
pub(crate) fn run() -> Result<(), String> {
    let steps = [
        Step::cargo("formatting", vec!["fmt", "--all", "--check"]),
        Step::cargo("clippy", vec!["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]),
        Step {
            environment: vec![("RUSTDOCFLAGS", "-D warnings")],
            ..Step::cargo(
                "documentation",
                // Of the libraries and of the binaries that are no namesake of a library. Naming the examples brings in
                // the development dependencies, and so the very features that clippy and the tests have: without it
                // fifty dependencies are compiled once more.
                [
                    ["doc", "--workspace", "--no-deps", "--all-features", "--document-private-items"].as_slice(),
                    &["--lib", "--bin", "xtask", "--bin", "hwan-loadtest", "--examples"],
                ]
                .concat(),
            )
        },
    ];
    for step in &steps {
        good(step)?;
    }
    if machine::runs(&step::cargo(), &["deny", "--version"]) {
        // Advisories need a download: they are not part of a check that works offline.
        let arguments = vec!["deny", "--offline", "check", "bans", "licenses", "sources"];
        good(&Step::cargo("policy of dependencies", arguments))?;
    } else {
        println!("cargo-deny is not installed: deny.toml was not applied");
    }
    println!("all checks are good");
    Ok(())
}

fn good(step: &Step<'_>) -> Result<(), String> {
    if step.run(|_, _| ())? { Ok(()) } else { Err(format!("{} failed: see above", step.name)) }
}
