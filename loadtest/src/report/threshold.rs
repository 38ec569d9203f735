//! What a load must reach, and everything in which it fell short. In integers: no float decides it.

use super::RunReport;
use crate::number;

/// What a load must reach. Latencies in microseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Thresholds {
    /// Exchanges a second until all work was done.
    pub(crate) min_rate: Option<u64>,
    pub(crate) max_p50_us: Option<u64>,
    pub(crate) max_p90_us: Option<u64>,
    pub(crate) max_p99_us: Option<u64>,
    pub(crate) max_p999_us: Option<u64>,
    pub(crate) max_us: Option<u64>,
    /// Codes that are no failure.
    pub(crate) expect: Vec<String>,
}

impl RunReport {
    /// Everything that is not good.
    pub(crate) fn faults(&self, thresholds: &Thresholds) -> Vec<String> {
        let mut faults = Vec::new();
        if self.executed == 0 {
            faults.push("no exchange was executed".to_owned());
        }
        if let Some(min) = thresholds.min_rate.filter(|min| self.exchanges_per_second < *min) {
            faults.push(format!("{} exchanges/s, below {min}", self.exchanges_per_second));
        }
        for (name, found, max) in [
            ("p50", self.latency_us.p50, thresholds.max_p50_us),
            ("p90", self.latency_us.p90, thresholds.max_p90_us),
            ("p99", self.latency_us.p99, thresholds.max_p99_us),
            ("p99.9", self.latency_us.p999, thresholds.max_p999_us),
            ("max", self.latency_us.max, thresholds.max_us),
        ] {
            if let Some(max) = max.filter(|max| found > *max) {
                faults.push(format!("{name} {} ms, above {}", number::millis(found), number::millis(max)));
            }
        }
        if let Some(unsent) = self.open_loop.map(|open| open.unsent).filter(|unsent| *unsent > 0) {
            faults.push(format!("{unsent} requests were due and never sent: the rate was not kept"));
        }
        for (outcome, count) in &self.other_outcomes {
            if !thresholds.expect.contains(outcome) {
                faults.push(format!("{count} times an outcome that was not expected: {outcome}"));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{
        super::{Latency, OpenLoop, tests::report},
        *,
    };

    #[test]
    fn a_run_is_good_within_its_thresholds_and_only_then() {
        let good = Thresholds {
            min_rate: Some(11_500),
            max_p50_us: Some(20_000),
            max_p90_us: Some(30_000),
            max_p99_us: Some(45_000),
            max_p999_us: Some(60_000),
            max_us: Some(90_000),
            expect: vec![],
        };
        assert_eq!(report().faults(&good), Vec::<String>::new());
        for missed in [
            Thresholds { min_rate: Some(11_501), ..good.clone() },
            Thresholds { max_p50_us: Some(19_999), ..good.clone() },
            Thresholds { max_p90_us: Some(29_999), ..good.clone() },
            Thresholds { max_p99_us: Some(44_999), ..good.clone() },
            Thresholds { max_p999_us: Some(59_999), ..good.clone() },
            Thresholds { max_us: Some(89_999), ..good.clone() },
        ] {
            assert_eq!(report().faults(&missed).len(), 1, "{missed:?}");
        }
        assert_eq!(RunReport { executed: 0, ..report() }.faults(&Thresholds::default()).len(), 1);
    }

    #[test]
    fn an_outcome_that_was_not_expected_is_a_fault() {
        let other_outcomes = BTreeMap::from([("limit_daily".to_owned(), 3)]);
        let report = RunReport { other_outcomes, ..report() };
        assert_eq!(report.faults(&Thresholds::default()).len(), 1);
        assert!(report.faults(&Thresholds { expect: vec!["limit_daily".into()], ..Thresholds::default() }).is_empty());
    }

    #[test]
    fn a_rate_that_was_not_kept_is_a_fault() {
        let none = Latency::default();
        let open = |unsent| Some(OpenLoop { queued: 5, queued_us: none, late_us: none, unsent });
        assert!(RunReport { open_loop: open(0), ..report() }.faults(&Thresholds::default()).is_empty());
        assert_eq!(RunReport { open_loop: open(1), ..report() }.faults(&Thresholds::default()).len(), 1);
    }
}
