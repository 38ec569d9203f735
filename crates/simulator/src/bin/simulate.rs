//! Replays a seed and tells its story, or runs many: `simulate --seed 42`, `simulate --seed 42 --sequences 1000`.

use std::process::ExitCode;

use clap::Parser;
use hwan_simulator::{counts::Counts, in_still_time, run};

/// Random sequences of commands against a naive ledger.
#[derive(Debug, Parser)]
struct Arguments {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds from there on; of one alone the whole story is told if it fails.
    #[arg(long, default_value_t = 1)]
    sequences: u64,
    /// Print the engine's log.
    #[arg(long)]
    log: bool,
}

fn main() -> ExitCode {
    let Arguments { seed, sequences, log } = Arguments::parse();
    if log {
        tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG).init();
    }
    let failed = in_still_time(async move {
        let (mut counts, mut failed) = (Counts::default(), 0_u64);
        for seed in seed..seed.saturating_add(sequences) {
            match run(seed).await {
                Ok(more) => counts.merge(&more),
                Err(failure) => {
                    failed += 1;
                    match sequences {
                        1 => println!("{failure}"),
                        _ => println!("seed {}: {}", failure.seed, failure.wrong),
                    }
                }
            }
        }
        println!("{counts}{failed:>10}  failed of {sequences}");
        failed
    });
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
