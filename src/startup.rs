//! The only place where rooms are wired together: configuration, log and metrics, data directory, keys and audit trail,
//! store, engine, demonstration, the two ports; then a banner. Each step that fails says what to do and undoes nothing
//! that is durable. Callers: `cli`, and tests that start the real thing.

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use actix_web::{rt, web::Data};
use hwan_domain::{currency::CurrencySet, id::LaneId};
use hwan_sealed::{Place, SealedError};
use tokio::task::JoinHandle;

use crate::{
    access::{
        audit::{AuditTrail, Noted},
        audit_file::AuditFileError,
        first_key,
        gate::Access,
        jwt::{
            follow,
            source::{Source, SourceError},
            verifier::Verifier,
        },
        key_file::KeyFileError,
        key_watch::KeyWatch,
        last_use,
    },
    accounting::position_watch::{self, Watched},
    actors::{
        engine::{Engine, EngineParts, Placement, StartError},
        view::LaneView,
    },
    api::{
        context::{Context, EngineHandle},
        host::Hosts,
        json::BodyLimits,
        rate_stream::Streams,
    },
    banner,
    books_of_account::{Following, OpenBooks},
    cli::{EXIT_FAILURE, EXIT_OK, EXIT_USAGE},
    clock::{Clock, SystemClock, TestClock},
    closing,
    config::{
        Config, ConfigError, Overrides,
        jwt::JwtConfig,
        store::{StoreConfig, StoreKind},
    },
    demonstration::{self, DemonstrationCustomer, DemonstrationError},
    kafka_group::running::ConsumerError,
    ports::{self, Port},
    quotes::keyring::{Keyring, KeyringError},
    sealing::{
        DaySource,
        after_closing::{self, AfterClosing, Exports},
    },
    secret_file::{self, SecretFileError},
    shutdown,
    storage::{general_ledger::books_store::BooksStore, port::StoreError},
    store_of_record::{OpenError, StoreOfRecord},
    telemetry::{
        log::{self, LogError},
        metrics::{self, MetricsError},
    },
    tls::{Certificates, TlsError},
    verify::walk,
    watch::{
        conditions::{self, Head, Looked},
        watcher::Watch,
    },
    watch_hand::EngineHand,
};

/// How often the bank's positions are looked at.
const POSITIONS_LOOKED_AT_EVERY: Duration = Duration::from_secs(2);

/// Why hwan did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log cannot be set up as configured.
    #[error(transparent)]
    Log(#[from] LogError),
    /// No metrics.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The data directory cannot be used.
    #[error(transparent)]
    Directory(#[from] SecretFileError),
    /// No API keys.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// No audit trail.
    #[error(transparent)]
    Audit(#[from] AuditFileError),
    /// No certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The identity provider's key set cannot be read.
    #[error("access.jwt.key_set {path} cannot be used: {cause}")]
    KeySet {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The identity provider's key set cannot be asked for.
    #[error(transparent)]
    KeySetSource(#[from] SourceError),
    /// The clock is not the one that the data directory goes by.
    #[error("{directory} {has}: {advice}")]
    WrongClock {
        /// The data directory.
        directory: PathBuf,
        /// By which clock it goes.
        has: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// No keys to sign quotes.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The store cannot be used.
    #[error("the store {place} cannot be used: {cause}")]
    Store {
        /// The data directory, or the server.
        place: String,
        /// Why.
        cause: StoreError,
    },
    /// The engine did not open.
    #[error("the engine did not start: {0}")]
    Engine(#[from] StartError),
    /// The demonstration was refused.
    #[error(transparent)]
    Demonstration(#[from] DemonstrationError),
    /// Kafka cannot be read.
    #[error(transparent)]
    Consumer(#[from] ConsumerError),
    /// Sealed days have no place.
    #[error("sealing.url: {0}")]
    Sealed(#[from] SealedError),
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}, choose another with {option}: {cause}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// What chooses another.
        option: &'static str,
        /// Why.
        cause: io::Error,
    },
}

impl StartupError {
    fn of_store(config: &StoreConfig, error: OpenError) -> Self {
        let place = match config.kind {
            StoreKind::Embedded => format!("in {}", config.directory.display()),
            StoreKind::Mysql => "of store.mysql".to_owned(),
        };
        match error {
            OpenError::Config(error) => StartupError::Config(error),
            OpenError::Store(cause) => StartupError::Store { place, cause },
        }
    }

    pub(crate) fn of_books(config: &Config, error: OpenError) -> Self {
        let place = match config.accounting.kind {
            StoreKind::Embedded => format!("of the books in {}", config.store.directory.display()),
            StoreKind::Mysql => "of accounting.url".to_owned(),
        };
        match error {
            OpenError::Config(error) => StartupError::Config(error),
            OpenError::Store(cause) => StartupError::Store { place, cause },
        }
    }

    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            StartupError::Config(_) | StartupError::Log(_) | StartupError::KeySetSource(_) => EXIT_USAGE,
            _ => EXIT_FAILURE,
        }
    }
}

/// Everything that runs.
pub struct Running {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Where those who run it ask.
    pub admin_address: SocketAddr,
    /// Where the first key's text lies, if it still does.
    pub token_path: Option<PathBuf>,
    /// Whom to try it out with, if the demonstration is on.
    pub demonstration: Option<DemonstrationCustomer>,
    pub(crate) context: Data<Context>,
    pub(crate) api: Port,
    pub(crate) admin: Port,
    pub(crate) background: Vec<JoinHandle<()>>,
    pub(crate) directory: PathBuf,
    pub(crate) ledger: Option<Arc<dyn BooksStore>>,
    pub(crate) watch: Option<Watch>,
    pub(crate) drain_max: Duration,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Running {
    /// The engine, for a program that drives it within its own process.
    pub fn engine(&self) -> Engine {
        self.context.engine.0.clone()
    }
}

/// `hwan serve`: starts, says where, runs until a signal, stops in order. Returns the exit code.
pub fn serve(overrides: &Overrides) -> u8 {
    let result = rt::System::new().block_on(async {
        let config = Config::load(overrides)?;
        log::install(&config.log)?;
        let running = match config.test_clock.map(TestClock::at).map(Arc::new) {
            None => {
                refuse_clock_of_tests(&config.store.directory)?;
                start(&config, Arc::new(SystemClock)).await?
            }
            Some(clock) => {
                mark_clock_of_tests(&config.store.directory)?;
                start_by(&config, Arc::clone(&clock) as Arc<dyn Clock>, Some(clock)).await?
            }
        };
        // Nobody may be reading: that is no reason to stop.
        let _written = banner::write(&mut io::stdout().lock(), &running);
        Ok::<_, StartupError>(shutdown::run_until_signal(running).await)
    });
    match result {
        Ok(Ok(())) => EXIT_OK,
        Ok(Err(unfinished)) => {
            tracing::error!(%unfinished, "stopped out of order");
            EXIT_FAILURE
        }
        Err(error) => {
            // The log may not be there yet.
            let _written = writeln!(io::stderr(), "hwan: {error}");
            error.exit_code()
        }
    }
}

/// `hwan verify`: reads the ledger and says whether all of it follows from the journal. Returns the exit code.
pub fn verify(overrides: &Overrides) -> u8 {
    let result = rt::System::new().block_on(async {
        let config = Config::load(overrides)?;
        let currencies = Arc::new(config.rates.currencies()?);
        let store = StoreOfRecord::open_read_only(&config.store, currencies)
            .await
            .map_err(|error| StartupError::of_store(&config.store, error))?;
        let mut tell = |progress: &str| drop(writeln!(io::stderr(), "{progress}"));
        walk::verify(store.as_ref(), &mut tell)
            .await
            .map_err(|error| StartupError::of_store(&config.store, error.into()))
    });
    match result {
        Ok(report) => {
            let written = report.write(&mut io::stdout().lock());
            if report.is_clean() && written.is_ok() { EXIT_OK } else { EXIT_FAILURE }
        }
        Err(error) => {
            let _written = writeln!(io::stderr(), "hwan: {error}");
            error.exit_code()
        }
    }
}

/// The file that says by which clock a data directory goes.
const CLOCK_MARKER: &str = "test-clock";

/// What was made at a test's times is not continued at the machine's: its days and limits would be nonsense.
fn refuse_clock_of_tests(directory: &Path) -> Result<(), StartupError> {
    if !directory.join(CLOCK_MARKER).exists() {
        return Ok(());
    }
    Err(StartupError::WrongClock {
        directory: directory.to_owned(),
        has: "was begun with a test clock",
        advice: "take another --data, or start with --test-clock",
    })
}

/// A ledger of the machine's time never meets a test clock.
fn mark_clock_of_tests(directory: &Path) -> Result<(), StartupError> {
    let marker = directory.join(CLOCK_MARKER);
    if !marker.exists() && directory.join("ledger.db").exists() {
        return Err(StartupError::WrongClock {
            directory: directory.to_owned(),
            has: "goes by the machine's clock",
            advice: "take a new directory by --data for a server with --test-clock",
        });
    }
    secret_file::create_directory(directory)?;
    Ok(secret_file::replace(&marker, "This ledger was made by hwan serve --test-clock: its times are a test's.\n")?)
}

/// Starts everything; within an actix system. Returns once requests are answered.
pub async fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Running, StartupError> {
    start_by(config, clock, None).await
}

/// The same; where the engine's clock is a `test_clock`, the admin port moves it.
async fn start_by(
    config: &Config,
    clock: Arc<dyn Clock>,
    test_clock: Option<Arc<TestClock>>,
) -> Result<Running, StartupError> {
    let currencies = Arc::new(config.rates.currencies()?);
    metrics::install()?;
    let directory = &config.store.directory;
    secret_file::create_directory(directory)?;
    let (certificates, tls) = config.server.tls.files().map(Certificates::open).transpose()?.unzip();
    let opened_keys = first_key::open(directory, SystemClock.now())?;
    // Keys and the audit trail go by the machine's clock, whatever the engine goes by.
    let access = Access::new(&opened_keys.keys, config.access.pace(), Arc::new(SystemClock));
    let provider = open_provider(&config.access.jwt, &access).await?;
    let access = Arc::new(access.with_tokens(provider.as_ref().map(|provider| Arc::clone(&provider.verifier))));
    access.set_last_uses(&last_use::read(directory));
    let audit = AuditTrail::open(directory, config.audit.limits(), Arc::new(SystemClock))?;
    let keyring = Keyring::open(&directory.join("quote-keys.toml"))?;
    let store = StoreOfRecord::open(&config.store, Arc::clone(&currencies))
        .await
        .map_err(|error| StartupError::of_store(&config.store, error))?;
    let following = Following::open(config, &currencies, Arc::clone(&clock))
        .await
        .map_err(|error| StartupError::of_books(config, error))?;
    let reconciler = following.reconciler(config, &currencies);
    let position_limits = Arc::new(config.positions.limits(&currencies)?);
    let interest = Arc::new(config.interest.rates(&currencies)?);
    let store_name = store.store.name();
    let lanes = (0..=config.engine.customer_lanes).filter_map(LaneId::new).collect();
    let expiring = store.let_keys_expire(lanes, Arc::clone(&clock), config.engine.limits().key_retention);
    let sealing = seal_days(config, &store, &following, &currencies)?;
    let business_day = config.business_day.schedule()?;
    let closing = following.closer.clone().filter(|_| following.keeps_books);
    let closing = closing.map(|closer| closing::follow::follow(closer, Arc::clone(&clock), business_day));
    let engine = Engine::start(EngineParts {
        store: store.store,
        clock,
        currencies: Arc::clone(&currencies),
        business_day,
        policy: config.limits.policy(),
        guard: config.rates.guard(),
        interest,
        quote_lifetime_max: config.quotes.lifetime_max(),
        limits: config.engine.limits(),
        outbox: following.outbox,
        placement: Placement::OwnArbiters,
    })
    .await?;
    if let Some(reconciler) = &reconciler {
        reconciler.compare_memory(Arc::new(engine.clone()));
    }
    let context = Data::new(Context {
        engine: EngineHandle(engine.clone()),
        books: following.books,
        closer: following.closer,
        desk: following.desk,
        reconciler: reconciler.clone(),
        position_limits,
        currencies,
        keyring,
        access: Arc::clone(&access),
        audit,
        hosts: Hosts::new(&[config.server.listen.ip(), config.admin.listen.ip()], &config.server.hosts),
        test_clock,
        quote_lifetime: Duration::from_secs(config.quotes.lifetime_seconds.into()),
        quote_lifetime_max: config.quotes.lifetime_max(),
        body: BodyLimits { bytes_max: config.server.body_bytes_max, timeout: config.server.body_timeout() },
        store_name,
        streams: Streams::default(),
        draining: AtomicBool::new(false),
    });
    let opened = open_to_the_world(config, tls.as_ref(), &engine, &context).await;
    let (demonstration, api, admin) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            engine.drain().await;
            return Err(error);
        }
    };
    let mut background = vec![rt::spawn(metrics::upkeep()), rt::spawn(KeyWatch::new(access, directory).follow())];
    background.extend(expiring.map(rt::spawn));
    background.extend(closing.map(rt::spawn));
    if let Some(Provider { verifier, source, seen, refresh }) = provider {
        let metrics = context.access.metrics().clone();
        background.push(rt::spawn(follow::follow(verifier, source, seen, refresh, metrics)));
    }
    if let Some(certificates) = certificates {
        background.push(rt::spawn(certificates.follow()));
    }
    background.extend(watch_positions(&context).map(rt::spawn));
    if let Some(work) = sealing {
        background.push(rt::spawn(after_closing::start(work).map_err(StartupError::Thread)?));
    }
    if let Some((watch, open)) = &following.watch {
        background.push(rt::spawn(watch_conditions(config, watch, open, &engine)));
    }
    if demonstration.is_some() {
        background.push(rt::spawn(demonstration::keep_publishing(engine)));
    }
    context.audit.note(&Noted { event: "server_started", detail: Some(env!("CARGO_PKG_VERSION")), ..Noted::default() });
    tracing::info!(address = %api.address, admin = %admin.address, store = %context.store_name, "open");
    Ok(Running {
        address: api.address,
        admin_address: admin.address,
        token_path: opened_keys.token_path,
        demonstration,
        context,
        api,
        admin,
        background,
        directory: directory.clone(),
        ledger: following.ledger,
        watch: following.watch.map(|(watch, _)| watch),
        drain_max: config.server.drain_max(),
    })
}

/// Exports days as they become sealed, and lets go what is exported, where the configuration says so.
fn seal_days(
    config: &Config,
    store: &StoreOfRecord,
    following: &Following,
    currencies: &Arc<CurrencySet>,
) -> Result<Option<AfterClosing>, StartupError> {
    let sealing = &config.sealing;
    if !sealing.export_after_closing && !sealing.delete_exported {
        return Ok(None);
    }
    let source = DaySource {
        store: store.days(),
        books: following.books.clone(),
        back_office: following.ledger.clone(),
        currencies: Arc::clone(currencies),
    };
    let deletion = store.mysql().filter(|_| sealing.delete_exported).map(|store| (store, sealing.pace()));
    let exports = if sealing.export_after_closing { Exports::Here } else { Exports::Elsewhere };
    Ok(Some(AfterClosing { source, place: Place::open(&sealing.url)?, exports, deletion }))
}

/// Watches the bank's positions, where this server has books to read them from.
fn watch_positions(context: &Data<Context>) -> Option<impl Future<Output = ()> + use<>> {
    let watched = Watched {
        books: context.books.clone()?,
        currencies: Arc::clone(&context.currencies),
        limits: Arc::clone(&context.position_limits),
        every: POSITIONS_LOOKED_AT_EVERY,
    };
    let engine = context.engine.0.clone();
    Some(position_watch::run(watched, move || engine.board()))
}

/// Gives the watch its hand, and has it look at the books against the engine's lanes.
fn watch_conditions(
    config: &Config,
    watch: &Watch,
    open: &OpenBooks,
    engine: &Engine,
) -> impl Future<Output = ()> + use<> {
    watch.parts().teller.give_hand(Arc::new(EngineHand(engine.clone())));
    let looked = Looked {
        watch: watch.clone(),
        books: open.ledger.clone(),
        chart: Arc::clone(&open.chart),
        every: Duration::from_secs(config.watch.look_seconds),
    };
    let engine = engine.clone();
    conditions::run(looked, move || {
        let head = |view: LaneView| Head { lane: view.lane, seq: view.durable, waits_since: view.waits_since };
        engine.lanes().into_iter().map(head).collect()
    })
}

/// The identity provider, if the configuration has one.
struct Provider {
    verifier: Arc<Verifier>,
    source: Source,
    seen: Vec<u8>,
    refresh: Duration,
}

/// Reads the provider's key set. A URL that does not answer is tried again later: the bank's own keys work all the same;
/// a file that cannot be read is a mistake of the configuration.
async fn open_provider(config: &JwtConfig, access: &Access) -> Result<Option<Provider>, StartupError> {
    if !config.enabled {
        return Ok(None);
    }
    let source = Source::of(&config.key_set, config.key_set_ca())?;
    let verifier = Arc::new(Verifier::new(config));
    let mut seen = Vec::new();
    let read = follow::read_once(&verifier, &source, &mut seen, access.metrics()).await;
    if let (Err(cause), Source::File(path)) = (read, &source) {
        return Err(StartupError::KeySet { path: path.clone(), cause });
    }
    let refresh = Duration::from_secs(u64::from(config.key_set_refresh_minutes) * 60);
    Ok(Some(Provider { verifier, source, seen, refresh }))
}

/// What follows once the engine is open; if it fails, the engine is drained.
async fn open_to_the_world(
    config: &Config,
    tls: Option<&rustls::ServerConfig>,
    engine: &Engine,
    context: &Data<Context>,
) -> Result<(Option<DemonstrationCustomer>, Port, Port), StartupError> {
    let demonstration = if config.rates.demonstration {
        demonstration::publish_rounds(engine).await.map_err(DemonstrationError::from)?;
        Some(demonstration::open_customer(engine).await?)
    } else {
        None
    };
    let (address, option) = (config.admin.listen, "--admin-listen");
    let admin = ports::listen_for_admin(address, &config.server, tls, context.clone())
        .map_err(|cause| StartupError::Listen { address, option, cause })?;
    let (address, option) = (config.server.listen, "--listen");
    match ports::listen(&config.server, tls, context.clone()) {
        Ok(api) => Ok((demonstration, api, admin)),
        Err(cause) => {
            admin.server.stop(false).await;
            Err(StartupError::Listen { address, option, cause })
        }
    }
}
