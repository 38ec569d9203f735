//! The ordered stop.
//!
//! | step | what holds afterwards |
//! |---|---|
//! | say no | `/readyz` is 503, answers close their connections |
//! | drain the engine | new work is *not done*, everything in flight is answered, the store and the books are closed |
//! | stop the servers | every answer is written, no connection is open; the admin port is the last |
//! | write down | when keys were last used, and the end of the audit trail |
//!
//! Bounded by `server.drain_seconds_max`; a second signal ends it at once. Whatever is cut off is safe: what was
//! acknowledged is durable, and a client retries the rest with the same key.

use std::{io, time::Duration};

use tokio::signal::unix::{SignalKind, signal};

use crate::{access::audit::Noted, startup::Running};

/// A stop that did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Unfinished {
    /// Signals cannot be received.
    #[error("signals cannot be received: {0}")]
    Signals(io::Error),
    /// The server ended by itself.
    #[error("the server ended by itself: {0}")]
    Server(String),
    /// The time was up.
    #[error("the stop took longer than {seconds} s (server.drain_seconds_max): {left} was left")]
    TimeUp {
        /// The time it had.
        seconds: u64,
        /// What was not done.
        left: Step,
    },
    /// A second signal came.
    #[error("a second signal cut the stop short: {left} was left")]
    SecondSignal {
        /// What was not done.
        left: Step,
    },
}

/// A step of the stop, by what is left while it is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The engine is answering.
    Engine,
    /// The server is writing.
    Server,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Step::Engine => "answering what was in flight",
            Step::Server => "writing the last answers and closing connections",
        })
    }
}

/// Runs until SIGTERM or SIGINT, then stops in order; returns once all is stopped, or why it is not.
pub async fn run_until_signal(mut running: Running) -> Result<(), Unfinished> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Unfinished::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Unfinished::Signals)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        ended = &mut running.api.serving => return Err(Unfinished::Server(format!("{ended:?}"))),
    }
    tracing::info!(seconds_max = running.drain_max.as_secs(), "stopping: a second signal stops at once");
    let second = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let mut left = Step::Engine;
    let time_up = tokio::time::sleep(running.drain_max);
    let seconds = running.drain_max.as_secs();
    let outcome = tokio::select! {
        () = stop(running, &mut left) => None,
        () = second => Some(Cut::SecondSignal),
        () = time_up => Some(Cut::TimeUp),
    };
    match outcome {
        None => Ok(()),
        Some(Cut::SecondSignal) => Err(Unfinished::SecondSignal { left }),
        Some(Cut::TimeUp) => Err(Unfinished::TimeUp { seconds, left }),
    }
}

enum Cut {
    SecondSignal,
    TimeUp,
}

/// Stops in order without a bound; `left` says what is under way.
pub async fn stop(running: Running, left: &mut Step) {
    let Running { context, api, admin, background, directory, ledger, watch, .. } = running;
    *left = Step::Engine;
    context.begin_draining();
    for task in background {
        task.abort();
    }
    context.engine.drain().await;
    if let Some(watch) = watch {
        watch.close().await;
    }
    if let Some(ledger) = ledger {
        ledger.close().await;
    }
    *left = Step::Server;
    for port in [api, admin] {
        port.server.stop(true).await;
        // It was told to end: how it ended tells nothing more.
        let _ended = tokio::time::timeout(Duration::from_secs(1), port.serving).await;
    }
    context.access.write_last_uses(&directory);
    context.audit.note(&Noted { event: "server_stopped", ..Noted::default() });
    context.audit.flush();
    tracing::info!("stopped");
}
