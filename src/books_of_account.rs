//! Where the configuration keeps the bank's own books, and how they are opened. Here alone a store of the books is chosen.
//! Callers: `startup`, and the commands of `hwan ledger`.

use std::{path::Path, sync::Arc};

use hwan_domain::{currency::CurrencySet, ledger::Chart};

use crate::{
    accounting::{books::Books, embedded::EmbeddedBooks, event_reader::EventReader, poster::PosterParts},
    clock::Clock,
    config::{Config, ConfigError, chart, store::StoreKind},
    storage::{
        general_ledger::port::GeneralLedger,
        mysql::MysqlBooks,
        sqlite::{SqliteBooks, SqliteOptions},
    },
    store_of_record::OpenError,
};

/// What the books are opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BooksUse {
    /// To post: they are created where they are new.
    Post,
    /// To be read, beside whoever posts or without.
    Read,
}

/// The books, open.
pub struct OpenBooks {
    /// As whoever posts sees them.
    pub ledger: Arc<dyn GeneralLedger>,
    /// The chart that they are kept by.
    pub chart: Arc<Chart>,
}

impl OpenBooks {
    /// Opens them.
    pub async fn open(config: &Config, currencies: Arc<CurrencySet>, used: BooksUse) -> Result<Self, OpenError> {
        let chart = Arc::new(chart_of(&config.accounting.chart_file)?);
        let ledger: Arc<dyn GeneralLedger> = match config.accounting.kind {
            StoreKind::Embedded => {
                let directory = &config.store.directory;
                Arc::new(match used {
                    BooksUse::Post => {
                        SqliteBooks::open(directory, currencies, &chart, &SqliteOptions::default()).await?
                    }
                    BooksUse::Read => SqliteBooks::open_read_only(directory, currencies, &chart).await?,
                })
            }
            StoreKind::Mysql => {
                let options = config.accounting.mysql(&config.store.mysql).options()?;
                Arc::new(match used {
                    BooksUse::Post => MysqlBooks::open(&options, currencies, Arc::clone(&chart)).await?,
                    BooksUse::Read => MysqlBooks::open_read_only(&options, currencies, Arc::clone(&chart)).await?,
                })
            }
        };
        Ok(Self { ledger, chart })
    }

    /// As what follows the engine in its own process.
    pub fn embedded(&self, currencies: Arc<CurrencySet>, clock: Arc<dyn Clock>) -> EmbeddedBooks {
        EmbeddedBooks::new(PosterParts {
            ledger: Arc::clone(&self.ledger),
            chart: Arc::clone(&self.chart),
            reader: EventReader::new(currencies),
            clock,
        })
    }

    /// As readers see them.
    pub fn books(&self) -> Books {
        Books::new(Arc::clone(&self.ledger), Arc::clone(&self.chart))
    }
}

impl std::fmt::Debug for OpenBooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenBooks").field("ledger", &self.ledger.name()).finish_non_exhaustive()
    }
}

/// The chart in a file, or the built-in one.
fn chart_of(file: &Path) -> Result<Chart, ConfigError> {
    if file.as_os_str().is_empty() { chart::built_in() } else { chart::from_file(file) }
}
