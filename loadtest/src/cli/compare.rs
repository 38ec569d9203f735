//! The arguments of `compare`.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{
    TargetArguments,
    baseline::{BaselineKind, DatabaseArguments},
    load::{LoadArguments, ResultArguments},
    parse::{at_least, duration},
};

#[derive(Clone, Debug, Args)]
pub(crate) struct CompareArguments {
    /// A program of hwan: started on a fresh database hwan_loadtest at --mysql-url with limits that no load reaches,
    /// seeded, and stopped at the end. Without it the server at --url is driven, with the customers of
    /// --customers-file.
    #[arg(long, value_name = "PROGRAM", help_heading = "Engine")]
    pub(crate) start_server: Option<PathBuf>,
    /// A setting of the server that is started, such as HWAN_ENGINE__CUSTOMER_LANES=2; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", requires = "start_server", value_parser = setting, help_heading = "Engine")]
    pub(crate) server_env: Vec<(String, String)>,
    #[command(flatten, next_help_heading = "Engine")]
    pub(crate) target: TargetArguments,
    /// The port for those who run the server.
    #[arg(long, default_value = "http://127.0.0.1:8081", value_name = "URL", help_heading = "Engine")]
    pub(crate) admin_url: String,
    /// The file of ids that `seed` wrote.
    #[arg(long, default_value = "target/loadtest-customers.tsv", value_name = "FILE", help_heading = "Engine")]
    pub(crate) customers_file: PathBuf,
    /// The server's process, where it was not started here.
    #[arg(long, value_name = "PID", conflicts_with = "start_server", help_heading = "Engine")]
    pub(crate) server_pid: Option<u32>,
    /// Connections to the engine.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4_096), help_heading = "Engine")]
    pub(crate) connections: u16,
    /// Exchanges in each request to the engine.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000), help_heading = "Engine")]
    pub(crate) batch: Option<u16>,
    #[command(flatten, next_help_heading = "Alternatives")]
    pub(crate) database: DatabaseArguments,
    /// Which alternatives, with commas between.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_values = ["row-lock", "redis-lock", "procedure"],
        help_heading = "Alternatives"
    )]
    pub(crate) kinds: Vec<BaselineKind>,
    /// Connections of the alternatives; without it each tries 1, 2, 4, 8, 16, 32 and 64, and keeps the best.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024), help_heading = "Alternatives")]
    pub(crate) baseline_connections: Option<u16>,
    /// How long each of these tries is measured, after two seconds of warm-up.
    #[arg(long, default_value = "8s", value_parser = duration, help_heading = "Alternatives")]
    pub(crate) sweep_duration: Duration,
    /// Customers of the alternatives, and of a server that is started.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) customers: u32,
    /// How often all of them are driven in turn; the median of each is what counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=21))]
    pub(crate) rounds: u8,
    #[command(flatten)]
    pub(crate) load: LoadArguments,
    /// The database's process: reports the CPU that it took.
    #[arg(long, value_name = "PID")]
    pub(crate) store_pid: Option<u32>,
    #[command(flatten)]
    pub(crate) result: ResultArguments,
    /// Fails when the engine does fewer exchanges a second.
    #[arg(long, value_name = "PER_SECOND", help_heading = "Thresholds")]
    pub(crate) min_rate: Option<u64>,
    /// Fails when the engine is not so many times as fast: row-lock=5 or redis-lock=10; may be given several times.
    #[arg(long, value_name = "KIND=TIMES", value_parser = at_least, help_heading = "Thresholds")]
    pub(crate) min_ratio: Vec<(BaselineKind, u64)>,
}

pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if name.starts_with("HWAN_") => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is no setting such as HWAN_ENGINE__CUSTOMER_LANES=2")),
    }
}
