//! `cargo xtask check`: what must hold before a test is worth running.

use crate::{
    machine,
    step::{self, Step},
};

/// Runs every check; stops at the first that fails.
pub(crate) fn run() -> Result<(), String> {
    let steps = [
        Step { name: "formatting", arguments: vec!["fmt", "--all", "--check"], environment: vec![] },
        Step {
            name: "clippy",
            arguments: vec!["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"],
            environment: vec![],
        },
        Step {
            name: "documentation",
            // Of the libraries and of the binaries that are no namesake of a library. Naming the examples brings in
            // the development dependencies, and so the very features that clippy and the tests have: without it
            // fifty dependencies are compiled once more.
            arguments: [
                ["doc", "--workspace", "--no-deps", "--all-features", "--document-private-items"].as_slice(),
                &["--lib", "--bin", "xtask", "--bin", "hwan-loadtest", "--examples"],
            ]
            .concat(),
            environment: vec![("RUSTDOCFLAGS", "-D warnings")],
        },
    ];
    for step in &steps {
        good(step)?;
    }
    if machine::runs(&step::cargo(), &["deny", "--version"]) {
        // Advisories need a download: they are not part of a check that works offline.
        good(&Step {
            name: "policy of dependencies",
            arguments: vec!["deny", "--offline", "check", "bans", "licenses", "sources"],
            environment: vec![],
        })?;
    } else {
        println!("cargo-deny is not installed: deny.toml was not applied");
    }
    println!("all checks are good");
    Ok(())
}

fn good(step: &Step<'_>) -> Result<(), String> {
    if step.run(|_, _| ())? { Ok(()) } else { Err(format!("{} failed: see above", step.name)) }
}
