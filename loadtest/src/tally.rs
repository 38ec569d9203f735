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

/// Latencies of executed exchanges, and how often each outcome was.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    pub(crate) latency_us: Histogram<u64>,
    pub(crate) executed: u64,
    pub(crate) others: BTreeMap<Outcome, u64>,
}

impl Tally {
    /// Empty. Three significant digits.
    pub(crate) fn new() -> Result<Self> {
        let latency_us = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)?;
        Ok(Self { latency_us, executed: 0, others: BTreeMap::new() })
    }

    /// Counts one.
    pub(crate) fn count(&mut self, outcome: Outcome, latency: Duration) {
        if outcome == Outcome::Executed {
            self.executed += 1;
            self.latency_us.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(LATENCY_US_MAX));
        } else {
            *self.others.entry(outcome).or_default() += 1;
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
        one.count(Outcome::Executed, Duration::from_millis(5));
        one.count(Outcome::Refused("limit_daily".into()), Duration::from_millis(900));
        let mut two = one.clone();
        two.add(&one).unwrap();
        assert_eq!((two.executed, two.others[&Outcome::Refused("limit_daily".into())]), (2, 2));
        assert_eq!(two.latency_us.len(), 2, "only executed exchanges have a latency");
        assert!((4_990..=5_010).contains(&two.latency_us.max()));
    }
}
