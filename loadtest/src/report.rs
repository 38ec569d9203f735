//! The result of a run: as a table, as JSON, and whether it is good.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{number, tally::Tally};

/// What a run found. All durations in integer microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RunReport {
    /// Exchanges in a request; a request of their own without.
    pub(crate) batch: Option<u16>,
    pub(crate) connections: u16,
    pub(crate) threads: u16,
    pub(crate) customers: usize,
    /// How long was measured.
    pub(crate) measured_us: u64,
    /// Executed exchanges.
    pub(crate) executed: u64,
    /// Requests that executed an exchange.
    pub(crate) requests: u64,
    pub(crate) exchanges_per_second: u64,
    pub(crate) latency_us: Latency,
    /// Everything else, by name.
    pub(crate) other_outcomes: BTreeMap<String, u64>,
    /// CPU of the server while measuring, if its process was named.
    pub(crate) server_cpu_us: Option<u64>,
    /// CPU of the generator while measuring.
    pub(crate) client_cpu_us: u64,
}

/// Percentiles of requests that executed an exchange, from just before sending to the whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
}

impl Latency {
    /// Of a tally.
    pub(crate) fn of(tally: &Tally) -> Self {
        let at = |quantile| tally.latency_us.value_at_quantile(quantile);
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: tally.latency_us.max() }
    }
}

/// What a run must reach.
#[derive(Clone, Debug, Default)]
pub(crate) struct Thresholds {
    pub(crate) min_rate: Option<u64>,
    pub(crate) max_p99_ms: Option<u64>,
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
        if let Some(max) = thresholds.max_p99_ms.filter(|max| self.latency_us.p99 > max.saturating_mul(1_000)) {
            faults.push(format!("p99 {} ms, above {max}", number::millis(self.latency_us.p99)));
        }
        for (outcome, count) in &self.other_outcomes {
            if !thresholds.expect.contains(outcome) {
                faults.push(format!("{count} times an outcome that was not expected: {outcome}"));
            }
        }
        faults
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let Latency { p50, p90, p99, p999, max } = self.latency_us;
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "{name:<14} {value}"); // a String takes everything
        };
        let customers = u64::try_from(self.customers).unwrap_or(u64::MAX);
        line(
            "closed loop",
            format!(
                "{}{} connections, {} client threads, {} customers, {} s",
                self.batch.map_or(String::new(), |batch| format!("batches of {batch}, ")),
                self.connections,
                self.threads,
                number::grouped(customers),
                number::millis(self.measured_us / 1_000)
            ),
        );
        line("exchanges/s", number::grouped(self.exchanges_per_second));
        line(
            if self.batch.is_some() { "batch ms" } else { "latency ms" },
            [("p50", p50), ("p90", p90), ("p99", p99), ("p99.9", p999), ("max", max)]
                .map(|(name, micros)| format!("{name} {}", number::millis(micros)))
                .join("  "),
        );
        line("executed", number::grouped(self.executed));
        if self.batch.is_some() {
            line("batches", number::grouped(self.requests));
        }
        for (outcome, count) in &self.other_outcomes {
            line("other", format!("{} {outcome}", number::grouped(*count)));
        }
        let cpu = |micros: u64| {
            let each_ns = micros.saturating_mul(1_000).checked_div(self.executed).unwrap_or(0);
            format!("{} s, {} µs an exchange", number::millis(micros / 1_000), number::millis(each_ns))
        };
        line("server cpu", self.server_cpu_us.map_or("not measured: give --server-pid".to_owned(), cpu));
        line("client cpu", cpu(self.client_cpu_us));
        text
    }
}

/// Writes a result as JSON.
pub(crate) fn write_json(path: &Path, result: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(result)? + "\n";
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> RunReport {
        RunReport {
            batch: None,
            connections: 256,
            threads: 1,
            customers: 100_000,
            measured_us: 30_000_000,
            executed: 360_000,
            requests: 360_000,
            exchanges_per_second: 12_000,
            latency_us: Latency { p50: 20_000, p90: 30_000, p99: 45_000, p999: 60_000, max: 90_000 },
            other_outcomes: BTreeMap::new(),
            server_cpu_us: Some(36_000_000),
            client_cpu_us: 3_000_000,
        }
    }

    #[test]
    fn a_run_is_good_within_its_thresholds_and_only_then() {
        let thresholds = |min_rate, max_p99_ms| Thresholds { min_rate, max_p99_ms, expect: vec![] };
        assert_eq!(report().faults(&thresholds(Some(12_000), Some(45))), Vec::<String>::new());
        assert_eq!(report().faults(&thresholds(Some(12_001), None)).len(), 1);
        assert_eq!(report().faults(&thresholds(None, Some(44))).len(), 1);
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
    fn the_table_says_cost_per_exchange() {
        let table = report().table();
        assert!(table.contains("36.000 s, 100.000 µs an exchange"), "{table}");
        assert!(table.contains("3.000 s, 8.333 µs an exchange"), "{table}");
        let table = RunReport { batch: Some(100), requests: 3_600, ..report() }.table();
        assert!(table.contains("batches of 100, 256 connections") && table.contains("batches        3,600"), "{table}");
    }
}
