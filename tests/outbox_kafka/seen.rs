//! What a consumer sees of a topic, read from its beginning, and whether it is the journal.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hwan::{
    outbox::{event, kafka::settings::KafkaOptions},
    storage::{
        codec,
        port::{ChainHash, JournalRow, LedgerStore},
    },
};
use hwan_domain::id::{LaneId, Seq};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::Headers,
};

/// How long reading a topic may take.
const READ_WITHIN: Duration = Duration::from_secs(60);

/// An event as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) key: Option<String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Seen {
    fn seq(&self) -> u64 {
        let id = &self.headers[event::ID];
        id.split_once('-').unwrap().1.parse().unwrap()
    }

    fn hash(&self) -> &str {
        &self.headers[event::HASH]
    }
}

/// Everything in the topic, partition by partition.
pub(crate) fn all(options: &KafkaOptions) -> Vec<Vec<Seen>> {
    let mut config = options.client().unwrap();
    config.set("group.id", "seen").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut list = TopicPartitionList::new();
    let mut ends = Vec::new();
    for partition in 0..i32::from(options.lanes) {
        list.add_partition_offset(&options.topic, partition, Offset::Beginning).unwrap();
        ends.push(consumer.fetch_watermarks(&options.topic, partition, READ_WITHIN).unwrap().1);
    }
    consumer.assign(&list).unwrap();
    let mut seen = vec![Vec::new(); ends.len()];
    let started = Instant::now();
    let mut open = ends.iter().filter(|end| **end > 0).count();
    while open > 0 {
        assert!(started.elapsed() < READ_WITHIN, "{open} partitions are not read to their ends");
        let Some(message) = consumer.poll(Duration::from_millis(200)) else { continue };
        let message = match message {
            Ok(message) => message,
            Err(error) => {
                println!("reading: {error}");
                continue;
            }
        };
        let partition = usize::try_from(message.partition()).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers = message.headers().unwrap();
        assert_eq!(headers.count(), event::HEADERS);
        let headers = headers
            .iter()
            .map(|header| (header.key.to_owned(), text(header.value.unwrap())))
            .collect::<BTreeMap<_, _>>();
        let key = message.key().map(text);
        seen[partition].push(Seen { key, headers, body: text(message.payload().unwrap()) });
        if message.offset() + 1 == ends[partition] {
            open -= 1;
        }
    }
    seen
}

/// A lane's events are its journal, each once and in order, but for repeats, which are what they repeat; how many those were.
pub(crate) async fn is_the_journal(store: &dyn LedgerStore, lane: LaneId, seen: &[Seen]) -> usize {
    let mut rows: Vec<JournalRow> = Vec::new();
    loop {
        let from = rows.last().map_or(Seq::ZERO, |row| row.record.position.seq()).next().unwrap();
        let more = store.journal(lane, from, 10_000).await.unwrap();
        if more.is_empty() {
            break;
        }
        rows.extend(more);
    }
    let (mut firsts, mut repeats) = (Vec::<&Seen>::new(), 0);
    for event in seen {
        let seq = usize::try_from(event.seq()).unwrap();
        if let Some(first) = firsts.get(seq - 1) {
            assert_eq!(
                (event.hash(), &event.body),
                (first.hash(), &first.body),
                "lane {lane}: a repeat of {seq} differs"
            );
            repeats += 1;
        } else {
            assert_eq!(seq, firsts.len() + 1, "lane {lane}: a gap after {}", firsts.len());
            firsts.push(event);
        }
    }
    assert_eq!(firsts.len(), rows.len(), "lane {lane}: published is not what is durable");
    let mut previous = ChainHash::GENESIS;
    for (event, row) in firsts.iter().zip(&rows) {
        assert_eq!(event.body, *row.body);
        assert_eq!(codec::chain(previous, &event.body), row.hash);
        assert_eq!(event.headers[event::PREVIOUS_HASH], hex(previous));
        assert_eq!(event.hash(), hex(row.hash));
        assert_eq!(event.headers[event::TYPE], event::type_of(row.record.event.name()));
        assert_eq!(event.headers[event::TIME], row.record.at.to_string());
        assert_eq!(event.key, event::key(&row.record));
        previous = row.hash;
    }
    repeats
}

/// Every lane's events are its journal; how many repeats there were.
pub(crate) async fn all_is_the_journal(store: &dyn LedgerStore, options: &KafkaOptions) -> usize {
    let mut repeats = 0;
    for (number, seen) in all(options).iter().enumerate() {
        let lane = LaneId::new(u16::try_from(number).unwrap()).unwrap();
        repeats += is_the_journal(store, lane, seen).await;
    }
    repeats
}

fn hex(hash: ChainHash) -> String {
    hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
}
