//! The command line: what can be asked, and what it means.

mod baseline;
mod compare;
mod load;
mod midnight;
mod parse;
mod run;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};

use self::parse::duration;
pub(crate) use self::{
    baseline::{BaselineArguments, BaselineKind, DatabaseArguments},
    compare::CompareArguments,
    load::{LoadArguments, ResultArguments, ThresholdArguments},
    midnight::MidnightArguments,
    run::RunArguments,
};

const EXAMPLES: &str = "\
A first run, beside a server that was started with `cargo run --release`:
  cargo run --release -p hwan-loadtest -- seed --customers 100000
  cargo run --release -p hwan-loadtest -- run --connections 256 --html run.html \\
      --server-pid $(pidof hwan) --min-rate 10000 --max-p99-ms 50

At a constant rate, with the latency that a customer would see:
  cargo run --release -p hwan-loadtest -- run --rate 3000 --max-p50-ms 4 --max-p99-ms 15

Many exchanges in each request:
  cargo run --release -p hwan-loadtest -- run --batch 100 --connections 16

What row locks do on the same MySQL:
  cargo run --release -p hwan-loadtest -- baseline --kind row-lock --sweep \\
      --mysql-url mysql://root@127.0.0.1:3306

The engine against all of them, on a fresh database:
  cargo run --release -p hwan-loadtest -- compare --start-server target/release/hwan \\
      --mysql-url mysql://root@127.0.0.1:3306 --html compare.html --min-ratio row-lock=5

Midnight under load, with both days reconciled afterwards:
  cargo run --release -p hwan-loadtest -- midnight --rate 3000 --max-ratio 2 \\
      --mysql-url mysql://root@127.0.0.1:3306

Limits to mind: a customer may change 10,000,000 won a day into foreign
currency, which is about 7,400 buys of 1.00 USD. A run over many customers never
comes near; a run with --hot N does within a minute, and then answers
`limit_daily`: for it, start the server with higher limits, and seed with --hot.

Exit codes: 0 good; 1 a threshold was missed or an answer was not expected;
2 the run could not be made.";

/// The load generator of hwan: seeds customers, drives exchanges over HTTP, looks at memory.
#[derive(Debug, Parser)]
#[command(name = "hwan-loadtest", version, after_help = EXAMPLES, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Opens customers with a won and a foreign account, deposits won and USD, and writes their ids to a file.
    ///
    /// What the file already holds is kept: seeding 100000 when it has 60000 opens 40000 more. The file belongs to
    /// the server's store; a fresh store needs a fresh file.
    Seed(SeedArguments),
    /// Drives exchanges of 1.00 USD and reports rate, latency, outcomes and CPU.
    ///
    /// Closed loop: each connection sends its next request when the last is answered, so the latency under a
    /// saturated server says how long the queue is, not how long an exchange takes alone. Open loop (--rate): requests
    /// are due by a clock, at most --connections of them are under way, and latency counts from when each was due.
    ///
    /// The clock starts with the window and stops when every projection has caught up: no work is hidden behind it.
    /// Claims are made of runs of 60 seconds or more. With --batch a request holds many exchanges: the rate is still
    /// of exchanges, the latency of requests.
    Run(RunArguments),
    /// Does the same exchanges on the same MySQL in another way: row locks, a Redis lock, a stored procedure.
    ///
    /// A transaction an exchange: the two balances and the use of the limits are read under locks, checked and
    /// written, with a row in the journal under a unique key and two passbook entries. What is appended goes to tables
    /// like hwan's own, and the server's durability is what it is for the engine.
    Baseline(BaselineArguments),
    /// Runs the engine and its alternatives in turn, several rounds, and prints how many times as fast it is.
    ///
    /// Each alternative works with the number of connections at which it does best. What counts is the median of the
    /// rounds, of each by its exchanges a second until all work was done.
    Compare(CompareArguments),
    /// Drives a server at a constant rate while its business date turns, closes and reconciles both days.
    ///
    /// Starts a server of its own, whose business day ends in the middle of the window, and compares the latencies around that
    /// instant with the rest of the window. Good is a run without a failed exchange whose days both reconcile.
    Midnight(MidnightArguments),
    /// Reports the server's memory with many customers stored and some of them active.
    ///
    /// Seeds up to --customers, reads the resident memory, touches --active accounts by an exchange on each
    /// customer's two accounts, reads it again. Restart the server after seeding, and run this again, to see it
    /// without what seeding left resident.
    Memory(MemoryArguments),
}

/// Which server.
#[derive(Clone, Debug, Args)]
pub(crate) struct TargetArguments {
    /// Where the server listens; loopback only.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// The file with the server's token.
    #[arg(long, default_value = "data/token", value_name = "FILE")]
    pub(crate) token_file: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct SeedArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    /// How many customers the file shall hold in the end.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) customers: u32,
    /// The file of ids, a line a customer.
    #[arg(long, default_value = "target/loadtest-customers.tsv", value_name = "FILE")]
    pub(crate) customers_file: PathBuf,
    /// Deposits 10,000,000,000 won and 10,000,000.00 USD instead of 5,000,000 and 5,000.00: for few customers that
    /// carry a whole run. The server needs higher limits for such a run.
    #[arg(long)]
    pub(crate) hot: bool,
    /// Connections at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub(crate) connections: u16,
    /// Gives up after so long; what is seeded by then stays in the file.
    #[arg(long, default_value = "30m", value_parser = duration)]
    pub(crate) time_max: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct MemoryArguments {
    #[command(flatten)]
    pub(crate) seed: SeedArguments,
    /// How many accounts to touch; each customer has two.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(2..=20_000_000))]
    pub(crate) active: u32,
    /// The server's process.
    #[arg(long, value_name = "PID")]
    pub(crate) server_pid: u32,
    /// Fails when the resident memory after touching is above.
    #[arg(long, value_name = "MIB")]
    pub(crate) max_rss_mib: Option<u64>,
    /// Writes the result as JSON too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
