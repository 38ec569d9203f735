//! The topic: made if it is missing, with a partition for each lane; widened if lanes were added; else left as it is.

use std::time::Duration;

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication},
    error::RDKafkaErrorCode,
    producer::Producer,
};

use super::{context::Context, session::Session, settings::KafkaOptions};
use crate::outbox::relay::NotOpened;

/// How long one question to Kafka may take.
const ASKED_MAX: Duration = Duration::from_secs(10);

/// What Kafka is told of a topic that hwan makes: it keeps every event, until an operator decides otherwise.
const KEEPS_EVERYTHING: (&str, &str) = ("retention.ms", "-1");

fn failed(what: &str, why: impl std::fmt::Display) -> NotOpened {
    NotOpened(format!("{what}: {why}"))
}

/// Sees to it that the topic is there and wide enough. Blocks, for seconds where no broker is there.
pub(super) fn ensure(
    options: &KafkaOptions,
    session: &Session,
    runtime: &tokio::runtime::Handle,
) -> Result<(), NotOpened> {
    let client = options.client().map_err(|error| failed("kafka's settings", error))?;
    let admin: AdminClient<Context> =
        client.create_with_context(Context::default()).map_err(|error| failed("kafka's client", error))?;
    let asked = AdminOptions::new().request_timeout(Some(ASKED_MAX)).operation_timeout(Some(ASKED_MAX));
    let partitions = i32::from(options.lanes);
    let copies = i32::from(options.replication_factor);
    let in_sync = options.replication_factor.saturating_sub(1).max(1).to_string();
    let new = NewTopic::new(&options.topic, partitions, TopicReplication::Fixed(copies))
        .set(KEEPS_EVERYTHING.0, KEEPS_EVERYTHING.1)
        // When it was sequenced stands in a header; a broker would refuse a lane's time that is far from its own.
        .set("message.timestamp.type", "LogAppendTime")
        .set("min.insync.replicas", &in_sync);
    // First of all: being asked for a topic that is missing, a broker may make one of its own.
    let made = runtime.block_on(admin.create_topics([&new], &asked));
    let refusal = match made.map(|results| results.into_iter().next()) {
        Ok(Some(Ok(_))) => {
            tracing::info!(topic = options.topic, partitions, copies, "the topic of the events is made");
            None
        }
        Ok(Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) | None) => None,
        Ok(Some(Err((_, code)))) => Some(code.to_string()),
        Err(error) => Some(error.to_string()),
    };
    let found = width(session, &options.topic);
    match (found, refusal) {
        (Ok(found), _) if found >= partitions => Ok(()),
        (Ok(0) | Err(_), Some(refusal)) => {
            Err(failed("the topic of the events is not there and cannot be made by hwan: make it by hand", refusal))
        }
        (Ok(0), None) => Err(failed("the topic of the events", "just made, not yet known to all brokers")),
        (Ok(found), _) => {
            let wide = usize::from(options.lanes);
            let widened =
                runtime.block_on(admin.create_partitions([&NewPartitions::new(&options.topic, wide)], &asked));
            match widened.map(|results| results.into_iter().next()) {
                Ok(Some(Ok(_)) | None) => {
                    tracing::info!(
                        topic = options.topic,
                        from = found,
                        to = partitions,
                        "the topic has a partition for each lane now"
                    );
                    Ok(())
                }
                Ok(Some(Err((_, code)))) => {
                    Err(failed("the topic has fewer partitions than lanes: add some by hand", code))
                }
                Err(error) => Err(failed("the topic has fewer partitions than lanes", error)),
            }
        }
        (Err(error), None) => Err(error),
    }
}

/// Refuses a topic that was there and is not any more, or is narrower: what was published to it is gone.
pub(super) fn find(options: &KafkaOptions, session: &Session) -> Result<(), NotOpened> {
    match width(session, &options.topic)? {
        found if found >= i32::from(options.lanes) => Ok(()),
        found => Err(failed("the topic of the events has changed: restore it", format!("{found} partitions"))),
    }
}

/// How many partitions the topic has; 0 if it is not there.
fn width(session: &Session, topic: &str) -> Result<i32, NotOpened> {
    let metadata = session
        .producer()
        .client()
        .fetch_metadata(Some(topic), ASKED_MAX)
        .map_err(|error| failed("kafka cannot be asked for its topic", error))?;
    let found = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none());
    Ok(found.map_or(0, |found| i32::try_from(found.partitions().len()).unwrap_or(i32::MAX)))
}

/// Refuses a partition that has never had an event although some were published: its topic was made anew, or it is another Kafka.
pub(super) fn refuse_emptied(session: &Session, topic: &str, partition: i32) -> Result<(), NotOpened> {
    let (_, high) = session
        .producer()
        .client()
        .fetch_watermarks(topic, partition, ASKED_MAX)
        .map_err(|error| failed("kafka cannot be asked for its newest event", error))?;
    if high > 0 {
        return Ok(());
    }
    Err(NotOpened(format!(
        "partition {partition} of {topic} is empty, and events of it were published: restore the topic, or see docs/events.md \
         how to publish everything anew"
    )))
}
