//! The result of a comparison: the median of each target, the ratios, and whether they are as they shall be.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use super::ratio::{median_place, ratio_hundredths, times};
use crate::{
    cli::{BaselineKind, ResultArguments},
    number::{grouped, millis},
    report::{RunReport, Thresholds, html, write_json, write_text},
};

/// All rounds, as they come.
#[derive(Debug)]
pub(super) struct Comparison {
    rounds: u8,
    runs: Vec<(Option<BaselineKind>, Vec<RunReport>)>,
}

/// A target with its rounds.
#[derive(Clone, Debug, Serialize)]
struct Entry {
    target: String,
    #[serde(skip)]
    kind: Option<BaselineKind>,
    /// Exchanges a second of each round, in order.
    exchanges_per_second: Vec<u64>,
    /// How many times as fast the engine is, in hundredths; of the alternatives.
    engine_ratio_hundredths: Option<u64>,
    /// The round of the median.
    median: RunReport,
    /// What is to be said about any round.
    faults: Vec<String>,
}

/// The result.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Compared {
    rounds: u8,
    entries: Vec<Entry>,
}

impl Comparison {
    pub(super) fn new(rounds: u8) -> Self {
        Self { rounds, runs: Vec::new() }
    }

    /// Adds a round of a target; the engine has no kind.
    pub(super) fn add(&mut self, kind: Option<BaselineKind>, report: RunReport) {
        match self.runs.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, reports)) => reports.push(report),
            None => self.runs.push((kind, vec![report])),
        }
    }

    /// Medians and ratios.
    pub(super) fn compared(self) -> Compared {
        let entry = |(kind, reports): (Option<BaselineKind>, Vec<RunReport>)| {
            let rates: Vec<u64> = reports.iter().map(|report| report.exchanges_per_second).collect();
            let faults = reports.iter().flat_map(|report| report.faults(&Thresholds::default())).collect();
            let median = reports.into_iter().nth(median_place(&rates)?)?;
            let target = median.target.clone();
            Some(Entry { target, kind, exchanges_per_second: rates, engine_ratio_hundredths: None, median, faults })
        };
        let mut entries: Vec<Entry> = self.runs.into_iter().filter_map(entry).collect();
        let engine = entries.iter().find(|entry| entry.kind.is_none()).map(|entry| entry.median.exchanges_per_second);
        for entry in entries.iter_mut().filter(|entry| entry.kind.is_some()) {
            entry.engine_ratio_hundredths =
                engine.and_then(|engine| ratio_hundredths(engine, entry.median.exchanges_per_second));
        }
        Compared { rounds: self.rounds, entries }
    }
}

const HEADING: [&str; 8] =
    ["target", "connections", "exchanges/s", "rounds", "p50 ms", "p99 ms", "store µs", "engine is faster"];

impl Compared {
    fn rows(&self) -> Vec<Vec<String>> {
        let row = |entry: &Entry| {
            let median = &entry.median;
            let rounds: Vec<String> = entry.exchanges_per_second.iter().map(|rate| grouped(*rate)).collect();
            let store_us = median.cpu.store_us.and_then(|taken| taken.checked_div(median.executed));
            vec![
                entry.target.clone(),
                median.settings.connections.to_string(),
                grouped(median.exchanges_per_second),
                rounds.join(" "),
                millis(median.latency_us.p50),
                millis(median.latency_us.p99),
                store_us.map_or("-".to_owned(), |us| us.to_string()),
                entry.engine_ratio_hundredths.map_or(String::new(), |ratio| format!("{} times", times(ratio))),
            ]
        };
        self.entries.iter().map(row).collect()
    }

    /// Everything that is not as it shall be. Ratios in hundredths.
    fn faults(&self, min_rate: Option<u64>, min_ratios: &[(BaselineKind, u64)]) -> Vec<String> {
        let mut faults = Vec::new();
        for entry in &self.entries {
            faults.extend(entry.faults.iter().map(|fault| format!("{}: {fault}", entry.target)));
            let rate = entry.median.exchanges_per_second;
            if let Some(min) = min_rate.filter(|min| entry.kind.is_none() && rate < *min) {
                faults.push(format!("{}: {rate} exchanges/s, below {min}", entry.target));
            }
        }
        for (kind, min) in min_ratios {
            let entry = self.entries.iter().find(|entry| entry.kind == Some(*kind));
            match entry.and_then(|entry| entry.engine_ratio_hundredths) {
                Some(ratio) if ratio >= *min => {}
                Some(ratio) => {
                    faults.push(format!("{} times as fast as {}, below {}", times(ratio), kind.name(), times(*min)));
                }
                None => faults.push(format!("{} was not compared", kind.name())),
            }
        }
        faults
    }

    fn how(&self) -> String {
        let how = self.entries.first().map_or(String::new(), |entry| entry.median.how());
        let machine = self.entries.first().map_or("", |entry| entry.median.machine.as_str());
        format!("medians of {} rounds; {how}; {machine}", self.rounds)
    }

    fn table(&self) -> String {
        let rows: Vec<Vec<String>> = std::iter::once(HEADING.map(str::to_owned).to_vec()).chain(self.rows()).collect();
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..HEADING.len()).map(width).collect();
        let mut text = String::new();
        for row in &rows {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            let _ = writeln!(text, "{}", cells.join("  ").trim_end()); // a String takes everything
        }
        text + &self.how() + "\n"
    }

    fn html(&self, faults: &[String]) -> String {
        let medians: Vec<&RunReport> = self.entries.iter().map(|entry| &entry.median).collect();
        let faults: Vec<Vec<String>> = faults.iter().map(|fault| vec!["not good".to_owned(), fault.clone()]).collect();
        let remarks: Vec<Vec<String>> = self
            .entries
            .iter()
            .flat_map(|entry| entry.median.remarks.iter().map(|remark| vec![entry.target.clone(), remark.clone()]))
            .collect();
        let inside = [
            html::table(&HEADING, &self.rows()),
            html::table(&[], &faults),
            "<h2>Throughput of the median rounds</h2>\n".to_owned(),
            html::throughput_plot(&medians),
            "<h2>Latency of the median rounds</h2>\n".to_owned(),
            html::percentile_plot(&medians),
            "<h2>Remarks</h2>\n".to_owned(),
            html::table(&[], &remarks),
        ];
        html::page("hwan and its alternatives", &self.how(), &inside.concat())
    }

    /// Shows the result and writes it where it shall go; whether it is good.
    pub(super) fn publish(
        &self,
        result: &ResultArguments,
        min_rate: Option<u64>,
        min_ratios: &[(BaselineKind, u64)],
    ) -> Result<bool> {
        print!("{}", self.table());
        if self.entries.iter().any(|entry| entry.median.short_run) {
            println!("short run: below 60 s, no claim is made of it");
        }
        let faults = self.faults(min_rate, min_ratios);
        if let Some(path) = &result.json {
            write_json(path, self)?;
        }
        if let Some(path) = &result.html {
            write_text(path, &self.html(&faults))?;
        }
        for fault in &faults {
            println!("not good: {fault}");
        }
        Ok(faults.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    fn compared() -> Compared {
        let mut comparison = Comparison::new(3);
        for (engine, row_lock) in [(17_000, 2_000), (18_000, 2_100), (16_000, 1_900)] {
            let of = |target: &str, exchanges_per_second| RunReport {
                target: target.to_owned(),
                exchanges_per_second,
                ..report()
            };
            comparison.add(None, of("hwan", engine));
            comparison.add(Some(BaselineKind::RowLock), of("baseline row-lock", row_lock));
        }
        comparison.compared()
    }

    #[test]
    fn ratios_are_those_of_the_medians() {
        let compared = compared();
        let ratios: Vec<Option<u64>> = compared.entries.iter().map(|entry| entry.engine_ratio_hundredths).collect();
        assert_eq!(ratios, [None, Some(850)]);
        let table = compared.table();
        assert!(table.contains("8.50 times") && table.contains("17,000 18,000 16,000"), "{table}");
        let html = compared.html(&[]);
        assert!(html.contains("8.50 times") && html.matches("<svg").count() == 2);
    }

    #[test]
    fn a_comparison_is_good_within_its_thresholds_and_only_then() {
        use BaselineKind::{RedisLock, RowLock};
        let faults = |rate, ratios: &[_]| compared().faults(rate, ratios).len();
        assert_eq!(faults(Some(17_000), &[(RowLock, 850)]), 0);
        assert_eq!((faults(Some(17_001), &[]), faults(None, &[(RowLock, 851)])), (1, 1));
        assert_eq!(faults(None, &[(RedisLock, 1)]), 1, "what was not compared cannot be good");
    }
}
