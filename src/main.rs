//! The program `hwan`: parses the command line and calls.

use std::process::ExitCode;

use clap::Parser;
use hwan::cli::Cli;

// Messages are allocated on one thread and freed on another, where it is faster than the system's allocator by a third.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    Cli::parse().run()
}
