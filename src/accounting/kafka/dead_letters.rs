//! What could not be posted, as messages of a topic of its own. The table is the truth: a message may come twice, after a death
//! between the two.

use std::time::Duration;

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    error::{KafkaResult, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};

use tokio::runtime::Handle;

use crate::storage::general_ledger::port::DeadLetter;

/// How long Kafka may take to say whether there is such a topic.
const ASKED_MAX: Duration = Duration::from_secs(10);
/// How long the last messages may take to leave when the process ends.
const FLUSHED_WITHIN: Duration = Duration::from_secs(5);

/// The topic of what could not be posted.
pub(super) struct DeadLetterTopic {
    producer: ThreadedProducer<DefaultProducerContext>,
    name: String,
}

impl DeadLetterTopic {
    /// The topic is made where it is missing; a broker that is away, or one that must not make topics, is waited for by the messages.
    pub(super) fn open(client: &ClientConfig, name: &str, copies: u16, runtime: &Handle) -> KafkaResult<Self> {
        let admin: AdminClient<_> = client.create()?;
        let new = NewTopic::new(name, 1, TopicReplication::Fixed(i32::from(copies))).set("retention.ms", "-1");
        let asked = AdminOptions::new().request_timeout(Some(ASKED_MAX)).operation_timeout(Some(ASKED_MAX));
        match runtime.block_on(admin.create_topics([&new], &asked)).map(|made| made.into_iter().next()) {
            Ok(Some(Err((_, code)))) if code != RDKafkaErrorCode::TopicAlreadyExists => {
                tracing::warn!(topic = name, %code, "the topic of dead letters is not there and was not made: make it by hand");
            }
            Err(error) => {
                tracing::warn!(topic = name, %error, "kafka could not be asked for the topic of dead letters")
            }
            Ok(_) => {}
        }
        let mut config = client.clone();
        config.set("enable.idempotence", "true").set("acks", "all").set("message.timeout.ms", "0");
        Ok(Self { producer: config.create()?, name: name.to_owned() })
    }

    /// Sends them; what does not fit the producer's queue is in the table.
    pub(super) fn send(&self, letters: &[DeadLetter]) {
        for letter in letters {
            let id = format!("{}-{}", letter.position.lane(), letter.position.seq());
            let headers = OwnedHeaders::new()
                .insert(Header { key: "ce_specversion", value: Some("1.0") })
                .insert(Header { key: "ce_type", value: Some("hwan.accounting.dead-letter.v1") })
                .insert(Header { key: "ce_source", value: Some("/hwan/accounting") })
                .insert(Header { key: "ce_id", value: Some(&id) })
                .insert(Header { key: "reason", value: Some(&letter.reason) });
            let message = BaseRecord::to(&self.name).key(&id).payload(&letter.body).headers(headers);
            if let Err((error, _)) = self.producer.send(message) {
                tracing::warn!(id, %error, "a dead letter stands in the books' table, and not in its topic");
            }
        }
    }
}

impl Drop for DeadLetterTopic {
    fn drop(&mut self) {
        if let Err(error) = self.producer.flush(FLUSHED_WITHIN) {
            tracing::warn!(%error, "dead letters may be missing in their topic: they stand in the books' table");
        }
    }
}
