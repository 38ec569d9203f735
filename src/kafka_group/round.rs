//! The messages of one round, by partition; and partitions paused, sought, resumed.
//!
//! Bounds: messages of one round, and librdkafka's own queues below them.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::{KafkaError, KafkaResult},
};

use super::{assignment::Assignment, message::Received};

/// How long a poll waits for the first message.
const POLL_MAX: Duration = Duration::from_millis(200);
/// How long messages are gathered after the first: what shares a step shares its cost.
const GATHERED_FOR: Duration = Duration::from_millis(100);
/// Messages of one round.
const ROUND_MESSAGES_MAX: usize = 8_192;
/// How long a seek may take.
pub const SEEK_MAX: Duration = Duration::from_secs(5);

/// The messages of one round, by partition, and what ended it before its time.
pub fn gather(consumer: &BaseConsumer<Assignment>) -> (HashMap<i32, Vec<Received>>, Option<KafkaError>) {
    let mut round: HashMap<i32, Vec<Received>> = HashMap::new();
    let (mut count, mut wait, mut until, mut failed) = (0, POLL_MAX, None, None);
    while count < ROUND_MESSAGES_MAX {
        match consumer.poll(wait) {
            None if until.is_none_or(|until| Instant::now() >= until) => break,
            None => {}
            Some(Ok(message)) => {
                count += 1;
                round.entry(rdkafka::Message::partition(&message)).or_default().push(Received::of(&message));
            }
            Some(Err(error)) => {
                failed = Some(error);
                break;
            }
        }
        let until = *until.get_or_insert_with(|| Instant::now() + GATHERED_FOR);
        wait = until.saturating_duration_since(Instant::now());
    }
    (round, failed)
}

fn one(topic: &str, partition: i32) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, partition);
    list
}

/// Reads no more of a partition for now.
pub fn pause(consumer: &BaseConsumer<Assignment>, topic: &str, partition: i32) {
    if let Err(error) = consumer.pause(&one(topic, partition)) {
        tracing::warn!(partition, %error, "a lane could not be paused");
    }
}

/// Reads a paused partition again, from this offset on, or from its beginning.
pub fn resume_at(
    consumer: &BaseConsumer<Assignment>,
    topic: &str,
    partition: i32,
    offset: Option<i64>,
) -> KafkaResult<()> {
    let from = offset.map_or(Offset::Beginning, Offset::Offset);
    consumer.seek(topic, partition, from, SEEK_MAX)?;
    consumer.resume(&one(topic, partition))
}

/// Tells Kafka of offsets, for people and their tools: nothing here goes by it.
pub fn tell_offsets(
    consumer: &BaseConsumer<Assignment>,
    topic: &str,
    offsets: impl Iterator<Item = (i32, i64)>,
    mode: CommitMode,
) {
    let mut list = TopicPartitionList::new();
    for (partition, offset) in offsets {
        if list.add_partition_offset(topic, partition, Offset::Offset(offset)).is_err() {
            tracing::debug!(partition, offset, "kafka takes no such offset");
        }
    }
    if list.count() > 0
        && let Err(error) = consumer.commit(&list, mode)
    {
        tracing::debug!(%error, "kafka was not told of the offsets");
    }
}
