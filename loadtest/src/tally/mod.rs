//! What a load counted: latencies and outcomes, over all and second by second. One per thread, added up at the end.

mod outcome;
mod timeline;

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use hdrhistogram::Histogram;

pub(crate) use self::{
    outcome::{Ended, Outcome},
    timeline::{Second, Timeline},
};
use crate::drive::Answered;

/// The longest latency that is told apart, in microseconds.
const LATENCY_US_MAX: u64 = 120_000_000;

/// Latencies of requests that executed an exchange, and how often each outcome was.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Of requests, to three digits. In an open loop from when the request was due.
    pub(crate) latency_us: Histogram<u64>,
    /// Of the quotes that were taken first.
    pub(crate) quote_us: Histogram<u64>,
    /// In an open loop: by how much the generator missed the time of requests that found a free connection.
    pub(crate) late_us: Histogram<u64>,
    /// In an open loop: what the others waited for a connection.
    pub(crate) queued_us: Histogram<u64>,
    /// In an open loop: arrivals that were never sent, since no connection was free until the end.
    pub(crate) unsent: u64,
    /// Exchanges executed within the window.
    pub(crate) executed: u64,
    /// Exchanges executed behind its end, from requests that were under way.
    pub(crate) executed_later: u64,
    /// Everything else, from the opening of the window on.
    pub(crate) others: BTreeMap<Outcome, u64>,
    pub(crate) timeline: Timeline,
}

/// A latency as it is recorded.
fn micros(latency: Duration) -> u64 {
    u64::try_from(latency.as_micros()).unwrap_or(LATENCY_US_MAX)
}

fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)?)
}

impl Tally {
    /// Empty, for a window of `duration`.
    pub(crate) fn new(duration: Duration) -> Result<Self> {
        Ok(Self {
            latency_us: histogram()?,
            quote_us: histogram()?,
            late_us: histogram()?,
            queued_us: histogram()?,
            unsent: 0,
            executed: 0,
            executed_later: 0,
            others: BTreeMap::new(),
            timeline: Timeline::new(duration)?,
        })
    }

    /// Counts what became of the exchanges of one request, and its latency if it executed any. `second` is that of the
    /// window in which the answer came; none behind its end.
    pub(crate) fn count(&mut self, answered: Answered, latency: Option<Duration>, second: Option<usize>) {
        let executed = answered.ended.executed;
        if executed > 0 {
            match second {
                Some(_) => self.executed += executed,
                None => self.executed_later += executed,
            }
            if let Some(latency) = latency {
                self.latency_us.saturating_record(micros(latency));
            }
            self.timeline.count(second, executed, latency.map(micros));
        }
        if let Some(quote) = answered.quote {
            self.quote_us.saturating_record(micros(quote));
        }
        for (outcome, count) in answered.ended.others {
            *self.others.entry(outcome).or_default() += count;
        }
    }

    /// Counts a request of an open loop that was sent `behind` its time by the generator's own fault.
    pub(crate) fn count_late(&mut self, behind: Duration) {
        self.late_us.saturating_record(micros(behind));
    }

    /// Counts a request of an open loop that waited for a free connection.
    pub(crate) fn count_queued(&mut self, waited: Duration) {
        self.queued_us.saturating_record(micros(waited));
    }

    /// Counts an arrival that waited until the window closed and was never sent: its latency is at least that.
    pub(crate) fn count_unsent(&mut self, waited: Duration) {
        self.unsent += 1;
        self.latency_us.saturating_record(micros(waited));
    }

    /// Takes over what another thread counted.
    pub(crate) fn add(&mut self, other: &Tally) -> Result<()> {
        self.latency_us.add(&other.latency_us)?;
        self.quote_us.add(&other.quote_us)?;
        self.late_us.add(&other.late_us)?;
        self.queued_us.add(&other.queued_us)?;
        self.unsent += other.unsent;
        self.executed += other.executed;
        self.executed_later += other.executed_later;
        for (outcome, count) in &other.others {
            *self.others.entry(outcome.clone()).or_default() += count;
        }
        self.timeline.add(&other.timeline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally() -> Tally {
        Tally::new(Duration::from_secs(2)).unwrap()
    }

    #[test]
    fn tallies_add_up() {
        let mut one = tally();
        let refused = || Outcome::Refused("limit_daily".into());
        one.count(Ended::all(Outcome::Executed, 1).into(), Some(Duration::from_millis(5)), Some(0));
        one.count(Ended::all(refused(), 1).into(), Some(Duration::from_millis(900)), Some(0));
        one.count(Ended::all(Outcome::Executed, 1).into(), Some(Duration::from_millis(7)), None);
        let mut two = one.clone();
        two.add(&one).unwrap();
        assert_eq!((two.executed, two.executed_later, two.others[&refused()]), (2, 2, 2));
        assert_eq!(two.latency_us.len(), 4, "only requests that executed something have a latency");
        assert!((6_990..=7_010).contains(&two.latency_us.max()));
    }

    #[test]
    fn a_batch_counts_its_exchanges_and_one_latency() {
        let mut tally = tally();
        let mut ended = Ended::all(Outcome::Executed, 98);
        ended.add(Outcome::Executed);
        ended.add(Outcome::Refused("dormant".into()));
        tally.count(ended.into(), Some(Duration::from_millis(5)), Some(1));
        assert_eq!((tally.executed, tally.latency_us.len()), (99, 1));
        assert_eq!(tally.others[&Outcome::Refused("dormant".into())], 1);
    }

    #[test]
    fn merged_histograms_have_the_percentiles_of_all_that_was_recorded() {
        let (mut all, mut parts) = (tally(), [tally(), tally(), tally()]);
        for number in 0..30_000_u64 {
            let latency = Some(Duration::from_micros(number * number % 50_000));
            all.count(Ended::all(Outcome::Executed, 1).into(), latency, Some(0));
            parts[number as usize % 3].count(Ended::all(Outcome::Executed, 1).into(), latency, Some(0));
        }
        let mut merged = tally();
        parts.iter().for_each(|part| merged.add(part).unwrap());
        assert_eq!(merged.latency_us, all.latency_us);
        assert_eq!(merged.timeline.seconds(), all.timeline.seconds());
    }

    #[test]
    fn an_arrival_that_was_never_sent_is_not_forgotten() {
        let mut tally = tally();
        tally.count(Ended::all(Outcome::Executed, 1).into(), Some(Duration::from_millis(1)), Some(0));
        tally.count_unsent(Duration::from_secs(1));
        assert_eq!((tally.unsent, tally.executed), (1, 1));
        assert!(tally.latency_us.max() >= 999_000);
    }
}
