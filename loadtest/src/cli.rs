//! The command line: what can be asked, and what it means.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};

use crate::worker::Mix;

const EXAMPLES: &str = "\
A first run, beside a server that was started with `cargo run --release`:
  cargo run --release -p hwan-loadtest -- seed --customers 100000
  cargo run --release -p hwan-loadtest -- run --connections 256 --duration 30s \\
      --server-pid $(pidof hwan) --min-rate 10000 --max-p99-ms 50

Many exchanges in each request:
  cargo run --release -p hwan-loadtest -- run --batch 100 --connections 16

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
    /// Drives exchanges of 1.00 USD in a closed loop and reports rate, latency, outcomes and CPU.
    ///
    /// Closed loop: each connection sends its next request when the last is answered, so the latency under a
    /// saturated server says how long the queue is, not how long an exchange takes alone. With --batch a request
    /// holds many exchanges: the rate is still of exchanges, the latency of requests.
    Run(RunArguments),
    /// Reports the server's memory with many customers stored and some of them active.
    ///
    /// Seeds up to --customers, reads the resident memory, touches --active accounts by an exchange on each
    /// customer's two accounts, reads it again. Restart the server after seeding, and run this again, to see it
    /// without what seeding left resident.
    Memory(MemoryArguments),
}

/// Which server.
#[derive(Debug, Args)]
pub(crate) struct TargetArguments {
    /// Where the server listens; loopback only.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// The file with the server's token.
    #[arg(long, default_value = "data/token", value_name = "FILE")]
    pub(crate) token_file: PathBuf,
}

#[derive(Debug, Args)]
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
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    /// The file of ids that `seed` wrote.
    #[arg(long, default_value = "target/loadtest-customers.tsv", value_name = "FILE")]
    pub(crate) customers_file: PathBuf,
    /// Exchanges in each request: POST /v1/exchanges:batch, each exchange with a key and an outcome of its own.
    /// Without it, POST /v1/exchanges with one.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) batch: Option<u16>,
    /// Connections, each with one request in flight.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    pub(crate) connections: u16,
    /// How long to measure, such as 30s or 5m; an hour at most.
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub(crate) duration: Duration,
    /// How long to drive before measuring.
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub(crate) warmup: Duration,
    /// `alternate`: each customer buys and sells in turn. Or weights such as 70:30 of buys to sells.
    #[arg(long, default_value = "alternate")]
    pub(crate) mix: Mix,
    /// Drives only the first so many customers of the file; see the limits below.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) hot: Option<u32>,
    /// Threads of the generator. One does 100,000 requests a second; more take cores from the server.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: u16,
    /// How long a request may take before it counts as a connection error.
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub(crate) deadline: Duration,
    /// The server's process: reports the CPU that it took.
    #[arg(long, value_name = "PID")]
    pub(crate) server_pid: Option<u32>,
    /// Writes the result as JSON too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Fails below so many exchanges a second.
    #[arg(long, value_name = "PER_SECOND")]
    pub(crate) min_rate: Option<u64>,
    /// Fails when the 99th percentile is above.
    #[arg(long, value_name = "MS")]
    pub(crate) max_p99_ms: Option<u64>,
    /// A problem's code that is no failure of the run, such as limit_daily; may be given several times.
    #[arg(long, value_name = "CODE")]
    pub(crate) expect: Vec<String>,
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

/// `500ms`, `30s`, `5m`; an hour at most, so that nothing here runs for ever.
fn duration(text: &str) -> Result<Duration, String> {
    let unit_from = text.find(|c: char| !c.is_ascii_digit()).ok_or("a duration needs a unit: 500ms, 30s or 5m")?;
    let (number, unit) = text.split_at(unit_from);
    let number: u64 = number.parse().map_err(|_| format!("{text:?} does not begin with a number"))?;
    let millis = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        _ => return Err(format!("unknown unit {unit:?}: use ms, s or m")),
    };
    millis.filter(|millis| *millis <= 3_600_000).map(Duration::from_millis).ok_or("an hour at most".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_a_unit_and_an_end() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        for bad in ["", "5", "s", "5h", "61m", "-1s", "1.5s", "99999999999999999999m"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
