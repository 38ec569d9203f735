//! The window second by second: how many exchanges were executed, and at which latencies.
//!
//! A histogram of two digits a second, some 25 KiB; an hour of them at most.

use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;
use serde::Serialize;

/// One second of the window. Durations in microseconds; none where nothing was executed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Second {
    /// Counted from the opening of the window.
    pub(crate) second: usize,
    /// Exchanges executed.
    pub(crate) executed: u64,
    pub(crate) p50_us: Option<u64>,
    pub(crate) p99_us: Option<u64>,
    pub(crate) max_us: Option<u64>,
}

/// The seconds of a window.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    empty: Histogram<u32>,
    seconds: Vec<Place>,
}

/// What was counted in a second: exchanges, and latencies of requests. None where nothing was.
type Place = Option<(u64, Box<Histogram<u32>>)>;

impl Timeline {
    /// Of a window of `duration`.
    pub(super) fn new(duration: Duration) -> Result<Self> {
        let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
        let empty = Histogram::new_with_bounds(1, super::LATENCY_US_MAX, 2)?;
        Ok(Self { empty, seconds: vec![None; usize::try_from(whole)?] })
    }

    pub(super) fn count(&mut self, second: Option<usize>, executed: u64, latency_us: Option<u64>) {
        let Some(place) = second.and_then(|second| self.seconds.get_mut(second)) else { return };
        let (count, histogram) = place.get_or_insert_with(|| (0, Box::new(self.empty.clone())));
        *count += executed;
        if let Some(latency_us) = latency_us {
            histogram.saturating_record(latency_us);
        }
    }

    pub(super) fn add(&mut self, other: &Timeline) -> Result<()> {
        for (mine, theirs) in self.seconds.iter_mut().zip(&other.seconds) {
            match (mine, theirs) {
                (Some((count, histogram)), Some((more, others))) => {
                    *count += more;
                    histogram.add(others.as_ref())?;
                }
                (mine @ None, theirs) => mine.clone_from(theirs),
                (Some(_), None) => {}
            }
        }
        Ok(())
    }

    /// The 99th percentile of a second, if anything was executed in it.
    pub(crate) fn p99_us(&self, second: usize) -> Option<u64> {
        let (_, histogram) = self.seconds.get(second)?.as_ref()?;
        Some(histogram.value_at_quantile(0.99))
    }

    /// The 99th percentile of several seconds together, if anything was executed in them.
    pub(crate) fn p99_us_of(&self, seconds: impl Iterator<Item = usize>) -> Result<Option<u64>> {
        let mut all = self.empty.clone();
        for (_, histogram) in seconds.filter_map(|second| self.seconds.get(second)?.as_ref()) {
            all.add(histogram.as_ref())?;
        }
        Ok((!all.is_empty()).then(|| all.value_at_quantile(0.99)))
    }

    /// All of it.
    pub(crate) fn seconds(&self) -> Vec<Second> {
        let of_place = |(second, place): (usize, &Place)| {
            let Some((executed, histogram)) = place else { return Second { second, ..Second::default() } };
            let at = |quantile| (!histogram.is_empty()).then(|| histogram.value_at_quantile(quantile));
            Second { second, executed: *executed, p50_us: at(0.5), p99_us: at(0.99), max_us: at(1.0) }
        };
        self.seconds.iter().enumerate().map(of_place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_in_which_nothing_was_executed_is_shown_as_such() {
        let mut timeline = Timeline::new(Duration::from_millis(2_500)).unwrap();
        timeline.count(Some(0), 10, Some(1_000));
        timeline.count(Some(2), 1, Some(5_000));
        timeline.count(None, 1, Some(9_000));
        timeline.count(Some(3), 1, Some(9_000));
        let seconds = timeline.seconds();
        assert_eq!(seconds.iter().map(|second| second.executed).collect::<Vec<_>>(), [10, 0, 1]);
        assert_eq!((seconds[1].p99_us, timeline.p99_us(1), timeline.p99_us(9)), (None, None, None));
        assert!(seconds[2].p50_us.is_some_and(|us| (4_950..=5_050).contains(&us)));
    }
}
