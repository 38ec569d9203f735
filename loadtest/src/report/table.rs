//! The result for people, on a terminal.

use std::fmt::Write as _;

use super::{Latency, OpenLoop, RunReport};
use crate::number::{self, grouped, millis};

/// Beyond this 99th percentile of its own lateness, in microseconds, a generator has no business to speak of latency.
const LATE_US_MAX: u64 = 1_000;

/// Beyond this share of the machine, in percent, others weigh on what is measured.
const OTHERS_PERCENT_MAX: u64 = 10;

impl RunReport {
    /// For people.
    pub(crate) fn table(&self) -> String {
        self.lines().into_iter().fold(String::new(), |mut text, (name, value)| {
            let _ = writeln!(text, "{name:<14} {value}"); // a String takes everything
            text
        })
    }

    /// The lines of the table: what, and what was found.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("target", self.target.clone()), (self.loop_name(), self.how())];
        if self.short_run {
            lines.push(("short run", "below 60 s: no claim is made of it".to_owned()));
        }
        lines.push(("exchanges/s", grouped(self.exchanges_per_second)));
        lines.push((
            "window",
            format!("{} exchanges/s, {}", grouped(self.window_exchanges_per_second), self.settling()),
        ));
        lines.push((
            if self.settings.batch.is_some() { "batch ms" } else { "latency ms" },
            percentiles(self.latency_us),
        ));
        if let Some(quote) = self.quote_latency_us {
            lines.push(("quote ms", percentiles(quote)));
        }
        lines.extend(self.open_loop.iter().flat_map(open_loop));
        lines.push(("executed", format!("{} in {} s", grouped(self.executed), millis(self.elapsed_us / 1_000))));
        if self.settings.batch.is_some() {
            lines.push(("batches", grouped(self.requests)));
        }
        for (outcome, count) in &self.other_outcomes {
            lines.push(("other", format!("{} {outcome}", grouped(*count))));
        }
        let cpu = |micros: u64| {
            let each_ns = micros.saturating_mul(1_000).checked_div(self.executed).unwrap_or(0);
            format!("{} s, {} µs an exchange", millis(micros / 1_000), millis(each_ns))
        };
        lines.extend(self.cpu.server_us.map(|taken| ("server cpu", cpu(taken))));
        lines.extend(self.cpu.store_us.map(|taken| ("store cpu", cpu(taken))));
        lines.push(("client cpu", cpu(self.cpu.client_us)));
        lines.push(("machine cpu", self.machine_cpu()));
        lines.push(("machine", self.machine.clone()));
        lines.extend(self.remarks.iter().map(|remark| ("remark", remark.clone())));
        lines
    }

    fn loop_name(&self) -> &'static str {
        if self.settings.rate.is_some() { "open loop" } else { "closed loop" }
    }

    /// How it was driven.
    pub(crate) fn how(&self) -> String {
        let settings = &self.settings;
        let mut parts = Vec::new();
        parts.extend(settings.rate.map(|rate| format!("{} exchanges/s due", grouped(rate.into()))));
        parts.extend(settings.batch.map(|batch| format!("batches of {batch}")));
        parts.push(format!("{} connections", settings.connections));
        parts.push(format!("{} client threads", settings.threads));
        parts.push(format!("{} customers {}", grouped(settings.customers as u64), settings.spread));
        if settings.quotes_percent > 0 {
            parts.push(format!("{} % at quotes", settings.quotes_percent));
        }
        parts.push(format!("{} s", millis(settings.window_us / 1_000)));
        parts.join(", ")
    }

    fn machine_cpu(&self) -> String {
        let share = |micros: u64| {
            let whole = self.elapsed_us.saturating_mul(self.cpu.cores);
            micros.saturating_mul(100).checked_div(whole).unwrap_or(0)
        };
        let others = self.cpu.others_us();
        let (busy, others) = (share(self.cpu.machine_us), share(others));
        let remark = if others > OTHERS_PERCENT_MAX { ": no quiet machine, or a process was not named" } else { "" };
        format!("{busy} % busy, {others} % by processes that were not named{remark}")
    }

    fn settling(&self) -> String {
        let behind_us = self.elapsed_us.saturating_sub(self.settings.window_us);
        match self.lag_records {
            Some(lag) => format!(
                "then {} s until the projections had caught up with {} records",
                millis(behind_us / 1_000),
                grouped(lag)
            ),
            None => format!("then {} s until the last answer", millis(behind_us / 1_000)),
        }
    }
}

/// The percentiles on one line, in milliseconds.
pub(crate) fn percentiles(latency: Latency) -> String {
    let Latency { p50, p90, p99, p999, max, .. } = latency;
    [("p50", p50), ("p90", p90), ("p99", p99), ("p99.9", p999), ("max", max)]
        .map(|(name, micros)| format!("{name} {}", number::millis(micros)))
        .join("  ")
}

fn open_loop(open: &OpenLoop) -> Vec<(&'static str, String)> {
    let OpenLoop { queued, queued_us, late_us, unsent } = open;
    let mut lines = vec![(
        "generator late",
        format!("p50 {} ms  p99 {} ms  max {} ms", millis(late_us.p50), millis(late_us.p99), millis(late_us.max)),
    )];
    if late_us.p99 > LATE_US_MAX {
        lines.push((
            "generator late",
            "the generator fell behind by itself: its latencies are not the target's".to_owned(),
        ));
    }
    if *queued > 0 {
        lines.push((
            "queued",
            format!(
                "{} requests found all connections busy and waited: p50 {} ms  max {} ms",
                grouped(*queued),
                millis(queued_us.p50),
                millis(queued_us.max)
            ),
        ));
    }
    if *unsent > 0 {
        lines.push(("unsent", format!("{} requests were due and never sent", grouped(*unsent))));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{
        super::{CpuTaken, Settings, tests::report},
        *,
    };

    #[test]
    fn the_table_says_what_was_reached_and_what_an_exchange_cost() {
        let table = report().table();
        for part in [
            "exchanges/s    11,500",
            "window         12,000 exchanges/s, then 1.300 s until the projections had caught up with 1,200 records",
            "36.000 s, 100.000 µs an exchange",
            "3.000 s, 8.333 µs an exchange",
            "machine cpu    63 % busy, 1 % by processes that were not named\n",
            "short run      below 60 s",
            "closed loop    256 connections, 1 client threads, 100,000 customers uniform, 30.000 s",
        ] {
            assert!(table.contains(part), "{part} is missing in:\n{table}");
        }
    }

    #[test]
    fn a_batch_an_open_loop_and_quotes_are_named() {
        let base = report();
        let settings = Settings { batch: Some(100), rate: Some(3_000), quotes_percent: 30, ..base.settings.clone() };
        let late = |p99| Latency { p99, ..Latency::default() };
        let open = OpenLoop { queued: 7, queued_us: late(1), late_us: late(1_001), unsent: 2 };
        let cpu = CpuTaken { server_us: None, store_us: Some(1), ..base.cpu };
        let table = RunReport { settings, open_loop: Some(open), requests: 3_600, cpu, ..base }.table();
        for part in [
            "open loop      3,000 exchanges/s due, batches of 100, 256 connections",
            "30 % at quotes",
            "batches        3,600",
            "fell behind by itself",
            "7 requests found all connections busy",
            "2 requests were due and never sent",
            "store cpu",
            "no quiet machine",
        ] {
            assert!(table.contains(part), "{part} is missing in:\n{table}");
        }
        assert!(!table.contains("server cpu"));
    }
}
