//! Where the configuration keeps the bank's own books, and how they are opened. Here alone a store of the books is chosen.
//! Callers: `startup`, and the commands of `hwan ledger`.

use std::{path::Path, sync::Arc};

use hwan_domain::{currency::CurrencySet, ledger::Chart};

use crate::{
    accounting::{
        books::Books,
        embedded::EmbeddedBooks,
        event_reader::EventReader,
        late_ledger::{LateLedger, Opening},
        poster::PosterParts,
    },
    clock::Clock,
    config::{Config, ConfigError, chart, outbox::OutboxKind, store::StoreKind},
    outbox::{kafka, port::Follower},
    reconciliation::{
        self,
        run::{BooksParts, Parts},
        service::Reconciler,
    },
    storage::{
        general_ledger::books_store::BooksStore,
        mysql::MysqlBooks,
        port::StoreError,
        sqlite::{SqliteBooks, SqliteOptions},
    },
    store_of_record::{OpenError, StoreOfRecord},
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
    pub ledger: Arc<dyn BooksStore>,
    /// The chart that they are kept by.
    pub chart: Arc<Chart>,
}

impl OpenBooks {
    /// Opens them.
    pub async fn open(config: &Config, currencies: Arc<CurrencySet>, used: BooksUse) -> Result<Self, OpenError> {
        let chart = Arc::new(chart_of(&config.accounting.chart_file)?);
        let ledger: Arc<dyn BooksStore> = match config.accounting.kind {
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

    /// Opens them for a server whose exchanges do not wait for them: a database that is away, or that the process which keeps the
    /// books has not made yet, is opened when it is there.
    async fn for_server(config: &Config, currencies: &Arc<CurrencySet>, used: BooksUse) -> Result<Self, OpenError> {
        let is_local = used == BooksUse::Post && config.accounting.kind == StoreKind::Embedded;
        if is_local {
            return Self::open(config, Arc::clone(currencies), used).await;
        }
        // Before anything is tried: what is wrong in the configuration stops the start.
        let chart = Arc::new(chart_of(&config.accounting.chart_file)?);
        if config.accounting.kind == StoreKind::Mysql {
            config.accounting.mysql(&config.store.mysql).options()?;
        }
        let (config, currencies) = (config.clone(), Arc::clone(currencies));
        let open = move || -> Opening {
            let (config, currencies) = (config.clone(), Arc::clone(&currencies));
            Box::pin(async move {
                match Self::open(&config, currencies, used).await {
                    Ok(open) => Ok(open.ledger),
                    Err(OpenError::Store(error)) => Err(error),
                    Err(OpenError::Config(error)) => Err(StoreError::Unavailable(error.to_string())),
                }
            })
        };
        Ok(Self { ledger: Arc::new(LateLedger::open(open).await?), chart })
    }

    /// As what follows the engine in its own process.
    pub fn embedded(&self, currencies: Arc<CurrencySet>, clock: Arc<dyn Clock>) -> EmbeddedBooks {
        EmbeddedBooks::new(PosterParts {
            ledger: self.ledger.clone(),
            chart: Arc::clone(&self.chart),
            reader: EventReader::new(currencies),
            clock,
        })
    }

    /// As readers see them.
    pub fn books(&self) -> Books {
        Books::new(self.ledger.clone(), Arc::clone(&self.chart))
    }
}

impl std::fmt::Debug for OpenBooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenBooks").field("ledger", &self.ledger.name()).finish_non_exhaustive()
    }
}

/// What follows the engine of `hwan serve`, and the books that its API reads.
#[derive(Default)]
pub struct Following {
    /// Who takes committed records out of the engine.
    pub outbox: Option<Arc<dyn Follower>>,
    /// The books.
    pub books: Option<Books>,
    /// Their store, to be closed at the end.
    pub ledger: Option<Arc<dyn BooksStore>>,
    /// For what the store is open.
    used: Option<(BooksUse, Arc<Chart>)>,
}

impl Following {
    /// As the configuration says: books in this process, Kafka, or nobody.
    pub async fn open(
        config: &Config,
        currencies: &Arc<CurrencySet>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let is_embedded = config.outbox.kind == OutboxKind::Embedded;
        let used = if is_embedded { BooksUse::Post } else { BooksUse::Read };
        let open = match config.accounting.enabled {
            true => Some(OpenBooks::for_server(config, currencies, used).await?),
            false => None,
        };
        let outbox = match config.outbox.kind {
            OutboxKind::Embedded => {
                open.as_ref().map(|open| Arc::new(open.embedded(Arc::clone(currencies), clock)) as Arc<dyn Follower>)
            }
            OutboxKind::Kafka => Some(to_kafka(config)?),
            OutboxKind::Off => None,
        };
        let books = open.as_ref().map(OpenBooks::books);
        let used = open.as_ref().map(|open| (used, Arc::clone(&open.chart)));
        Ok(Self { outbox, books, ledger: open.map(|open| open.ledger), used })
    }

    /// Who reconciles in this server; `None` without books, where its history is kept. Books that are open to be read alone are
    /// opened once more for each, since the history is written.
    pub fn reconciler(&self, config: &Config, currencies: &Arc<CurrencySet>) -> Option<Arc<Reconciler>> {
        let (used, chart) = self.used.clone()?;
        let shared = self.ledger.clone()?;
        let (config, currencies, book) = (config.clone(), Arc::clone(currencies), Arc::clone(&shared));
        let open = move || -> reconciliation::service::Opening {
            let (config, currencies) = (config.clone(), Arc::clone(&currencies));
            let (chart, shared) = (Arc::clone(&chart), (used == BooksUse::Post).then(|| Arc::clone(&shared)));
            Box::pin(async move {
                let unavailable = |error: OpenError| match error {
                    OpenError::Store(error) => error,
                    OpenError::Config(error) => StoreError::Unavailable(error.to_string()),
                };
                let ledger = match shared {
                    Some(ledger) => ledger,
                    None => {
                        let open = Self::open_to_write(&config, &currencies).await;
                        open.map_err(unavailable)?
                    }
                };
                let reads = StoreOfRecord::open_reconciliation(&config.store, Arc::clone(&currencies));
                let reads = reads.await.map_err(unavailable)?;
                let memory = Err("the engine has not started".to_owned());
                Ok(Parts { reads, books: Ok(BooksParts { ledger, chart }), memory, currencies })
            })
        };
        Some(Reconciler::new(open, book))
    }

    async fn open_to_write(config: &Config, currencies: &Arc<CurrencySet>) -> Result<Arc<dyn BooksStore>, OpenError> {
        OpenBooks::open(config, Arc::clone(currencies), BooksUse::Post).await.map(|open| open.ledger)
    }
}

/// The relay.
fn to_kafka(config: &Config) -> Result<Arc<dyn Follower>, ConfigError> {
    kafka::outbox(config.kafka_options()?).map_err(|error| ConfigError::Bound {
        field: "outbox.kafka.properties",
        found: error.to_string(),
        advice: "see docs/events.md".to_owned(),
    })
}

/// The chart in a file, or the built-in one.
fn chart_of(file: &Path) -> Result<Chart, ConfigError> {
    if file.as_os_str().is_empty() { chart::built_in() } else { chart::from_file(file) }
}
