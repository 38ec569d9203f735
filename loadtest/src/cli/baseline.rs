//! The arguments of `baseline`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{
    load::{LoadArguments, ResultArguments, ThresholdArguments},
    parse::duration,
};

/// What the engine is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BaselineKind {
    /// A transaction an exchange, its rows locked by SELECT … FOR UPDATE in the order of their keys.
    RowLock,
    /// The same inside a lock of Redis for each customer.
    RedisLock,
    /// The work of `row-lock` in one call of a stored procedure.
    Procedure,
}

impl BaselineKind {
    /// As the command line has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RowLock => "row-lock",
            Self::RedisLock => "redis-lock",
            Self::Procedure => "procedure",
        }
    }
}

/// Where the alternatives work.
#[derive(Clone, Debug, Args)]
pub(crate) struct DatabaseArguments {
    /// The MySQL or MariaDB server, as a user that may create databases; a database in it is passed over. The
    /// alternatives work in a database of their own, hwan_baseline, which is made anew each time.
    #[arg(long, value_name = "URL", default_value = "mysql://root@127.0.0.1:3306")]
    pub(crate) mysql_url: String,
    /// The Redis server, for redis-lock.
    #[arg(long, value_name = "URL", default_value = "redis://127.0.0.1:6379")]
    pub(crate) redis_url: String,
}

/// Over how many connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
#[group(multiple = false)]
pub(crate) struct WidthArguments {
    /// Connections to the database, each with one transaction at a time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub(crate) connections: u16,
    /// Tries 1, 2, 4, 8, 16, 32 and 64 connections for --sweep-duration each, and measures with the best.
    #[arg(long)]
    pub(crate) sweep: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct BaselineArguments {
    #[command(flatten)]
    pub(crate) database: DatabaseArguments,
    /// Which alternative.
    #[arg(long, value_enum, default_value = "row-lock")]
    pub(crate) kind: BaselineKind,
    #[command(flatten)]
    pub(crate) width: WidthArguments,
    /// How long each try of --sweep is measured, after two seconds of warm-up.
    #[arg(long, default_value = "8s", value_parser = duration)]
    pub(crate) sweep_duration: Duration,
    /// Customers, each with a won and a foreign account.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) customers: u32,
    #[command(flatten)]
    pub(crate) load: LoadArguments,
    /// The database's process: reports the CPU that it took.
    #[arg(long, value_name = "PID")]
    pub(crate) store_pid: Option<u32>,
    #[command(flatten)]
    pub(crate) result: ResultArguments,
    #[command(flatten)]
    pub(crate) thresholds: ThresholdArguments,
}
