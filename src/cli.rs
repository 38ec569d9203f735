//! The command line.

mod close;
mod export;
mod ledger;
mod reconcile;
mod token;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use hwan_domain::time::Timestamp;
use hwan_scenarios::ScenarioArgs;

use crate::{accounting_process, config::Overrides, startup, watch_process};

/// Nothing is wrong.
pub const EXIT_OK: u8 = 0;
/// It failed: the log says why.
pub const EXIT_FAILURE: u8 = 1;
/// The command line or the configuration is wrong: nothing was started.
pub const EXIT_USAGE: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  hwan                                    start on 127.0.0.1:8080 with everything in ./data
  hwan --listen 127.0.0.1:0 --data /tmp/h start on any free port, with everything in /tmp/h
  hwan --config bank.toml                 start with a file of configuration over the defaults
  hwan token create --name app --role customer_channel
                                          make an API key for the caller app; a running hwan takes it
  hwan verify --data /tmp/h               prove that the ledger in /tmp/h follows from its journal
  hwan reconcile --data /tmp/h            prove that the newest business day that is over agrees, two ways
  HWAN_LOG__FORMAT=json hwan              set one field, here log.format, by the environment

Every field of the configuration is explained in config/default.toml. A field is
taken from the command line, else from the environment (HWAN_<SECTION>__<FIELD>),
else from the file, else from the defaults.

Exit codes:
  0  stopped in order
  1  failed
  2  the command line or the configuration is wrong: nothing was started";

/// A bank's 24-hour currency exchange: the engine, its HTTP API and its store in one program.
#[derive(Debug, Parser)]
#[command(name = "hwan", version, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// A TOML file of configuration, over the defaults.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,

    /// The directory of the store, the keys and the audit trail [default: ./data]
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,

    /// Where the API listens; beyond loopback only with TLS, port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT", global = true)]
    listen: Option<SocketAddr>,

    /// Where health, version and metrics are; beyond loopback only with TLS, port 0 takes a free one [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR:PORT", global = true)]
    admin_listen: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the engine and its API; the same as no command at all.
    Serve {
        /// For tests alone: the clock stands at this time until the admin port's /clock moves it. Takes a data directory
        /// that is new or was begun so, and loopback; demonstration rates are off unless the configuration asks for them.
        #[arg(long, value_name = "RFC3339", value_parser = time)]
        test_clock: Option<Timestamp>,
    },
    /// Make, list, rotate and revoke the API keys of callers; a running hwan notices within a second or two.
    Token {
        #[command(subcommand)]
        command: token::TokenCommand,
    },
    /// Keep the bank's books from Kafka, in a process of its own: where outbox.kind is "kafka". Any number of them share the lanes.
    Accounting,
    /// Watch the records from Kafka for what should never happen, in a process of its own: where outbox.kind is "kafka".
    Watch,
    /// Read the whole journal and prove that balances, facts, rounds and passbooks follow from it; beside a running engine
    /// or without one.
    ///
    /// Exit code 0: nothing is wrong. 1: something is, or the ledger cannot be read. 2: the command line is wrong.
    Verify,
    /// Prove that a business day agrees: journal, daily rows, passbooks, balances and books, account by account; beside a running
    /// engine or without one.
    Reconcile(reconcile::ReconcileArgs),
    /// Print the bank's own books: trial balance, positions, how far they are behind, what could not be posted.
    Ledger {
        #[command(subcommand)]
        command: ledger::LedgerCommand,
    },
    /// Export a sealed business day as Parquet files, to a directory or an S3-compatible store; docs/sealed-days.md explains them.
    Export(export::ExportCommand),
    /// Close business dates that are over, in their order, and print the closing; or say what is missing.
    Close(close::CloseArgs),
    /// Run scenario files against a running server and report each step; docs/scenarios.md explains the language.
    ///
    /// Exit code 0: all passed. 1: a scenario failed, or was skipped without --allow-skips. 2: the command line or a file
    /// is wrong, nothing was sent. 3: the server cannot be reached.
    Scenarios(ScenarioArgs),
}

impl Cli {
    /// Does what the command line says.
    pub fn run(self) -> ExitCode {
        let mut overrides = Overrides {
            file: self.config,
            listen: self.listen,
            admin_listen: self.admin_listen,
            directory: self.data,
            test_clock: None,
        };
        let code = match self.command.unwrap_or(Command::Serve { test_clock: None }) {
            Command::Serve { test_clock } => {
                overrides.test_clock = test_clock;
                startup::serve(&overrides)
            }
            Command::Token { command } => command.run(&overrides),
            Command::Ledger { command } => command.run(&overrides),
            Command::Export(command) => command.run(&overrides),
            Command::Close(args) => args.run(&overrides),
            Command::Accounting => accounting_process::run(&overrides),
            Command::Reconcile(args) => args.run(&overrides),
            Command::Watch => watch_process::run(&overrides),
            Command::Verify => startup::verify(&overrides),
            Command::Scenarios(args) => hwan_scenarios::run(&args),
        };
        ExitCode::from(code)
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| "write a time such as 2026-11-23T01:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_no_command_means_serve() {
        Cli::command().debug_assert();
        let cli = Cli::try_parse_from(["hwan", "--listen", "127.0.0.1:0"]).unwrap();
        assert!(cli.command.is_none() && cli.listen.is_some());
        let cli = Cli::try_parse_from(["hwan", "serve", "--data", "/tmp/h"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Serve { test_clock: None })) && cli.data.is_some());
        assert!(Cli::try_parse_from(["hwan", "--listen", "8080"]).is_err());
        assert!(Cli::try_parse_from(["hwan", "serve", "--test-clock", "2026-11-23T01:00:00Z"]).is_ok());
        assert!(Cli::try_parse_from(["hwan", "serve", "--test-clock", "tomorrow"]).is_err());
        assert!(Cli::try_parse_from(["hwan", "ledger", "trial-balance", "--as-of", "2026-11-23"]).is_ok());
        assert!(Cli::try_parse_from(["hwan", "ledger", "trial-balance", "--as-of", "yesterday"]).is_err());
        assert!(Cli::try_parse_from(["hwan", "ledger", "lag", "--format", "xml"]).is_err());
        assert!(Cli::try_parse_from(["hwan", "export", "--date", "2026-11-23", "--to", "/tmp/days"]).is_ok());
        assert!(Cli::try_parse_from(["hwan", "export", "--to", "/tmp/days"]).is_err());
        assert!(Cli::try_parse_from(["hwan", "close", "--date", "2026-11-23", "--format", "json"]).is_ok());
        assert!(Cli::try_parse_from(["hwan", "close", "--date", "23.11.2026"]).is_err());
        assert!(Cli::try_parse_from(["hwan", "reconcile", "--date", "2026-11-22", "--format", "html"]).is_ok());
        assert!(Cli::try_parse_from(["hwan", "reconcile", "--account", "cus_0008000000007"]).is_err());
    }
}
