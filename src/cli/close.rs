//! `hwan close`: closes business dates, or says what is missing.

use std::{
    io::{self, Write},
    sync::Arc,
};

use actix_web::rt;
use clap::Args;
use hwan_domain::time::BusinessDate;

use super::{
    EXIT_FAILURE, EXIT_OK, EXIT_USAGE,
    ledger::{FormatArg, date},
};
use crate::{
    books_of_account::{BooksUse, OpenBooks},
    closing::{
        closer::{CloseError, Closer},
        report,
    },
    config::{Config, ConfigError, Overrides},
    storage::port::StoreError,
    store_of_record::OpenError,
};

/// The date cannot be closed yet.
const EXIT_NOT_YET: u8 = 3;

const EXAMPLES: &str = "\
Examples:
  hwan close --data /var/lib/hwan          close every business date that can be closed
  hwan close --date 2026-11-23             close this one, and what comes before it; print its closing
  hwan close --date 2026-11-23 --format json

Closing does by itself what this command does: soon after each roll, in hwan serve or
in hwan accounting. A date that is closed is drawn up again and compared.

Exit codes:
  0  closed, now or before; without --date also where nothing is to be closed
  1  a closed date is not what the books say now, or the books cannot be read
  2  the command line or the configuration is wrong
  3  the date cannot be closed yet: what is missing is printed";

/// What is to be closed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CloseArgs {
    /// This business date, such as 2026-11-23; without it every one that can be closed.
    #[arg(long, value_name = "DATE", value_parser = date)]
    date: Option<BusinessDate>,
    /// In which form.
    #[arg(long, value_enum, default_value_t = FormatArg::Table)]
    format: FormatArg,
}

#[derive(Debug, thiserror::Error)]
enum CloseFailure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the books are turned off: set accounting.enabled")]
    Off,
    #[error("the books cannot be opened: {0}")]
    Books(StoreError),
    #[error(transparent)]
    Close(#[from] CloseError),
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
}

impl CloseFailure {
    const fn exit_code(&self) -> u8 {
        match self {
            CloseFailure::Config(_) | CloseFailure::Off => EXIT_USAGE,
            CloseFailure::Close(CloseError::NotYet { .. } | CloseError::NoSuchDay { .. }) => EXIT_NOT_YET,
            _ => EXIT_FAILURE,
        }
    }
}

impl CloseArgs {
    /// Does it; returns the exit code.
    pub(super) fn run(&self, overrides: &Overrides) -> u8 {
        match rt::System::new().block_on(self.close(overrides, &mut io::stdout().lock())) {
            Ok(()) => EXIT_OK,
            Err(error) => {
                let _written = writeln!(io::stderr(), "hwan: {error}");
                error.exit_code()
            }
        }
    }

    async fn close(&self, overrides: &Overrides, out: &mut impl Write) -> Result<(), CloseFailure> {
        let config = Config::load(overrides)?;
        if !config.accounting.enabled {
            return Err(CloseFailure::Off);
        }
        let currencies = Arc::new(config.rates.currencies()?);
        let open = OpenBooks::open(&config, currencies, BooksUse::Post).await.map_err(|error| match error {
            OpenError::Config(error) => CloseFailure::Config(error),
            OpenError::Store(error) => CloseFailure::Books(error),
        })?;
        let closer = Closer::new(Arc::clone(&open.ledger), config.engine.customer_lanes);
        let (closings, next) = match self.date {
            Some(date) => (vec![closer.close(date).await?], None),
            None => {
                if let Some(newest) = closer.newest().await? {
                    closer.check(&newest).await?;
                }
                let mut closings = Vec::new();
                while let Some(closing) = closer.close_one().await? {
                    closings.push(closing);
                }
                (closings, closer.next().await?)
            }
        };
        open.ledger.close().await;
        Ok(report::write(&closings, next.as_ref(), &open.chart, self.format.into(), out)?)
    }
}
