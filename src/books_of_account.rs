//! Where the configuration keeps the bank's own books, and how they are opened. Here alone a store of the books is chosen.
//! Callers: `startup`, and the commands of `hwan ledger`.

use std::{path::Path, sync::Arc, time::Duration};

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
    closing::closer::Closer,
    config::{Config, ConfigError, chart, outbox::OutboxKind, store::StoreKind},
    outbox::{both::Both, kafka, port::Follower},
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
    watch::{
        desk::Desk,
        teller::Teller,
        watcher::{Watch, WatchParts},
    },
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
        // With Kafka another process keeps them, and may be making them just now.
        let is_local = config.outbox.kind == OutboxKind::Embedded && config.accounting.kind == StoreKind::Embedded;
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

    /// The watch, with its state and its alerts beside them.
    pub fn watch(
        &self,
        config: &Config,
        currencies: &Arc<CurrencySet>,
        clock: Arc<dyn Clock>,
    ) -> Result<Watch, ConfigError> {
        let engine = config.engine.limits();
        let mut policy = config.watch.policy(config.limits.policy(), currencies, engine.key_retention)?;
        // What waits for its turn is decided on the board that it saw when it came.
        let turn_seconds = i64::try_from(engine.command_deadline.as_secs()).unwrap_or(i64::MAX).saturating_add(5);
        policy.board_grace_seconds = policy.board_grace_seconds.max(turn_seconds);
        Ok(Watch::new(WatchParts {
            teller: Arc::new(Teller::new(self.ledger.clone(), clock, config.watch.measures()?)),
            policy: Arc::new(policy),
            currencies: Arc::clone(currencies),
            put_away_every: Duration::from_secs(config.watch.put_away_seconds),
            put_away_records: config.watch.put_away_records,
        }))
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
    /// What closes their days.
    pub closer: Option<Closer>,
    /// Whether they are kept in this process, so that it closes their days by itself.
    pub keeps_books: bool,
    /// Their store, to be closed at the end.
    pub ledger: Option<Arc<dyn BooksStore>>,
    /// The watch, where it is in this process, and the books that it looks at.
    pub watch: Option<(Watch, OpenBooks)>,
    /// Alerts, where anybody watches.
    pub desk: Option<Desk>,
    /// For what the store is open.
    used: Option<(BooksUse, Arc<Chart>)>,
}

impl Following {
    /// As the configuration says: books and watch in this process, Kafka, or nobody.
    pub async fn open(
        config: &Config,
        currencies: &Arc<CurrencySet>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        // Who answers for alerts writes to the books' database, whoever keeps the books.
        let used = match config.outbox.kind {
            OutboxKind::Embedded => BooksUse::Post,
            OutboxKind::Kafka if config.watch.enabled => BooksUse::Post,
            OutboxKind::Kafka | OutboxKind::Off => BooksUse::Read,
        };
        let open = match config.accounting.enabled {
            true => Some(OpenBooks::for_server(config, currencies, used).await?),
            false => None,
        };
        let watched = open.as_ref().filter(|_| config.watch.enabled);
        let desk = watched.map(|open| Desk::new(open.ledger.clone()));
        let (mut outbox, mut watch) = (None, None);
        match config.outbox.kind {
            OutboxKind::Embedded => {
                let books = open.as_ref().map(|open| open.embedded(Arc::clone(currencies), Arc::clone(&clock)));
                watch = watched.map(|open| open.watch(config, currencies, clock)).transpose()?;
                outbox = books.map(|books| beside(Arc::new(books), watch.clone()));
            }
            OutboxKind::Kafka => outbox = Some(to_kafka(config)?),
            OutboxKind::Off => {}
        }
        let books = open.as_ref().map(OpenBooks::books);
        let closer = open.as_ref().map(|open| Closer::new(Arc::clone(&open.ledger), config.engine.customer_lanes));
        let keeps_books = config.outbox.kind == OutboxKind::Embedded && open.is_some();
        let used = open.as_ref().map(|open| (used, Arc::clone(&open.chart)));
        let ledger = open.as_ref().map(|open| Arc::clone(&open.ledger));
        Ok(Self { outbox, books, closer, keeps_books, ledger, used, watch: watch.zip(open), desk })
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

/// The books, and the watch beside them, which counts for nothing.
fn beside(books: Arc<dyn Follower>, watch: Option<Watch>) -> Arc<dyn Follower> {
    match watch {
        Some(watch) => Arc::new(Both::new(books, Arc::new(watch))),
        None => books,
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
