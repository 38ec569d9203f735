//! A producer at work, and the lines of lanes over it.

use std::{sync::Arc, thread};

use hwan_domain::id::{LaneId, Seq};
use rdkafka::{
    error::RDKafkaErrorCode,
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, Producer, ThreadedProducer},
};

use super::{
    context::Context,
    settings::{KafkaOptions, SettingsError},
};
use crate::{
    outbox::{
        delivered::Delivered,
        event::{self, Labels},
        relay::{Line, NotTaken},
    },
    storage::port::{ChainHash, Epoch, JournalRow},
};

/// A producer. It has a thread of its own for what Kafka answers.
pub(super) struct Session {
    /// Always there, but while it is dropped.
    producer: Option<ThreadedProducer<Context>>,
    topic: String,
}

impl Session {
    /// Begins; connects by itself, now or later.
    pub(super) fn begin(options: &KafkaOptions) -> Result<Self, SettingsError> {
        let producer = options
            .producer()?
            .create_with_context::<_, ThreadedProducer<Context>>(Context::default())
            .map_err(|error| SettingsError::Refused(error.to_string()))?;
        Ok(Self { producer: Some(producer), topic: options.topic.clone() })
    }

    /// The producer.
    pub(super) fn producer(&self) -> &ThreadedProducer<Context> {
        self.producer.as_ref().expect("it is taken out in drop alone")
    }

    fn context(&self) -> &Context {
        self.producer().client().context()
    }

    /// Whether it takes nothing any more.
    pub(super) fn is_broken(&self) -> bool {
        self.context().is_broken()
    }

    /// A line for a lane of which everything up to `after` is delivered; `None` if the producer takes no more.
    pub(super) fn line(self: &Arc<Self>, lane: LaneId, epoch: Epoch, after: Seq) -> Option<KafkaLine> {
        let delivered = Arc::new(Delivered::after(after));
        let number = self.context().line(&delivered)?;
        let partition = i32::from(lane.number());
        Some(KafkaLine { session: Arc::clone(self), number, partition, labels: Labels::new(lane, epoch), delivered })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It waits up to half a second for its last answers: not on a lane's thread.
        let producer = self.producer.take();
        let _dropped_by_itself = thread::Builder::new().name("kafka-end".to_owned()).spawn(move || drop(producer));
    }
}

/// A lane's line.
pub(super) struct KafkaLine {
    session: Arc<Session>,
    number: usize,
    partition: i32,
    labels: Labels,
    delivered: Arc<Delivered>,
}

impl Line for KafkaLine {
    fn send(&mut self, row: &JournalRow, previous: ChainHash) -> Result<(), NotTaken> {
        if self.delivered.is_broken() {
            return Err(NotTaken::Broken);
        }
        let mut headers = OwnedHeaders::new_with_capacity(event::HEADERS);
        self.labels.of(row, previous, |key, value| {
            let filled = std::mem::take(&mut headers);
            headers = filled.insert(Header { key, value: Some(value) });
        });
        let key = event::key(&row.record);
        let mark = Context::mark(self.number, row.record.position.seq().number());
        let mut message = BaseRecord::<str, str, usize>::with_opaque_to(&self.session.topic, mark)
            .partition(self.partition)
            .timestamp(row.record.at.micros() / 1_000)
            .payload(&row.body)
            .headers(headers);
        if let Some(key) = &key {
            message = message.key(key);
        }
        match self.session.producer().send(message) {
            Ok(()) => Ok(()),
            Err((error, _)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => Err(NotTaken::Full),
            Err((error, _)) => {
                tracing::warn!(partition = self.partition, %error, "the producer takes no event: it is given up");
                self.session.context().break_off();
                Err(NotTaken::Broken)
            }
        }
    }

    fn delivered(&self) -> Arc<Delivered> {
        Arc::clone(&self.delivered)
    }
}
