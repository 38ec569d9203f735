//! The load generator of hwan: seeds customers, drives exchanges in a closed loop, looks at memory.
//!
//! `main` parses and calls. Loopback only, bounded in time, an exit code that says whether the run was good.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod batch;
mod cli;
mod customers;
mod key;
mod memory;
mod number;
mod procfs;
mod progress;
mod report;
mod run;
mod seed;
mod tally;
mod target;
mod worker;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let done = match cli::Cli::parse().command {
        cli::Command::Seed(arguments) => seed::seed(&arguments).map(|()| true),
        cli::Command::Run(arguments) => run::run(&arguments),
        cli::Command::Memory(arguments) => memory::memory(&arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE, // the report has said why
        Err(error) => {
            eprintln!("hwan-loadtest: {error:#}");
            ExitCode::from(2)
        }
    }
}
