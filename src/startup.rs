//! The only place where rooms are wired together: configuration, log and metrics, data directory, token and keys,
//! store, engine, demonstration, HTTP server; then a banner. Each step that fails says what to do and undoes nothing
//! that is durable. Callers: `cli`, and tests that start the real thing.

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use actix_web::{HttpServer, dev::ServerHandle, rt, web::Data};
use hwan_domain::currency::CurrencySet;
use tokio::task::JoinHandle;

use crate::{
    access::{first_key, gate::Access, key_file::KeyFileError},
    actors::engine::{Engine, EngineParts, Placement, StartError},
    api::{
        context::{Context, EngineHandle},
        json::BodyLimits,
        rate_stream::Streams,
        router,
    },
    cli::{EXIT_FAILURE, EXIT_OK, EXIT_USAGE},
    clock::{Clock, SystemClock},
    config::{Config, ConfigError, Overrides, server::ServerConfig},
    demonstration::{self, DemonstrationCustomer, DemonstrationError},
    quotes::keyring::{Keyring, KeyringError},
    secret_file::{self, SecretFileError},
    shutdown,
    storage::{
        port::{LedgerStore, StoreError},
        sqlite::{SqliteOptions, SqliteStore},
    },
    telemetry::{
        log::{self, LogError},
        metrics::{self, MetricsError},
    },
    verify::walk,
};

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
    /// No keys to sign quotes.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The store cannot be used.
    #[error("the store in {directory} cannot be used: {cause}")]
    Store {
        /// The data directory.
        directory: PathBuf,
        /// Why.
        cause: StoreError,
    },
    /// The engine did not open.
    #[error("the engine did not start: {0}")]
    Engine(#[from] StartError),
    /// The demonstration was refused.
    #[error(transparent)]
    Demonstration(#[from] DemonstrationError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}, choose another with --listen: {cause}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// Why.
        cause: io::Error,
    },
}

impl StartupError {
    const fn exit_code(&self) -> u8 {
        match self {
            StartupError::Config(_) | StartupError::Log(_) => EXIT_USAGE,
            _ => EXIT_FAILURE,
        }
    }
}

/// Everything that runs.
pub struct Running {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Where the first key's text lies, if it still does.
    pub token_path: Option<PathBuf>,
    /// Whom to try it out with, if the demonstration is on.
    pub demonstration: Option<DemonstrationCustomer>,
    pub(crate) context: Data<Context>,
    pub(crate) server: ServerHandle,
    pub(crate) serving: JoinHandle<io::Result<()>>,
    pub(crate) background: Vec<JoinHandle<()>>,
    pub(crate) drain_max: Duration,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

/// `hwan serve`: starts, says where, runs until a signal, stops in order. Returns the exit code.
pub fn serve(overrides: &Overrides) -> u8 {
    let result = rt::System::new().block_on(async {
        let config = Config::load(overrides)?;
        log::install(&config.log)?;
        let running = start(&config, Arc::new(SystemClock)).await?;
        // Nobody may be reading: that is no reason to stop.
        let _written = write_banner(&mut io::stdout().lock(), &running);
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
        let directory = &config.store.directory;
        let failed = |cause| StartupError::Store { directory: directory.clone(), cause };
        let store = SqliteStore::open_read_only(directory, currencies).await.map_err(failed)?;
        let mut tell = |progress: &str| drop(writeln!(io::stderr(), "{progress}"));
        walk::verify(&store, &mut tell).await.map_err(failed)
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

/// Starts everything; within an actix system. Returns once requests are answered.
pub async fn start(config: &Config, clock: Arc<dyn Clock>) -> Result<Running, StartupError> {
    let currencies = Arc::new(config.rates.currencies()?);
    metrics::install()?;
    let directory = &config.store.directory;
    secret_file::create_directory(directory)?;
    let opened_keys = first_key::open(directory, SystemClock.now())?;
    // Keys live by the machine's clock, whatever the engine goes by.
    let access = Arc::new(Access::new(&opened_keys.keys, config.access.pace(), Arc::new(SystemClock)));
    let keyring = Keyring::open(&directory.join("quote-keys.toml"))?;
    let store = open_store(directory, Arc::clone(&currencies))
        .await
        .map_err(|cause| StartupError::Store { directory: directory.clone(), cause })?;
    let store_name = store.name();
    let engine = Engine::start(EngineParts {
        store,
        clock,
        currencies: Arc::clone(&currencies),
        policy: config.limits.policy(),
        guard: config.rates.guard(),
        quote_lifetime_max: config.quotes.lifetime_max(),
        limits: config.engine.limits(),
        publishers: Vec::new(),
        placement: Placement::OwnArbiters,
    })
    .await?;
    let context = Data::new(Context {
        engine: EngineHandle(engine.clone()),
        currencies,
        keyring,
        access,
        quote_lifetime: Duration::from_secs(config.quotes.lifetime_seconds.into()),
        quote_lifetime_max: config.quotes.lifetime_max(),
        body: BodyLimits { bytes_max: config.server.body_bytes_max, timeout: config.server.body_timeout() },
        store_name,
        streams: Streams::default(),
        draining: AtomicBool::new(false),
    });
    let opened = open_to_the_world(config, &engine, &context).await;
    let (demonstration, (address, server, serving)) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            engine.drain().await;
            return Err(error);
        }
    };
    let mut background = vec![rt::spawn(metrics::upkeep())];
    if demonstration.is_some() {
        background.push(rt::spawn(demonstration::keep_publishing(engine)));
    }
    tracing::info!(%address, store = %context.store_name, "open");
    Ok(Running {
        address,
        token_path: opened_keys.token_path,
        demonstration,
        context,
        server,
        serving,
        background,
        drain_max: config.server.drain_max(),
    })
}

/// The store of record. Here alone a store is chosen.
async fn open_store(directory: &Path, currencies: Arc<CurrencySet>) -> Result<Arc<dyn LedgerStore>, StoreError> {
    let store = SqliteStore::open(directory, currencies, SqliteOptions::default()).await?;
    Ok(Arc::new(store))
}

type Serving = (SocketAddr, ServerHandle, JoinHandle<io::Result<()>>);

/// What follows once the engine is open; if it fails, the engine is drained.
async fn open_to_the_world(
    config: &Config,
    engine: &Engine,
    context: &Data<Context>,
) -> Result<(Option<DemonstrationCustomer>, Serving), StartupError> {
    let demonstration = if config.rates.demonstration {
        demonstration::publish_rounds(engine).await.map_err(DemonstrationError::from)?;
        Some(demonstration::open_customer(engine).await?)
    } else {
        None
    };
    let address = config.server.listen;
    let serving = listen(&config.server, context.clone()).map_err(|cause| StartupError::Listen { address, cause })?;
    Ok((demonstration, serving))
}

fn listen(config: &ServerConfig, context: Data<Context>) -> io::Result<Serving> {
    let server = HttpServer::new(move || router::app(context.clone()))
        .workers(config.workers)
        .max_connections(config.connections_max.div_ceil(config.workers))
        .backlog(config.backlog)
        .keep_alive(Duration::from_secs(config.keep_alive_seconds))
        .tcp_nodelay(true)
        .client_request_timeout(Duration::from_millis(config.head_timeout_ms))
        .shutdown_timeout(config.drain_seconds_max)
        .disable_signals()
        .bind(config.listen)?;
    let address = server.addrs().first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let server = server.run();
    let handle = server.handle();
    Ok((address, handle, rt::spawn(server)))
}

/// Where it listens, where the token lies, and a first line to try.
fn write_banner(out: &mut impl Write, running: &Running) -> io::Result<()> {
    let Running { address, token_path, demonstration, .. } = running;
    let token = match token_path {
        Some(path) => {
            writeln!(out, "hwan listens on http://{address}, its token lies in {}", path.display())?;
            format!("$(cat {})", shell_word(path))
        }
        None => {
            writeln!(out, "hwan listens on http://{address}")?;
            "$TOKEN".to_owned()
        }
    };
    match demonstration {
        Some(DemonstrationCustomer { customer, .. }) => {
            writeln!(out, "A first exchange, at demonstration rates:\n")?;
            writeln!(
                out,
                "curl -sS -X POST http://{address}/v1/exchanges -H \"Authorization: Bearer {token}\" \
                 -H \"Idempotency-Key: first-exchange\" -H \"Content-Type: application/json\" \
                 -d '{{\"customer_id\":\"{customer}\",\"side\":\"buy\",\"currency\":\"USD\",\
                 \"foreign_amount\":{{\"amount\":\"100.00\",\"currency\":\"USD\"}}}}'\n"
            )?;
        }
        None => writeln!(out, "curl -sS http://{address}/v1/rates -H \"Authorization: Bearer {token}\"")?,
    }
    out.flush()
}

/// A path as one word of a shell's command line, inside double quotes.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte);
    if text.bytes().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_one_word() {
        assert_eq!(shell_word(Path::new("data/token")), "data/token");
        assert_eq!(shell_word(Path::new("my data/it's")), r"'my data/it'\''s'");
    }
}
