//! The topic as anybody may read it, where the group of the books stands in it, and what is put there that does not belong.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::{BorrowedMessage, Header, Headers, OwnedHeaders},
    producer::{BaseRecord, Producer, ThreadedProducer},
};

use super::judge::Message;

/// The topic of the ledger's events.
const TOPIC: &str = "hwan.ledger.v1";
/// As which group the books read.
const GROUP: &str = "hwan-accounting";
/// By this header what was planted is told from what was published.
const PLANTED: &str = "planted";
/// How long the broker may take for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(20);
/// How long reading all of the topic may take.
const READ_MAX: Duration = Duration::from_secs(120);

fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("log_level", "2");
    config
}

/// Where the group of the books stands in each partition, as Kafka knows it.
pub fn committed(bootstrap: &str, lanes: u16) -> anyhow::Result<BTreeMap<u16, i64>> {
    let consumer: BaseConsumer = client(bootstrap).set("group.id", GROUP).create()?;
    let mut asked = TopicPartitionList::new();
    for lane in 0..=lanes {
        asked.add_partition(TOPIC, i32::from(lane));
    }
    let answered = consumer.committed_offsets(asked, ANSWER_MAX)?;
    let stands = answered.elements().into_iter().map(|element| {
        let offset = match element.offset() {
            Offset::Offset(offset) => offset,
            _ => 0,
        };
        Ok((u16::try_from(element.partition())?, offset))
    });
    stands.collect()
}

/// All messages of the lanes' partitions, each partition in its order.
pub fn read(bootstrap: &str, lanes: u16) -> anyhow::Result<Vec<Message>> {
    let (consumer, left) = at_beginning(bootstrap, lanes)?;
    let mut messages = Vec::new();
    each(&consumer, left, |message| {
        messages.push(Message {
            lane: u16::try_from(message.partition())?,
            id: header(message, "ce_id"),
            hash: header(message, "ce_hash"),
            body: message.payload().map(|body| String::from_utf8_lossy(body).into_owned()).unwrap_or_default(),
            is_planted: !header(message, PLANTED).is_empty(),
        });
        Ok(())
    })?;
    Ok(messages)
}

/// Sends the newest messages of a lane once more, as a producer does that was not told of its success.
pub fn repeat(bootstrap: &str, lanes: u16, lane: u16, count: usize) -> anyhow::Result<()> {
    let (consumer, left) = at_beginning(bootstrap, lanes)?;
    let mut newest = std::collections::VecDeque::new();
    each(&consumer, left, |message| {
        if message.partition() == i32::from(lane) && header(message, PLANTED).is_empty() {
            if newest.len() == count {
                newest.pop_front();
            }
            newest.push_back(message.detach());
        }
        Ok(())
    })?;
    let producer = producer(bootstrap)?;
    for message in newest {
        let mut record = BaseRecord::to(TOPIC).partition(i32::from(lane));
        record.key = message.key();
        record.payload = message.payload();
        record.headers = message.headers().cloned();
        send(&producer, record)?;
    }
    producer.flush(ANSWER_MAX).context("the broker did not take the repeats")
}

/// Sends what is no record of the ledger at all.
pub fn poison(bootstrap: &str, lane: u16, body: &[u8]) -> anyhow::Result<()> {
    let producer = producer(bootstrap)?;
    let headers = OwnedHeaders::new().insert(Header { key: PLANTED, value: Some("1") });
    let key: &[u8] = b"poison";
    let record = BaseRecord::to(TOPIC).partition(i32::from(lane)).key(key).payload(body).headers(headers);
    send(&producer, record)?;
    producer.flush(ANSWER_MAX).context("the broker did not take the poison")
}

fn producer(bootstrap: &str) -> anyhow::Result<ThreadedProducer<rdkafka::producer::DefaultProducerContext>> {
    Ok(client(bootstrap).set("acks", "all").create()?)
}

fn send(
    producer: &ThreadedProducer<rdkafka::producer::DefaultProducerContext>,
    record: BaseRecord<'_, [u8], [u8]>,
) -> anyhow::Result<()> {
    producer.send(record).map_err(|(error, _)| error.into())
}

/// A reader at the beginning of each partition, and how many messages each has.
fn at_beginning(bootstrap: &str, lanes: u16) -> anyhow::Result<(BaseConsumer, BTreeMap<i32, i64>)> {
    let consumer: BaseConsumer =
        client(bootstrap).set("group.id", "hwan-chaos").set("enable.auto.commit", "false").create()?;
    let (mut assigned, mut ends) = (TopicPartitionList::new(), BTreeMap::new());
    for lane in 0..=i32::from(lanes) {
        let (_, high) = consumer.fetch_watermarks(TOPIC, lane, ANSWER_MAX)?;
        if high > 0 {
            assigned.add_partition_offset(TOPIC, lane, Offset::Beginning)?;
            ends.insert(lane, high);
        }
    }
    consumer.assign(&assigned)?;
    Ok((consumer, ends))
}

fn each(
    consumer: &BaseConsumer,
    mut ends: BTreeMap<i32, i64>,
    mut take: impl FnMut(&BorrowedMessage<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !ends.is_empty() {
        anyhow::ensure!(begun.elapsed() < READ_MAX, "the topic was not read within {READ_MAX:?}");
        let Some(polled) = consumer.poll(Duration::from_millis(500)) else { continue };
        let message = polled.context("the topic cannot be read")?;
        let partition = message.partition();
        if message.offset() + 1 >= ends.get(&partition).copied().unwrap_or(0) {
            ends.remove(&partition);
        }
        take(&message)?;
    }
    Ok(())
}

fn header(message: &BorrowedMessage<'_>, name: &str) -> String {
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    let value = headers.filter(|header| header.key == name).find_map(|header| header.value);
    value.map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}
