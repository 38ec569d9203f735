//! A consumer on a thread of its own, since librdkafka waits by blocking; how one waits for its end, and ends it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rdkafka::error::KafkaError;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

/// How long a consumer may take to end its round.
const ENDED_WITHIN: Duration = Duration::from_secs(15);
/// How often it is looked whether the consumer is still at work.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// Why there is no consumer.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// Kafka's library refuses.
    #[error("kafka cannot be read: {0}: look at outbox.kafka")]
    Kafka(#[from] KafkaError),
    /// No thread.
    #[error("the consumer's thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// A consumer at work; dropping it ends it after its round.
#[derive(Debug)]
pub struct RunningConsumer {
    name: &'static str,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl RunningConsumer {
    /// Starts one on a thread of this name; it ends its work soon after `stop` is set.
    pub fn start(
        name: &'static str,
        stop: Arc<AtomicBool>,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<Self, ConsumerError> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(Self { name, stop, thread: Some(thread) })
    }

    /// Whether its thread is gone.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(thread::JoinHandle::is_finished)
    }

    /// Waits for SIGTERM or SIGINT; `false` where the consumer ended before.
    pub async fn until_signal(&self) -> bool {
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::error!("signals cannot be received");
            return false;
        };
        let mut look = tokio::time::interval(LOOKED_AT_EVERY);
        loop {
            tokio::select! {
                _ = terminate.recv() => return true,
                _ = interrupt.recv() => return true,
                _ = look.tick() => {
                    if self.has_ended() {
                        tracing::error!(consumer = self.name, "the consumer has ended by itself");
                        return false;
                    }
                }
            }
        }
    }

    /// Ends it after its round. One that waits for a database or a broker is left behind: whatever it was at takes effect as a whole or
    /// not at all.
    pub async fn end(self) {
        let (done, ended) = oneshot::channel();
        // Not a task of the runtime's: that one would wait for it, however long it takes.
        let _left_behind = thread::spawn(move || {
            drop(self);
            let _nobody_waits = done.send(());
        });
        if tokio::time::timeout(ENDED_WITHIN, ended).await.is_err() {
            tracing::warn!(seconds = ENDED_WITHIN.as_secs(), "the consumer did not end in time: it is left behind");
        }
    }
}

impl Drop for RunningConsumer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(consumer = self.name, "the consumer panicked");
        }
    }
}
