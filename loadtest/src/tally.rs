//! What a run counted: latencies and outcomes. One per thread, added up at the end.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use hdrhistogram::Histogram;

/// The longest latency that is told apart, in microseconds.
const LATENCY_US_MAX: u64 = 120_000_000;

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Executed and answered with 201.
    Executed,
    /// A replay, although every key is new.
    Replayed,
    /// Refused with this code.
    Refused(String),
    /// The connection failed, or the deadline passed.
    Connection(String),
    /// An answer that is not hwan's.
    Foreign(String),
}

impl Outcome {
    /// What it is called in the report.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Executed => "executed".to_owned(),
            Self::Replayed => "replayed".to_owned(),
            Self::Refused(code) => code.clone(),
            Self::Connection(kind) => format!("connection: {kind}"),
            Self::Foreign(reason) => format!("foreign answer: {reason}"),
        }
    }
}

/// How the exchanges of one request ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) executed: u64,
    /// Empty, and without allocation, where all were executed.
    pub(crate) others: Vec<(Outcome, u64)>,
}

impl Ended {
    /// All of `exchanges` ended alike.
    pub(crate) fn all(outcome: Outcome, exchanges: u64) -> Self {
        if outcome == Outcome::Executed {
            Self { executed: exchanges, others: Vec::new() }
        } else {
            Self { executed: 0, others: vec![(outcome, exchanges)] }
        }
    }

    /// Counts one more.
    pub(crate) fn add(&mut self, outcome: Outcome) {
        if outcome == Outcome::Executed {
            self.executed += 1;
        } else {
            self.others.push((outcome, 1));
        }
    }
}

/// Latencies of requests that executed an exchange, and how often each outcome was.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    pub(crate) latency_us: Histogram<u64>,
    /// Executed exchanges: as many as requests, or as their batches held.
    pub(crate) executed: u64,
    pub(crate) others: BTreeMap<Outcome, u64>,
}

impl Tally {
    /// Empty. Three significant digits.
    pub(crate) fn new() -> Result<Self> {
        let latency_us = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)?;
        Ok(Self { latency_us, executed: 0, others: BTreeMap::new() })
    }

    /// Counts what became of the exchanges of one request, and the latency of the request if it executed any.
    pub(crate) fn count(&mut self, ended: Ended, latency: Duration) {
        if ended.executed > 0 {
            self.executed += ended.executed;
            self.latency_us.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(LATENCY_US_MAX));
        }
        for (outcome, count) in ended.others {
            *self.others.entry(outcome).or_default() += count;
        }
    }

    /// Takes over what another thread counted.
    pub(crate) fn add(&mut self, other: &Tally) -> Result<()> {
        self.latency_us.add(&other.latency_us)?;
        self.executed += other.executed;
        for (outcome, count) in &other.others {
            *self.others.entry(outcome.clone()).or_default() += count;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up() {
        let mut one = Tally::new().unwrap();
        let refused = || Outcome::Refused("limit_daily".into());
        one.count(Ended::all(Outcome::Executed, 1), Duration::from_millis(5));
        one.count(Ended::all(refused(), 1), Duration::from_millis(900));
        let mut two = one.clone();
        two.add(&one).unwrap();
        assert_eq!((two.executed, two.others[&refused()]), (2, 2));
        assert_eq!(two.latency_us.len(), 2, "only requests that executed something have a latency");
        assert!((4_990..=5_010).contains(&two.latency_us.max()));
    }

    #[test]
    fn a_batch_counts_its_exchanges_and_one_latency() {
        let mut tally = Tally::new().unwrap();
        let mut ended = Ended::all(Outcome::Executed, 98);
        ended.add(Outcome::Executed);
        ended.add(Outcome::Refused("dormant".into()));
        tally.count(ended, Duration::from_millis(5));
        assert_eq!((tally.executed, tally.latency_us.len()), (99, 1));
        assert_eq!(tally.others[&Outcome::Refused("dormant".into())], 1);
    }
}
