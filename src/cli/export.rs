//! `hwan export`: a sealed day as files, for whoever computes on the journal without the engine. Reads beside a running hwan or without one.

use std::{
    io::{self, Write},
    sync::Arc,
};

use actix_web::rt;
use clap::Args;
use hwan_domain::time::BusinessDate;
use hwan_sealed::{Manifest, Place, SealedError, Written, day::Existing, table::Table};

use super::{EXIT_FAILURE, EXIT_OK, EXIT_USAGE, ledger::date};
use crate::{
    books_of_account::{BooksUse, OpenBooks},
    config::{Config, ConfigError, Overrides},
    sealing::{DaySource, SealingError, export::export, sealed::is_sealed},
    storage::port::StoreError,
    store_of_record::{OpenError, StoreOfRecord},
};

const EXAMPLES: &str = "\
Examples:
  hwan export --date 2026-11-23 --to /var/lib/hwan-days
  hwan export --date 2026-11-23 --to s3://bank-days/hwan
                                 endpoint and credentials by AWS_ENDPOINT_URL,
                                 AWS_REGION, AWS_ACCESS_KEY_ID …

A day that lies there already is computed again and compared: the same bytes are
nothing to do, others are an error. docs/sealed-days.md explains the tables and
how they are checked.

Exit codes:
  0  the day lies there
  1  it is not over for good yet, it differs from what lies there, or it could
     not be read or written
  2  the command line or the configuration is wrong";

/// Which day goes where.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExportCommand {
    /// The business date, such as 2026-11-23.
    #[arg(long, value_name = "DATE", value_parser = date)]
    date: BusinessDate,

    /// A directory, file:///directory or s3://bucket/prefix [default: sealing.url]
    #[arg(long, value_name = "URL")]
    to: Option<String>,

    /// Write the day anew where another lies there.
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("say where to with --to, or set sealing.url")]
    Nowhere,
    #[error(transparent)]
    Place(SealedError),
    #[error("the engine's store cannot be read: {0}")]
    Store(StoreError),
    #[error("the books cannot be opened: {0}")]
    Books(StoreError),
    #[error(transparent)]
    Sealing(#[from] SealingError),
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
}

impl ExportError {
    const fn exit_code(&self) -> u8 {
        match self {
            ExportError::Config(_) | ExportError::Nowhere | ExportError::Place(_) => EXIT_USAGE,
            _ => EXIT_FAILURE,
        }
    }
}

impl ExportCommand {
    /// Does it; returns the exit code.
    pub(super) fn run(&self, overrides: &Overrides) -> u8 {
        match rt::System::new().block_on(self.export(overrides)) {
            Ok(()) => EXIT_OK,
            Err(error) => {
                let _written = writeln!(io::stderr(), "hwan: {error}");
                error.exit_code()
            }
        }
    }

    async fn export(&self, overrides: &Overrides) -> Result<(), ExportError> {
        let config = Config::load(overrides)?;
        let to = self.to.as_deref().unwrap_or(&config.sealing.url);
        if to.is_empty() {
            return Err(ExportError::Nowhere);
        }
        let place = Place::open(to).map_err(ExportError::Place)?;
        let source = open(&config).await?;
        let sealed = is_sealed(&source, self.date).await?;
        let existing = if self.replace { Existing::Replace } else { Existing::Keep };
        let mut tell = |progress: &str| drop(writeln!(io::stderr(), "{progress}"));
        let (manifest, written) = export(&source, &sealed, &place, existing, &mut tell).await?;
        Ok(say(&manifest, written, &place, &mut io::stdout().lock())?)
    }
}

/// Store and books, to read only.
async fn open(config: &Config) -> Result<DaySource, ExportError> {
    let currencies = Arc::new(config.rates.currencies()?);
    let failed = |of: fn(StoreError) -> ExportError| {
        move |error: OpenError| match error {
            OpenError::Config(error) => ExportError::Config(error),
            OpenError::Store(error) => of(error),
        }
    };
    let store = StoreOfRecord::open_to_export(&config.store, Arc::clone(&currencies)).await;
    let store = store.map_err(failed(ExportError::Store))?;
    let open = match config.accounting.enabled {
        true => {
            let open = OpenBooks::open(config, Arc::clone(&currencies), BooksUse::Read).await;
            Some(open.map_err(failed(ExportError::Books))?)
        }
        false => None,
    };
    let books = open.as_ref().map(OpenBooks::books);
    let back_office = open.map(|open| open.ledger);
    Ok(DaySource { store, books, back_office, currencies })
}

fn say(manifest: &Manifest, written: Written, place: &Place, out: &mut impl Write) -> io::Result<()> {
    let how = match written {
        Written::New => "exported to",
        Written::There => "lies there already, the same:",
    };
    writeln!(out, "{} {how} {}", manifest.business_date, place.url())?;
    for table in Table::ALL {
        writeln!(out, "  {:<14} {:>12} rows", table.name(), manifest.rows_of(table))?;
    }
    writeln!(out, "  {:<14} {:>12} bytes in {} files", "together", manifest.bytes(), manifest.files.len())
}
