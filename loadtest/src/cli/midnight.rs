//! The arguments of `midnight`.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{
    compare::setting,
    load::ResultArguments,
    parse::{duration, times},
};

#[derive(Clone, Debug, Args)]
pub(crate) struct MidnightArguments {
    /// The program of hwan: started in a fresh place, seeded, stopped at the end.
    #[arg(long, value_name = "PROGRAM", default_value = "target/release/hwan")]
    pub(crate) start_server: PathBuf,
    /// A MySQL or MariaDB server, as a user that may create databases: the store of record is a database hwan_loadtest there, made
    /// anew. Without it, the embedded store.
    #[arg(long, value_name = "URL")]
    pub(crate) mysql_url: Option<String>,
    /// A setting of the server, such as HWAN_ENGINE__CUSTOMER_LANES=2; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub(crate) server_env: Vec<(String, String)>,
    /// Customers, each with a won and a foreign account.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) customers: u32,
    /// Exchanges a second that are due.
    #[arg(long, default_value_t = 3_000, value_name = "PER_SECOND", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rate: u32,
    /// How long before midnight the window opens.
    #[arg(long, default_value = "2m", value_parser = duration)]
    pub(crate) before: Duration,
    /// How long after midnight it closes.
    #[arg(long, default_value = "2m", value_parser = duration)]
    pub(crate) after: Duration,
    /// How long to drive at full load before the window opens.
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub(crate) warmup: Duration,
    /// How much before and after midnight counts as being around it, in whole seconds.
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub(crate) around: Duration,
    /// The most requests that are under way at once.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    pub(crate) connections: u16,
    /// Fails when the 99th percentile around midnight is so many times that of the rest of the window. Without it the ratio is only
    /// told.
    #[arg(long, value_name = "TIMES", value_parser = times, help_heading = "Thresholds")]
    pub(crate) max_ratio: Option<u64>,
    #[command(flatten)]
    pub(crate) result: ResultArguments,
}
