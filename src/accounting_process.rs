//! `hwan accounting`: the process that keeps the books from Kafka. Its wiring, from the configuration to its end.
//!
//! Any number of them may run: they share the lanes. One that is killed leaves nothing half done; another one, or the same started
//! again, goes on where the books stand.

use std::{
    io::{self, Write},
    sync::Arc,
};

use actix_web::{HttpServer, rt};
use tokio::runtime::Handle;

use crate::{
    accounting::{
        event_reader::EventReader,
        kafka::consumer::{self, ConsumerParts},
        poster::PosterParts,
    },
    api::accounting_admin,
    books_of_account::{BooksUse, OpenBooks},
    cli::{EXIT_FAILURE, EXIT_OK},
    clock::SystemClock,
    closing::{closer::Closer, follow},
    config::{Config, ConfigError, Overrides, outbox::OutboxKind},
    startup::StartupError,
    telemetry::{log, metrics},
};

/// Runs until a signal; returns the exit code.
pub(crate) fn run(overrides: &Overrides) -> u8 {
    let ended = rt::System::new().block_on(async {
        let config = Config::load(overrides)?;
        log::install(&config.log)?;
        keep_books(&config).await
    });
    match ended {
        Ok(true) => EXIT_OK,
        Ok(false) => EXIT_FAILURE,
        Err(error) => {
            // The log may not be there yet.
            let _written = writeln!(io::stderr(), "hwan: {error}");
            error.exit_code()
        }
    }
}

/// Keeps them until a signal; whether it ended by one.
async fn keep_books(config: &Config) -> Result<bool, StartupError> {
    refuse_without_kafka(config)?;
    metrics::install()?;
    let currencies = Arc::new(config.rates.currencies()?);
    let open = OpenBooks::open(config, Arc::clone(&currencies), BooksUse::Post)
        .await
        .map_err(|error| StartupError::of_books(config, error))?;
    let options = config.kafka_options()?;
    let client = options.client().map_err(|error| ConfigError::Bound {
        field: "outbox.kafka.properties",
        found: error.to_string(),
        advice: "see docs/events.md".to_owned(),
    })?;
    let poster = PosterParts {
        ledger: open.ledger.clone(),
        chart: Arc::clone(&open.chart),
        reader: EventReader::new(currencies),
        clock: Arc::new(SystemClock),
    };
    let parts = ConsumerParts {
        client,
        topic: options.topic,
        dead_letter_topic: config.outbox.kafka.dead_letter_topic.clone(),
        replication_factor: options.replication_factor,
        group: config.accounting.group.clone(),
        poster,
    };
    let books = open.books();
    let server = HttpServer::new(move || accounting_admin::app(books.clone()))
        .workers(1)
        .shutdown_timeout(1)
        .disable_signals()
        .bind(config.accounting.listen)
        .map_err(|cause| StartupError::Listen {
            address: config.accounting.listen,
            option: "accounting.listen",
            cause,
        })?;
    let address = server.addrs().first().copied();
    let server = server.run();
    let handle = server.handle();
    let serving = rt::spawn(server);
    let upkeep = rt::spawn(metrics::upkeep());
    let closer = Closer::new(Arc::clone(&open.ledger), config.engine.customer_lanes);
    let closing = rt::spawn(follow::follow(closer, Arc::new(SystemClock), config.business_day.schedule()?));
    let running = consumer::start(parts, Handle::current())?;
    let at = address.map(|address| address.to_string()).unwrap_or_default();
    // Nobody may be reading: that is no reason to stop.
    let _written = writeln!(io::stdout(), "hwan keeps the books from kafka; how it is: http://{at}/readyz");
    tracing::info!(books = open.ledger.name(), address = at, "accounting");
    let ended_by_signal = running.until_signal().await;
    // It ends after its round, for which this thread's runtime has to go on.
    running.end().await;
    closing.abort();
    open.ledger.close().await;
    upkeep.abort();
    handle.stop(true).await;
    let _ended = serving.await;
    tracing::info!("accounting has stopped");
    Ok(ended_by_signal)
}

fn refuse_without_kafka(config: &Config) -> Result<(), ConfigError> {
    let refused = |field, found: &str, advice: &str| {
        Err(ConfigError::Bound { field, found: found.to_owned(), advice: advice.to_owned() })
    };
    if config.outbox.kind != OutboxKind::Kafka {
        let advice =
            "hwan accounting reads from kafka: set \"kafka\"; with \"embedded\" hwan serve keeps the books itself";
        return refused("outbox.kind", &format!("{:?}", config.outbox.kind).to_lowercase(), advice);
    }
    if !config.accounting.enabled {
        return refused("accounting.enabled", "false", "set it to true: this process does nothing else");
    }
    Ok(())
}
