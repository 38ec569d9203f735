//! `hwan ledger`: the bank's own books, printed. Reads beside a running hwan or without one; `redeliver` alone changes them.

use std::{
    io::{self, Write},
    sync::Arc,
};

use actix_web::rt;
use clap::{ArgGroup, Subcommand, ValueEnum};
use hwan_domain::{
    board::{Board, ROUNDS_REMEMBERED_MAX},
    currency::CurrencySet,
    id::{LaneId, Position},
    time::BusinessDate,
};

use super::{EXIT_FAILURE, EXIT_OK, EXIT_USAGE};
use crate::{
    accounting::{
        books::{Books, BooksError, DeadLetter},
        catch_up, compare,
        event_reader::EventReader,
        lag, positions,
        poster::PosterParts,
        redelivery,
        report::{self, shown::Format},
        verdict::Stop,
    },
    books_of_account::{BooksUse, OpenBooks},
    clock::{Clock, SystemClock},
    config::{Config, ConfigError, Overrides},
    storage::port::{LedgerStore, StoreError},
    store_of_record::{OpenError, StoreOfRecord},
};

/// Dead letters that are printed at most; the rest is counted by `lag`.
const LETTERS_SHOWN_MAX: usize = 10_000;
/// Dead letters that one read brings.
const LETTERS_READ_MAX: usize = 1_000;

const EXAMPLES: &str = "\
Examples:
  hwan ledger trial-balance --data /var/lib/hwan
  hwan ledger trial-balance --as-of 2026-11-23 --format json
  hwan ledger lag                          how far the books are behind the engine
  hwan ledger compare                      prove that engine and books agree
  hwan ledger redeliver --all              post after all what could not be posted

Exit codes:
  0  fine
  1  something was found (sides that differ, a lane that stopped, a dead letter, a
     position at its hard mark, books that disagree with the engine), or the books
     cannot be read
  2  the command line or the configuration is wrong";

/// What is printed of the books.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum LedgerCommand {
    /// Print every account's turnovers, and whether both sides are equal in each currency.
    #[command(after_help = EXAMPLES)]
    TrialBalance {
        /// Up to the end of this business date, such as 2026-11-23; without it everything that is posted.
        #[arg(long, value_name = "DATE", value_parser = date)]
        as_of: Option<BusinessDate>,
        /// In which form.
        #[arg(long, value_enum, default_value_t = FormatArg::Table)]
        format: FormatArg,
    },
    /// Print the bank's currency positions: what is open, what it has earned, and how far it is from its limits.
    Positions {
        /// In which form.
        #[arg(long, value_enum, default_value_t = FormatArg::Table)]
        format: FormatArg,
    },
    /// Print how far the books are behind the engine, lane by lane.
    Lag {
        /// In which form.
        #[arg(long, value_enum, default_value_t = FormatArg::Table)]
        format: FormatArg,
    },
    /// Print the records that could not be posted and wait to be redelivered.
    DeadLetters {
        /// Of this lane alone.
        #[arg(long, value_name = "N", value_parser = lane)]
        lane: Option<LaneId>,
        /// In which form.
        #[arg(long, value_enum, default_value_t = FormatArg::Table)]
        format: FormatArg,
    },
    /// Prove that engine and books agree: what all customers' accounts held where the books stand equals the control accounts.
    ///
    /// Reads every balance, beside a running hwan or without one.
    Compare {
        /// In which form.
        #[arg(long, value_enum, default_value_t = FormatArg::Table)]
        format: FormatArg,
    },
    /// Bring the books up to the engine's journal, past Kafka: where the topic has lost what they want next, or was made anew.
    ///
    /// Beside a running hwan accounting or without one; nothing is posted twice.
    CatchUp {
        /// This lane alone.
        #[arg(long, value_name = "N", value_parser = lane)]
        lane: Option<LaneId>,
    },
    /// Post after all what could not be posted, once its cause is gone; doing it twice posts once.
    #[command(group(ArgGroup::new("which").required(true).args(["lane", "all"])))]
    Redeliver {
        /// Of this lane alone.
        #[arg(long, value_name = "N", value_parser = lane)]
        lane: Option<LaneId>,
        /// Of every lane.
        #[arg(long)]
        all: bool,
    },
}

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatArg {
    /// Columns, for people.
    Table,
    /// JSON, for programs; every amount is a text.
    Json,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Table => Format::Table,
            FormatArg::Json => Format::Json,
        }
    }
}

pub(super) fn date(text: &str) -> Result<BusinessDate, String> {
    BusinessDate::parse(text).ok_or_else(|| "write a date such as 2026-11-23".to_owned())
}

fn lane(text: &str) -> Result<LaneId, String> {
    text.parse().ok().and_then(LaneId::new).ok_or_else(|| "a lane is a number from 0 to 32767".to_owned())
}

#[derive(Debug, thiserror::Error)]
enum LedgerError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the books are turned off: set accounting.enabled")]
    Off,
    #[error(transparent)]
    CatchUp(Stop),
    #[error("the books cannot be opened: {0}")]
    Books(StoreError),
    #[error(transparent)]
    Read(#[from] BooksError),
    #[error("the engine's store cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
}

impl LedgerError {
    const fn exit_code(&self) -> u8 {
        match self {
            LedgerError::Config(_) | LedgerError::Off => EXIT_USAGE,
            _ => EXIT_FAILURE,
        }
    }

    fn of_books(error: OpenError) -> Self {
        match error {
            OpenError::Config(error) => LedgerError::Config(error),
            OpenError::Store(error) => LedgerError::Books(error),
        }
    }

    fn of_store(error: OpenError) -> Self {
        match error {
            OpenError::Config(error) => LedgerError::Config(error),
            OpenError::Store(error) => LedgerError::Store(error),
        }
    }
}

impl LedgerCommand {
    /// Does it; returns the exit code.
    pub(super) fn run(&self, overrides: &Overrides) -> u8 {
        let mut out = io::stdout().lock();
        match rt::System::new().block_on(self.print(overrides, &mut out)) {
            Ok(true) => EXIT_OK,
            Ok(false) => EXIT_FAILURE,
            Err(error) => {
                let _written = writeln!(io::stderr(), "hwan: {error}");
                error.exit_code()
            }
        }
    }

    /// Prints it; whether nothing was found.
    async fn print(&self, overrides: &Overrides, out: &mut impl Write) -> Result<bool, LedgerError> {
        let config = Config::load(overrides)?;
        if !config.accounting.enabled {
            return Err(LedgerError::Off);
        }
        let currencies = Arc::new(config.rates.currencies()?);
        let used = match self {
            LedgerCommand::Redeliver { .. } | LedgerCommand::CatchUp { .. } => BooksUse::Post,
            _ => BooksUse::Read,
        };
        let open = OpenBooks::open(&config, Arc::clone(&currencies), used);
        let open = open.await.map_err(LedgerError::of_books)?;
        let books = open.books();
        Ok(match self {
            LedgerCommand::TrialBalance { as_of, format } => {
                let balance = books.trial_balance(*as_of).await?;
                report::trial_balance::write(&balance, books.chart(), (*format).into(), out)?
            }
            LedgerCommand::Positions { format } => {
                let limits = config.positions.limits(&currencies)?;
                let store = engine_store(&config, &currencies).await?;
                let board = Board::new(store.pairs(ROUNDS_REMEMBERED_MAX).await?);
                let lines = positions::read(&books, &currencies, &board, &limits).await?;
                report::positions::write(&lines, (*format).into(), out)?
            }
            LedgerCommand::Lag { format } => {
                let store = engine_store(&config, &currencies).await?;
                let lanes = lanes(&books, store.as_ref()).await?;
                report::lag::write(&lanes, SystemClock.now(), (*format).into(), out)?
            }
            LedgerCommand::DeadLetters { lane, format } => {
                report::dead_letters::write(&letters(&books, *lane).await?, (*format).into(), out)?
            }
            LedgerCommand::Compare { format } => {
                let store = engine_store(&config, &currencies).await?;
                let proofs = compare::compare(store.as_ref(), open.ledger.as_ref(), &open.chart).await?;
                report::proof::write(&proofs, (*format).into(), out)?
            }
            LedgerCommand::CatchUp { lane } => {
                let store: Arc<dyn LedgerStore> = Arc::from(engine_store(&config, &currencies).await?);
                let heads = store.lane_heads().await?;
                let lanes = heads.iter().map(|head| head.lane).filter(|of| lane.is_none_or(|lane| lane == *of));
                let lanes: Vec<LaneId> = lanes.collect();
                let parts = PosterParts {
                    ledger: open.ledger.clone(),
                    chart: Arc::clone(&open.chart),
                    reader: EventReader::new(currencies),
                    clock: Arc::new(SystemClock),
                };
                let mut tell = |lane, seq| drop(writeln!(io::stderr(), "lane {lane}: posted up to {seq}"));
                let caught_up = catch_up::catch_up(&parts, &store, &lanes, &mut tell).await;
                let caught_up = caught_up.map_err(LedgerError::CatchUp)?;
                open.ledger.close().await;
                report::lag::write_caught_up(&caught_up, out)?
            }
            LedgerCommand::Redeliver { lane, all: _ } => {
                let (ledger, reader) = (open.ledger.as_ref(), EventReader::new(currencies));
                let redelivered = redelivery::redeliver(ledger, &open.chart, &reader, *lane, SystemClock.now());
                let redelivered = redelivered.await.map_err(LedgerError::Books)?;
                open.ledger.close().await;
                report::dead_letters::write_redelivered(&redelivered, out)?
            }
        })
    }
}

/// The engine's store, to be read.
async fn engine_store(config: &Config, currencies: &Arc<CurrencySet>) -> Result<Box<dyn LedgerStore>, LedgerError> {
    let store = StoreOfRecord::open_read_only(&config.store, Arc::clone(currencies));
    store.await.map_err(LedgerError::of_store)
}

/// Every lane of the engine with its books. The books are read first, so that they are never ahead of it.
async fn lanes(books: &Books, store: &dyn LedgerStore) -> Result<Vec<lag::LaneLag>, LedgerError> {
    let progress = books.progress().await?;
    let heads = store.lane_heads().await?;
    let mut lanes = lag::lanes(heads.iter().map(|head| (head.lane, head.seq)), &progress);
    for lane in lanes.iter_mut().filter(|lane| lane.records() > 0) {
        let Some(next) = lane.ledger.next() else { continue };
        let waits = store.journal(lane.lane, next, 1).await?;
        lane.waits_since = waits.first().map(|row| row.record.at);
    }
    Ok(lanes)
}

/// All dead letters, up to as many as are printed.
async fn letters(books: &Books, lane: Option<LaneId>) -> Result<Vec<DeadLetter>, LedgerError> {
    let mut letters: Vec<DeadLetter> = Vec::new();
    let mut after: Option<Position> = None;
    while letters.len() < LETTERS_SHOWN_MAX {
        let page = books.dead_letters(lane, after, LETTERS_READ_MAX).await?;
        let is_last = page.len() < LETTERS_READ_MAX;
        after = page.last().map(|letter| letter.position);
        letters.extend(page);
        if is_last {
            break;
        }
    }
    Ok(letters)
}
