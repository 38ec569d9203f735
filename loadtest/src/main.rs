//! The load generator of hwan: seeds customers, drives exchanges in a closed or an open loop, compares with the other ways
//! to do the same work, looks at memory.
//!
//! `main` parses and calls. Loopback only, bounded in time, an exit code that says whether the run was good.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod baseline;
mod cli;
mod compare;
mod customers;
mod drive;
mod http;
mod in_process;
mod key;
mod memory;
mod midnight;
mod number;
mod procfs;
mod progress;
mod report;
mod run;
mod seed;
mod started;
mod tally;
mod workload;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let done = match cli::Cli::parse().command {
        cli::Command::Seed(arguments) => seed::seed(&arguments).map(|()| true),
        cli::Command::Run(arguments) => run::run(&arguments),
        cli::Command::Baseline(arguments) => baseline::baseline(&arguments),
        cli::Command::Compare(arguments) => compare::compare(&arguments),
        cli::Command::Midnight(arguments) => midnight::midnight(&arguments),
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
