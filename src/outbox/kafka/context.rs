//! What the client's own thread tells: that a message is delivered or not, that something is wrong, and its log.
//!
//! While no broker is there the client complains at every attempt: one line a minute is passed on, the rest is for debugging.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{DeliveryResult, ProducerContext},
};

use crate::outbox::delivered::Delivered;

/// How often a complaint is passed on.
const COMPLAINED_EVERY: Duration = Duration::from_secs(60);
/// The bits of a seq in what marks a message; a line's number stands above them.
const SEQ_BITS: u32 = 48;
/// Lines over one producer at most: a lane takes a new one with each generation.
const LINES_MAX: usize = 1 << 16;

const _: () = assert!(usize::BITS >= 64, "a message is marked by line and seq in one word");

/// What a producer's lines are told.
#[derive(Debug, Default)]
pub(super) struct Context {
    lines: RwLock<Vec<Arc<Delivered>>>,
    is_broken: AtomicBool,
    complained: Mutex<Option<Instant>>,
}

impl Context {
    /// A new line's number, if there may be another.
    pub(super) fn line(&self, delivered: &Arc<Delivered>) -> Option<usize> {
        let mut lines = self.lines.write().unwrap_or_else(PoisonError::into_inner);
        if self.is_broken() || lines.len() >= LINES_MAX {
            drop(lines);
            self.break_off();
            return None;
        }
        lines.push(Arc::clone(delivered));
        Some(lines.len() - 1)
    }

    /// What marks a message: its line and its seq.
    pub(super) const fn mark(line: usize, seq: u64) -> usize {
        (line << SEQ_BITS) | (seq as usize)
    }

    /// Whether the producer takes nothing any more.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::SeqCst)
    }

    /// The producer is given up, with all its lines.
    pub(super) fn break_off(&self) {
        self.is_broken.store(true, Ordering::SeqCst);
        for line in self.lines.read().unwrap_or_else(PoisonError::into_inner).iter() {
            line.break_off();
        }
    }

    fn complain(&self, error: &str, reason: &str) {
        let mut complained = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if complained.is_none_or(|last| now.duration_since(last) >= COMPLAINED_EVERY) {
            *complained = Some(now);
            tracing::warn!(error, reason, "kafka: further complaints of the next minute are logged at debug");
        } else {
            tracing::debug!(error, reason, "kafka");
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Debug | RDKafkaLogLevel::Info => tracing::trace!(facility, message, "kafka"),
            _ => self.complain(facility, message),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            if !self.is_broken() {
                tracing::warn!(%error, reason, "the producer is given up: another one goes on behind the last delivered record");
            }
            return self.break_off();
        }
        self.complain(&error.to_string(), reason);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, mark: usize) {
        let (line, seq) = (mark >> SEQ_BITS, (mark & ((1 << SEQ_BITS) - 1)) as u64);
        match result {
            Ok(_) => {
                let lines = self.lines.read().unwrap_or_else(PoisonError::into_inner);
                if let Some(line) = lines.get(line) {
                    line.arrived(seq);
                }
            }
            Err((error, _)) => {
                if !self.is_broken() {
                    tracing::warn!(seq, %error, "an event was not delivered: the producer is given up, another one goes on behind the last delivered record");
                }
                self.break_off();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::conformance::fixture::seq;

    #[test]
    fn a_lane_that_begins_anew_does_not_take_its_earlier_lines_messages_for_its_own() {
        let context = Context::default();
        let (before, after) = (Arc::new(Delivered::after(seq(4))), Arc::new(Delivered::after(seq(4))));
        let (old, new) = (context.line(&before).unwrap(), context.line(&after).unwrap());
        assert_ne!(Context::mark(old, 5), Context::mark(new, 5));
        assert_eq!(Context::mark(new, (1 << SEQ_BITS) - 1) >> SEQ_BITS, new);
        context.break_off();
        assert!(before.is_broken() && after.is_broken());
        assert_eq!(context.line(&after), None, "nothing begins over a producer that is given up");
    }
}
