//! The number of connections at which an alternative does best.

use std::time::Duration;

use anyhow::{Context, Result};

use super::Bench;
use crate::{
    drive::{CpuReader, Loop, Plan},
    number::{grouped, per_second},
};

/// What is tried.
const CONNECTIONS: [u16; 7] = [1, 2, 4, 8, 16, 32, 64];
const WARMUP: Duration = Duration::from_secs(2);

/// Tries all of them for `duration` each, in a closed loop, each on a fresh database; the best, and a line about each.
pub(crate) fn best(bench: &Bench, duration: Duration) -> Result<(u16, Vec<String>)> {
    let mut rates = Vec::new();
    for connections in CONNECTIONS {
        let plan = Plan {
            pace: Loop::Closed,
            exchanges_per_request: 1,
            connections,
            threads: 1,
            ramp: Duration::ZERO,
            warmup: WARMUP,
            duration,
        };
        let (driven, _) = bench.drive(&plan, &mut CpuReader::new(None, None))?;
        let rate = per_second(driven.tally.executed, u64::try_from(duration.as_micros())?);
        eprintln!("... {connections} connections: {} exchanges/s", grouped(rate));
        rates.push((connections, rate));
    }
    let best = best_of(&rates).context("nothing was tried")?;
    let tried: Vec<String> =
        rates.iter().map(|(connections, rate)| format!("{connections}: {}", grouped(*rate))).collect();
    Ok((best, vec![format!("sweep, exchanges/s by connections: {}", tried.join(", "))]))
}

/// The connections of the highest rate; the fewest of several.
fn best_of(rates: &[(u16, u64)]) -> Option<u16> {
    rates.iter().max_by_key(|(connections, rate)| (*rate, u16::MAX - connections)).map(|(connections, _)| *connections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_rate_is_the_best_and_fewer_connections_are() {
        assert_eq!(best_of(&[(1, 100), (8, 300), (16, 300), (64, 200)]), Some(8));
        assert_eq!(best_of(&[]), None);
    }
}
