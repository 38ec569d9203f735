//! `hwan watch`: the process that watches from Kafka. Its wiring, from the configuration to its end.
//!
//! One that is killed leaves nothing half done: another one, or the same started again, goes on from where the lanes were last put away,
//! and tells nothing twice. The policy's measures need the engine and are taken by `hwan serve` alone: this process tells.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use actix_web::{HttpServer, rt};
use tokio::runtime::Handle;

use crate::{
    api::watch_admin,
    books_of_account::{BooksUse, OpenBooks},
    cli::{EXIT_FAILURE, EXIT_OK},
    clock::SystemClock,
    config::{Config, ConfigError, Overrides, outbox::OutboxKind},
    startup::StartupError,
    telemetry::{log, metrics},
    watch::{
        conditions::{self, Looked},
        kafka::{
            consumer::{self, ConsumerParts},
            publisher::Publisher,
        },
    },
};

/// Runs until a signal; returns the exit code.
pub(crate) fn run(overrides: &Overrides) -> u8 {
    let ended = rt::System::new().block_on(async {
        let config = Config::load(overrides)?;
        log::install(&config.log)?;
        watch(&config).await
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

/// Watches until a signal; whether it ended by one.
async fn watch(config: &Config) -> Result<bool, StartupError> {
    refuse_without_kafka(config)?;
    metrics::install()?;
    let currencies = Arc::new(config.rates.currencies()?);
    let open = OpenBooks::open(config, Arc::clone(&currencies), BooksUse::Post)
        .await
        .map_err(|error| StartupError::of_books(config, error))?;
    let watch = open.watch(config, &currencies, Arc::new(SystemClock))?;
    let options = config.kafka_options()?;
    let client = options.client().map_err(|error| ConfigError::Bound {
        field: "outbox.kafka.properties",
        found: error.to_string(),
        advice: "see docs/events.md".to_owned(),
    })?;
    let publisher = Publisher::new(
        open.ledger.clone(),
        Arc::new(SystemClock),
        client.clone(),
        config.watch.topic.clone(),
        options.replication_factor,
    );
    let its = watch.clone();
    let server = HttpServer::new(move || watch_admin::app(its.clone()))
        .workers(1)
        .shutdown_timeout(1)
        .disable_signals()
        .bind(config.watch.listen)
        .map_err(|cause| StartupError::Listen { address: config.watch.listen, option: "watch.listen", cause })?;
    let address = server.addrs().first().copied();
    let server = server.run();
    let handle = server.handle();
    let serving = rt::spawn(server);
    let looked = Looked {
        watch: watch.clone(),
        books: open.ledger.clone(),
        chart: Arc::clone(&open.chart),
        every: Duration::from_secs(config.watch.look_seconds),
    };
    let background = [
        rt::spawn(metrics::upkeep()),
        rt::spawn(publisher.run()),
        // The engine is another process: its lanes are as far as their events have come.
        rt::spawn(conditions::run(looked, Vec::new)),
    ];
    let parts = ConsumerParts { client, topic: options.topic, group: config.watch.group.clone(), watch };
    let running = consumer::start(parts, Handle::current())?;
    let at = address.map(|address| address.to_string()).unwrap_or_default();
    // Nobody may be reading: that is no reason to stop.
    let _written = writeln!(io::stdout(), "hwan watches from kafka; how it is: http://{at}/readyz");
    tracing::info!(books = open.ledger.name(), address = at, "watching");
    let ended_by_signal = running.until_signal().await;
    // It puts its lanes away, for which this thread's runtime has to go on.
    running.end().await;
    background.into_iter().for_each(|task| task.abort());
    open.ledger.close().await;
    handle.stop(true).await;
    let _ended = serving.await;
    tracing::info!("the watch has stopped");
    Ok(ended_by_signal)
}

fn refuse_without_kafka(config: &Config) -> Result<(), ConfigError> {
    let refused = |field, found: &str, advice: &str| {
        Err(ConfigError::Bound { field, found: found.to_owned(), advice: advice.to_owned() })
    };
    if config.outbox.kind != OutboxKind::Kafka {
        let advice = "hwan watch reads from kafka: set \"kafka\"; with \"embedded\" hwan serve watches itself";
        return refused("outbox.kind", &format!("{:?}", config.outbox.kind).to_lowercase(), advice);
    }
    if !config.accounting.enabled {
        let advice = "set it to true: alerts lie in the database of the books";
        return refused("accounting.enabled", "false", advice);
    }
    if !config.watch.enabled {
        return refused("watch.enabled", "false", "set it to true: this process does nothing else");
    }
    Ok(())
}
