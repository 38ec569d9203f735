//! The result of a load: what was found, as a table, as JSON, as a page with plots, and whether it is good.

mod cpu;
pub(crate) mod html;
mod latency;
mod plot;
mod table;
mod threshold;

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use serde::Serialize;

use self::latency::{Percentile, percentiles};
pub(crate) use self::{cpu::CpuTaken, latency::Latency, threshold::Thresholds};
use crate::{
    cli::ResultArguments,
    drive::{Driven, Loop, Plan},
    number, procfs,
    tally::{Outcome, Second, Tally},
};

/// Below so many microseconds a window carries no claim.
pub(crate) const CLAIM_US_MIN: u64 = 60_000_000;

/// What a load found. All durations in integer microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RunReport {
    /// What was driven, for people.
    pub(crate) target: String,
    /// When the load began: milliseconds since 1970.
    pub(crate) began_unix_ms: u64,
    /// On what: cores, processor, memory, kernel.
    pub(crate) machine: String,
    pub(crate) settings: Settings,
    /// Whether the window was too short for a claim.
    pub(crate) short_run: bool,
    /// Exchanges a second from the opening of the window until all work was done: those that were under way when it
    /// closed are counted, and the time that the projections took to catch up.
    pub(crate) exchanges_per_second: u64,
    /// Exchanges executed in that time, and the time.
    pub(crate) executed: u64,
    pub(crate) elapsed_us: u64,
    /// Exchanges a second within the window alone.
    pub(crate) window_exchanges_per_second: u64,
    pub(crate) window_executed: u64,
    /// Records that the projections lagged behind when the load ended; none where there are no projections.
    pub(crate) lag_records: Option<u64>,
    /// Requests that have a latency.
    pub(crate) requests: u64,
    pub(crate) latency_us: Latency,
    pub(crate) quote_latency_us: Option<Latency>,
    pub(crate) open_loop: Option<OpenLoop>,
    /// Everything else, by name.
    pub(crate) other_outcomes: BTreeMap<String, u64>,
    pub(crate) cpu: CpuTaken,
    /// What else is to be known of it.
    pub(crate) remarks: Vec<String>,
    pub(crate) percentiles: Vec<Percentile>,
    pub(crate) timeline: Vec<Second>,
}

/// How it was driven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Settings {
    /// Of an open loop: exchanges a second that were due.
    pub(crate) rate: Option<u32>,
    /// Exchanges in a request, where it is a batch.
    pub(crate) batch: Option<u16>,
    pub(crate) connections: u16,
    pub(crate) threads: u16,
    pub(crate) customers: usize,
    pub(crate) spread: String,
    pub(crate) quotes_percent: u8,
    pub(crate) ramp_us: u64,
    pub(crate) warmup_us: u64,
    pub(crate) window_us: u64,
}

/// How well an open loop kept its rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct OpenLoop {
    /// Requests that found no free connection, and what they waited; their latency holds it.
    pub(crate) queued: u64,
    pub(crate) queued_us: Latency,
    /// By how much the generator itself missed the time of the others; their latency holds it too.
    pub(crate) late_us: Latency,
    /// Requests that were never sent.
    pub(crate) unsent: u64,
}

/// What a report says beside what was counted.
#[derive(Clone, Debug)]
pub(crate) struct Circumstances {
    pub(crate) target: String,
    pub(crate) began_unix_ms: u64,
    pub(crate) batch: Option<u16>,
    pub(crate) customers: usize,
    pub(crate) spread: String,
    pub(crate) quotes_percent: u8,
    pub(crate) cpu: CpuTaken,
    /// When the projections had caught up, and the records that they lagged behind before.
    pub(crate) settled: Option<(Instant, u64)>,
    pub(crate) remarks: Vec<String>,
}

impl RunReport {
    /// Of a load that was driven as planned.
    pub(crate) fn new(plan: &Plan, driven: &Driven, of: Circumstances) -> Self {
        let micros = |duration: std::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let Driven { phases, tally, drained_at } = driven;
        let window_us = micros(plan.duration);
        let done_at = of.settled.map_or(*drained_at, |(at, _)| at).max(phases.to);
        let elapsed_us = micros(done_at - phases.from);
        let executed = tally.executed + tally.executed_later;
        let rate = match plan.pace {
            Loop::Closed => None,
            Loop::Open { rate } => Some(rate),
        };
        let latency = |histogram: &Histogram<u64>| (!histogram.is_empty()).then(|| Latency::of(histogram));
        Self {
            target: of.target,
            began_unix_ms: of.began_unix_ms,
            machine: procfs::machine(),
            settings: Settings {
                rate,
                batch: of.batch,
                connections: plan.connections,
                threads: plan.threads,
                customers: of.customers,
                spread: of.spread,
                quotes_percent: of.quotes_percent,
                ramp_us: micros(plan.ramp),
                warmup_us: micros(plan.warmup),
                window_us,
            },
            short_run: window_us < CLAIM_US_MIN,
            exchanges_per_second: number::per_second(executed, elapsed_us),
            executed,
            elapsed_us,
            window_exchanges_per_second: number::per_second(tally.executed, window_us),
            window_executed: tally.executed,
            lag_records: of.settled.map(|(_, lag)| lag),
            requests: tally.latency_us.len(),
            latency_us: Latency::of(&tally.latency_us),
            quote_latency_us: latency(&tally.quote_us),
            open_loop: rate.map(|_| open_loop(tally)),
            other_outcomes: outcomes(&tally.others),
            cpu: of.cpu,
            remarks: of.remarks,
            percentiles: percentiles(&tally.latency_us),
            timeline: tally.timeline.seconds(),
        }
    }

    /// Shows the result and writes it where it shall go; whether it is good.
    pub(crate) fn publish(&self, result: &ResultArguments, thresholds: &Thresholds) -> Result<bool> {
        print!("{}", self.table());
        if let Some(path) = &result.json {
            write_json(path, self)?;
        }
        let faults = self.faults(thresholds);
        if let Some(path) = &result.html {
            write_text(path, &self.html(&faults))?;
        }
        for fault in &faults {
            println!("{:<14} {fault}", "not good");
        }
        Ok(faults.is_empty())
    }
}

fn open_loop(tally: &Tally) -> OpenLoop {
    OpenLoop {
        queued: tally.queued_us.len(),
        queued_us: Latency::of(&tally.queued_us),
        late_us: Latency::of(&tally.late_us),
        unsent: tally.unsent,
    }
}

fn outcomes(others: &BTreeMap<Outcome, u64>) -> BTreeMap<String, u64> {
    others.iter().map(|(outcome, count)| (outcome.name(), *count)).collect()
}

/// Writes a result as JSON.
pub(crate) fn write_json(path: &Path, result: &impl Serialize) -> Result<()> {
    write_text(path, &(serde_json::to_string_pretty(result)? + "\n"))
}

/// Writes a file.
pub(crate) fn write_text(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A report of 30 seconds at 12,000 exchanges a second.
    pub(crate) fn report() -> RunReport {
        RunReport {
            target: "hwan over http".to_owned(),
            began_unix_ms: 1_795_000_000_000,
            machine: "2 cores".to_owned(),
            settings: Settings {
                rate: None,
                batch: None,
                connections: 256,
                threads: 1,
                customers: 100_000,
                spread: "uniform".to_owned(),
                quotes_percent: 0,
                ramp_us: 0,
                warmup_us: 5_000_000,
                window_us: 30_000_000,
            },
            short_run: true,
            exchanges_per_second: 11_500,
            executed: 360_000,
            elapsed_us: 31_300_000,
            window_exchanges_per_second: 12_000,
            window_executed: 360_000,
            lag_records: Some(1_200),
            requests: 360_000,
            latency_us: Latency {
                min: 900,
                p50: 20_000,
                p90: 30_000,
                p99: 45_000,
                p999: 60_000,
                p9999: 80_000,
                max: 90_000,
            },
            quote_latency_us: None,
            open_loop: None,
            other_outcomes: BTreeMap::new(),
            cpu: CpuTaken {
                server_us: Some(36_000_000),
                store_us: None,
                client_us: 3_000_000,
                machine_us: 40_000_000,
                cores: 2,
            },
            remarks: Vec::new(),
            percentiles: vec![
                Percentile { percentile: "50", latency_us: 20_000 },
                Percentile { percentile: "100", latency_us: 90_000 },
            ],
            timeline: vec![Second { second: 0, executed: 12_000, ..Second::default() }],
        }
    }

    #[test]
    fn the_clock_stops_when_the_projections_have_caught_up() {
        use crate::drive::Phases;
        use crate::tally::Ended;
        use std::time::Duration;

        let plan = Plan {
            pace: Loop::Closed,
            exchanges_per_request: 1,
            connections: 1,
            threads: 1,
            ramp: Duration::ZERO,
            warmup: Duration::ZERO,
            duration: Duration::from_secs(10),
        };
        let begun = Instant::now();
        let phases: Phases = plan.phases(begun);
        let mut tally = Tally::new(plan.duration).unwrap();
        let latency = Some(Duration::from_millis(1));
        tally.count(Ended::all(Outcome::Executed, 900).into(), latency, Some(3));
        tally.count(Ended::all(Outcome::Executed, 100).into(), latency, None);
        let driven = Driven { phases, tally, drained_at: phases.to };
        let of = |settled| Circumstances {
            target: String::new(),
            began_unix_ms: 0,
            batch: None,
            customers: 1,
            spread: String::new(),
            quotes_percent: 0,
            cpu: CpuTaken::default(),
            settled,
            remarks: vec![],
        };
        let report = RunReport::new(&plan, &driven, of(Some((phases.to + Duration::from_secs(10), 40))));
        assert_eq!((report.window_exchanges_per_second, report.exchanges_per_second), (90, 50));
        assert_eq!((report.elapsed_us, report.lag_records, report.short_run), (20_000_000, Some(40), true));
        assert_eq!(RunReport::new(&plan, &driven, of(None)).exchanges_per_second, 100);
    }
}
