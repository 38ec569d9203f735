//! Reads the provider's key set again and again, and once more when a token names a key that is not in it.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{source::Source, verifier::Verifier};
use crate::telemetry::metrics::AccessMetrics;

/// How often the set is read while there is none.
const WITHOUT_KEYS: Duration = Duration::from_secs(10);

/// Reads the set once; says in the log if it cannot. The last good one stays.
pub async fn read_once(
    verifier: &Verifier,
    source: &Source,
    seen: &mut Vec<u8>,
    metrics: &AccessMetrics,
) -> Result<(), String> {
    let read = match source.read().await {
        Ok(json) if json == *seen => Ok(()),
        Ok(json) => verifier.take_key_set(&json).map(|keys| {
            tracing::info!(keys, ?source, "key set of the identity provider read");
            *seen = json;
        }),
        Err(cause) => Err(cause),
    };
    match &read {
        Ok(()) => metrics.key_set_read.increment(1),
        Err(cause) => {
            metrics.key_set_failed.increment(1);
            tracing::error!(%cause, ?source, "the key set of the identity provider cannot be read: the last good one stays");
        }
    }
    verifier.has_read();
    read
}

/// Reads the set every `refresh`, and earlier when a token names an unknown key.
pub async fn follow(
    verifier: Arc<Verifier>,
    source: Source,
    mut seen: Vec<u8>,
    refresh: Duration,
    metrics: AccessMetrics,
) {
    loop {
        let wait = if seen.is_empty() { WITHOUT_KEYS.min(refresh) } else { refresh };
        // Either somebody wants it or the time has come.
        let _wanted = timeout(wait, verifier.wanted.notified()).await;
        // Whether it was read is in the log and the metric.
        let _read = read_once(&verifier, &source, &mut seen, &metrics).await;
    }
}
