//! What every load has: how long, how fast, on whom, what it must reach, and where its result goes.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::parse::{duration, millis};
use crate::{
    drive::{Loop, Plan},
    report::Thresholds,
    workload::{Mix, Spread},
};

#[derive(Clone, Debug, Args)]
pub(crate) struct LoadArguments {
    /// How long to measure, such as 60s or 5m; an hour at most. A figure that is to be claimed takes 60s or more:
    /// less is marked a short run.
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub(crate) duration: Duration,
    /// How long to drive at full load before measuring.
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub(crate) warmup: Duration,
    /// How long the load takes to rise before the warm-up: closed loop, connections join one by one; open loop, the
    /// rate rises evenly.
    #[arg(long, default_value = "0s", value_parser = duration)]
    pub(crate) ramp: Duration,
    /// Open loop: so many exchanges a second are due, whatever the target does, and latency counts from when each was
    /// due. Without it a closed loop: a connection sends its next request when the last is answered.
    #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rate: Option<u32>,
    /// `alternate`: each customer buys and sells in turn. Or weights such as 70:30 of buys to sells.
    #[arg(long, default_value = "alternate")]
    pub(crate) mix: Mix,
    /// Whose exchanges: `uniform` over all customers; `zipf` or `zipf:1.2` (the customer of rank r as often as
    /// 1/r^0.99, or 1/r^1.2); `hot:10`, the first ten alone.
    #[arg(long, default_value = "uniform")]
    pub(crate) spread: Spread,
    /// The same as --spread hot:N.
    #[arg(long, value_name = "N", conflicts_with = "spread", value_parser = clap::value_parser!(u32).range(1..))]
    hot: Option<u32>,
    /// Threads of the generator. One does 100,000 requests a second; more take cores from the server.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: u16,
}

impl LoadArguments {
    /// An open loop of one thread, buying and selling in turn.
    pub(crate) const fn open(rate: u32, duration: Duration, warmup: Duration, spread: Spread) -> Self {
        Self {
            duration,
            warmup,
            ramp: Duration::ZERO,
            rate: Some(rate),
            mix: Mix::Alternate,
            spread,
            hot: None,
            threads: 1,
        }
    }

    /// How exchanges spread over customers.
    pub(crate) fn spread(&self) -> Spread {
        self.hot.map_or(self.spread, |customers| Spread::Hot { customers })
    }

    /// The plan of a load over so many connections.
    pub(crate) fn plan(&self, connections: u16, exchanges_per_request: u16) -> Plan {
        Plan {
            pace: self.rate.map_or(Loop::Closed, |rate| Loop::Open { rate }),
            exchanges_per_request,
            connections,
            threads: self.threads.min(connections),
            ramp: self.ramp,
            warmup: self.warmup,
            duration: self.duration,
        }
    }
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ResultArguments {
    /// Writes the result as JSON.
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub(crate) json: Option<PathBuf>,
    /// Writes the result as one HTML page with plots, which needs nothing beside it.
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Thresholds")]
pub(crate) struct ThresholdArguments {
    /// Fails below so many exchanges a second, counted until the projections had caught up.
    #[arg(long, value_name = "PER_SECOND")]
    min_rate: Option<u64>,
    /// Fails when half of the requests took longer.
    #[arg(long, value_name = "MS", value_parser = millis)]
    max_p50_ms: Option<u64>,
    /// Fails when the 90th percentile is above.
    #[arg(long, value_name = "MS", value_parser = millis)]
    max_p90_ms: Option<u64>,
    /// Fails when the 99th percentile is above.
    #[arg(long, value_name = "MS", value_parser = millis)]
    max_p99_ms: Option<u64>,
    /// Fails when the 99.9th percentile is above.
    #[arg(long, value_name = "MS", value_parser = millis)]
    max_p999_ms: Option<u64>,
    /// Fails when any request took longer.
    #[arg(long, value_name = "MS", value_parser = millis)]
    max_ms: Option<u64>,
    /// A problem's code that is no failure of the run, such as limit_daily; may be given several times.
    #[arg(long, value_name = "CODE")]
    expect: Vec<String>,
}

impl ThresholdArguments {
    /// What the run must reach.
    pub(crate) fn thresholds(&self) -> Thresholds {
        Thresholds {
            min_rate: self.min_rate,
            max_p50_us: self.max_p50_ms,
            max_p90_us: self.max_p90_ms,
            max_p99_us: self.max_p99_ms,
            max_p999_us: self.max_p999_ms,
            max_us: self.max_ms,
            expect: self.expect.clone(),
        }
    }
}
