//! The arguments of `run`.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{
    TargetArguments,
    load::{LoadArguments, ResultArguments, ThresholdArguments},
    parse::duration,
};

#[derive(Clone, Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    /// The port for those who run the server: it says when the projections have caught up, where the clock stops.
    #[arg(long, default_value = "http://127.0.0.1:8081", value_name = "URL")]
    pub(crate) admin_url: String,
    /// Drives an engine within this process in place of a server: started by this file of configuration as `hwan serve`
    /// would, and asked without HTTP.
    #[arg(long, value_name = "CONFIG", conflicts_with_all = ["url", "token_file", "admin_url", "batch", "quotes", "server_pid"])]
    pub(crate) in_process: Option<PathBuf>,
    /// The file of ids that `seed` wrote.
    #[arg(long, default_value = "target/loadtest-customers.tsv", value_name = "FILE")]
    pub(crate) customers_file: PathBuf,
    #[command(flatten)]
    pub(crate) load: LoadArguments,
    /// Connections, each with one request in flight: in an open loop the most that are under way at once.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    pub(crate) connections: u16,
    /// Exchanges in each request: POST /v1/exchanges:batch, each exchange with a key and an outcome of its own.
    /// Without it, POST /v1/exchanges with one.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) batch: Option<u16>,
    /// How many of a hundred exchanges first take a quote and then use it; the latency holds both requests.
    #[arg(long, default_value_t = 0, value_name = "PERCENT", conflicts_with = "batch", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) quotes: u8,
    /// How long a request may take before it counts as a connection error.
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub(crate) deadline: Duration,
    /// How long to wait for the projections at most.
    #[arg(long, default_value = "2m", value_parser = duration)]
    pub(crate) settle_max: Duration,
    /// The server's process: reports the CPU that it took.
    #[arg(long, value_name = "PID")]
    pub(crate) server_pid: Option<u32>,
    /// The database's process: reports the CPU that it took.
    #[arg(long, value_name = "PID")]
    pub(crate) store_pid: Option<u32>,
    #[command(flatten)]
    pub(crate) result: ResultArguments,
    #[command(flatten)]
    pub(crate) thresholds: ThresholdArguments,
}
