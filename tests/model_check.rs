//! The actors against a naive single-threaded ledger: random sequences of commands on a store that fails, each replayed
//! and every answer judged. A sequence is a function of its seed:
//! `cargo run -p hwan-simulator --bin simulate -- --seed N` tells the story of one.
#![allow(clippy::expect_used, reason = "tests: a panic is a failure")]

use std::time::Instant;

use hwan_simulator::{counts::Counts, in_still_time, report::Failure, run};

const FIRST_SEED: u64 = 20_261_123;
const SEQUENCES: u64 = 20_000;

/// What must have happened at least this often in a thousand sequences, or the test no longer tests it.
const HAPPENED_PER_THOUSAND: [(&str, u64); 36] = [
    ("answer: executed", 15_000),
    ("answer: rejected", 5_000),
    ("answer: replayed", 800),
    ("answer: not done", 1_000),
    ("answer: unknown", 2),
    ("answer: overloaded", 100),
    ("answer: key refused", 800),
    ("answer: read", 700),
    ("answer: quoted", 200),
    ("hung up", 500),
    ("hydrated", 2_000),
    ("hydrated after passivation", 150),
    ("keys looked up", 3_000),
    ("engine started anew: a lane had stopped", 20),
    ("engine started anew: two owners", 100),
    ("fault: commit not done", 150),
    ("fault: commits not done for long", 40),
    ("fault: unknown, committed", 80),
    ("fault: unknown, lost", 80),
    ("fault: fenced by another owner", 15),
    ("fault: customer not read", 80),
    ("fault: lane not taken", 30),
    ("insufficient_balance", 800),
    ("limit_daily", 50),
    ("quote_used", 5),
    ("seized", 10),
    ("reversed", 60),
    ("reversed to suspense", 1),
    ("already_reversed", 8),
    ("exchange_not_found", 80),
    ("closed", 30),
    ("account_not_empty", 120),
    ("version_mismatch", 5),
    ("executed for a confined caller", 500),
    ("not there for a confined caller", 2_000),
    ("answer: tried", 150),
];

#[test]
fn twenty_thousand_random_sequences_are_what_one_thread_would_have_done() {
    let begun = Instant::now();
    let counts = in_still_time(async {
        let mut counts = Counts::default();
        for seed in FIRST_SEED..FIRST_SEED + SEQUENCES {
            counts.merge(&run(seed).await?);
        }
        Ok::<_, Failure>(counts)
    });
    let counts = counts.unwrap_or_else(|failure| panic!("{failure}"));
    println!("{SEQUENCES} sequences from seed {FIRST_SEED} in {:.1?}\n{counts}", begun.elapsed());
    for (what, least) in HAPPENED_PER_THOUSAND {
        let least = least * SEQUENCES / 1_000;
        assert!(counts.of(what) >= least, "{what}: {} times, at least {least} were to be expected", counts.of(what));
    }
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    let story = || in_still_time(async { run(FIRST_SEED).await.expect("a sequence that holds").to_string() });
    assert_eq!(story(), story());
}
