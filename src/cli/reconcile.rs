//! `hwan reconcile`: proves that a day agrees, two ways, and says where it does not. Reads beside a running hwan or without one; writes
//! the books' history and snapshots alone.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal, Write},
    path::PathBuf,
    sync::Arc,
};

use actix_web::rt;
use clap::{Args, ValueEnum};
use hwan_domain::{
    id::AccountId,
    reconciliation::{Reconciliation, RunId},
    time::BusinessDate,
};

use super::{EXIT_FAILURE, EXIT_OK, EXIT_USAGE};
use crate::{
    books_of_account::{BooksUse, OpenBooks},
    clock::{Clock, SystemClock},
    config::{Config, ConfigError, Overrides},
    reconciliation::{
        history, one_account, report,
        run::{self, Begin, BooksParts, Failure, Parts, Plan},
    },
    storage::port::StoreError,
    store_of_record::{OpenError, StoreOfRecord},
};

/// It could not be done.
const EXIT_NOT_DONE: u8 = 3;

const EXAMPLES: &str = "\
Examples:
  hwan reconcile                            the newest day that is over
  hwan reconcile --date 2026-11-22 --format html --out day.html
  hwan reconcile --account acc_0008000000007
                                            one account, posting by posting
  hwan reconcile --no-snapshot              from the journal's beginning

Exit codes:
  0  everything agrees
  1  something breaks: the report says what and where
  2  the command line or the configuration is wrong
  3  it could not be done: the day is not over, or a store cannot be read";

/// What is reconciled, and how it is told.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReconcileArgs {
    /// This business date, such as 2026-11-22; without it the newest that every lane has passed. Today cannot be: it is not over.
    #[arg(long, value_name = "DATE", value_parser = date)]
    date: Option<BusinessDate>,
    /// In which form.
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    format: FormatArg,
    /// Into this file instead of the standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// This account alone: every entry of its passbook against the record that it names.
    #[arg(long, value_name = "ID", value_parser = account, conflicts_with_all = ["date", "no_snapshot"])]
    account: Option<AccountId>,
    /// Walk the journal from its beginning, as if there were no snapshot.
    #[arg(long)]
    no_snapshot: bool,
    /// How long to rest after each read, in percent of the time that it took: more is gentler to an engine at work.
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    rest: u32,
}

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// For people at a terminal.
    Text,
    /// For programs; every amount is a text.
    Json,
    /// One page for a browser.
    Html,
}

fn date(text: &str) -> Result<BusinessDate, String> {
    BusinessDate::parse(text).ok_or_else(|| "write a date such as 2026-11-22".to_owned())
}

fn account(text: &str) -> Result<AccountId, String> {
    text.parse().map_err(|error: hwan_domain::id::IdError| error.to_string())
}

#[derive(Debug, thiserror::Error)]
enum ReconcileError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Failed(#[from] Failure),
    #[error("the books cannot be opened: {0}")]
    Books(StoreError),
    #[error("the ledger cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error("the report cannot be written: {0}")]
    Output(#[from] io::Error),
}

impl ReconcileError {
    const fn exit_code(&self) -> u8 {
        match self {
            ReconcileError::Config(_) => EXIT_USAGE,
            _ => EXIT_NOT_DONE,
        }
    }

    fn of_store(error: OpenError) -> Self {
        match error {
            OpenError::Config(error) => ReconcileError::Config(error),
            OpenError::Store(error) => ReconcileError::Store(error),
        }
    }
}

impl ReconcileArgs {
    /// Does it; returns the exit code.
    pub(super) fn run(&self, overrides: &Overrides) -> u8 {
        run::give_way();
        match rt::System::new().block_on(self.reconcile(overrides)) {
            Ok(true) => EXIT_OK,
            Ok(false) => EXIT_FAILURE,
            Err(error) => {
                let _written = writeln!(io::stderr(), "hwan: {error}");
                error.exit_code()
            }
        }
    }

    /// Whether everything agrees.
    async fn reconcile(&self, overrides: &Overrides) -> Result<bool, ReconcileError> {
        let config = Config::load(overrides)?;
        let currencies = Arc::new(config.rates.currencies()?);
        let reads = StoreOfRecord::open_reconciliation(&config.store, Arc::clone(&currencies));
        let mut reads = reads.await.map_err(ReconcileError::of_store)?;
        if let Some(account) = self.account {
            let seen = one_account::look(reads.as_mut(), account, &currencies).await?;
            reads.close().await;
            let mut out = self.output()?;
            one_account::write(&seen, &mut out)?;
            out.flush()?;
            return Ok(seen.is_clean());
        }
        let books = match config.accounting.enabled {
            true => {
                let open = OpenBooks::open(&config, Arc::clone(&currencies), BooksUse::Post).await;
                let open = open.map_err(|error| match error {
                    OpenError::Config(error) => ReconcileError::Config(error),
                    OpenError::Store(error) => ReconcileError::Books(error),
                })?;
                Ok(BooksParts { ledger: open.ledger, chart: open.chart })
            }
            false => Err("the books are turned off: accounting.enabled".to_owned()),
        };
        let memory =
            Err("no engine runs in this process: POST /v1/reconciliations compares a server's memory".to_owned());
        let mut parts = Parts { reads, books, memory, currencies };
        let result = self.noted(&mut parts).await;
        parts.reads.close().await;
        if let Ok(books) = &parts.books {
            books.ledger.close().await;
        }
        let result = result?;
        let mut out = self.output()?;
        match self.format {
            FormatArg::Text => report::text::write(&result, &mut out)?,
            FormatArg::Json => writeln!(out, "{:#}", report::json::value(&result))?,
            FormatArg::Html => out.write_all(report::html::page(&result).as_bytes())?,
        }
        out.flush()?;
        Ok(result.is_clean())
    }

    /// Reconciles, and notes it in the books' history, where there are books.
    async fn noted(&self, parts: &mut Parts) -> Result<Reconciliation, ReconcileError> {
        let id = RunId::at(SystemClock.now());
        let begin = if self.no_snapshot { Begin::AtBeginning } else { Begin::AtSnapshot };
        let plan = Plan { date: self.date, begin, rest_percent: self.rest, ..Plan::default() };
        if let Ok(books) = &parts.books {
            books.ledger.note_run(&history::begun(id, plan.date)).await.map_err(ReconcileError::Books)?;
        }
        let is_terminal = io::stderr().is_terminal();
        let mut tell = |progress: &str| {
            let mut out = io::stderr().lock();
            // On a terminal one line is written over and over.
            let _written = if is_terminal { write!(out, "\r\x1b[2K{progress}") } else { writeln!(out, "{progress}") };
            let _flushed = out.flush();
        };
        let result = run::reconcile(parts, &plan, id, &mut tell).await;
        if is_terminal {
            let _written = write!(io::stderr(), "\r\x1b[2K");
        }
        if let Ok(books) = &parts.books {
            books.ledger.note_run(&history::ended(id, plan.date, &result)).await.map_err(ReconcileError::Books)?;
        }
        Ok(result?)
    }

    fn output(&self) -> io::Result<Box<dyn Write>> {
        Ok(match &self.out {
            Some(path) => Box::new(BufWriter::new(File::create(path)?)),
            None => Box::new(BufWriter::new(io::stdout())),
        })
    }
}
