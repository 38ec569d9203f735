//! The watch from Kafka: what it judges, what it tells and to whom, and that a repeat and a restart tell nothing twice.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use hwan::{
    clock::{Clock, SystemClock},
    kafka_group::running::RunningConsumer,
    outbox::{
        event::{self, Labels},
        kafka::settings::KafkaOptions,
    },
    storage::{
        alerts::port::{AlertBook, AlertQuery, KeptAlert},
        codec,
        conformance::fixture::currencies,
        general_ledger::{conformance::chart, port::GeneralLedger},
        port::{Epoch, JournalRow, LedgerStore},
        sqlite::{SqliteBooks, SqliteOptions},
    },
    watch::{
        kafka::{
            consumer::{self, ConsumerParts},
            publisher::Publisher,
        },
        teller::Teller,
        watcher::{Watch, WatchParts},
    },
};
use hwan_domain::{
    anomaly::{MeasurePolicy, WatchPolicy},
    id::{LaneId, Position},
};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, Producer, ThreadedProducer},
};
use tokio::runtime::Handle;

use super::{
    bank::{Bank, on_a_system},
    broker,
};

const SOON: Duration = Duration::from_secs(60);

/// `hwan watch`, but for its process.
struct Watching {
    watch: Watch,
    books: Arc<SqliteBooks>,
    running: RunningConsumer,
}

impl Watching {
    async fn start(dir: &Path, kafka: &KafkaOptions) -> Self {
        let books = SqliteBooks::open(dir, currencies(), &chart(), &SqliteOptions::default()).await.unwrap();
        let books = Arc::new(books);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let teller = Teller::new(books.clone(), clock, MeasurePolicy::default());
        let watch = Watch::new(WatchParts {
            teller: Arc::new(teller),
            policy: Arc::new(WatchPolicy::default().with_currencies(&currencies())),
            currencies: currencies(),
            put_away_every: Duration::from_secs(3_600),
            put_away_records: 1_000,
        });
        let parts = ConsumerParts {
            client: kafka.client().unwrap(),
            topic: kafka.topic.clone(),
            group: format!("{}-watch", kafka.topic),
            watch: watch.clone(),
        };
        let running = consumer::start(parts, Handle::current()).unwrap();
        Self { watch, books, running }
    }

    /// Waits until a lane is judged up to here.
    async fn judged(&self, lane: LaneId, seq: u64) {
        let started = Instant::now();
        let stands = || self.watch.stands().into_iter().find(|stands| stands.lane == lane);
        while stands().is_none_or(|stands| stands.seq.number() < seq) {
            assert!(started.elapsed() < SOON, "{:?} instead of {seq}", stands());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn alerts(&self, count: usize) -> Vec<KeptAlert> {
        let started = Instant::now();
        loop {
            let mut alerts = self.books.alerts(&AlertQuery { limit: 100, ..AlertQuery::default() }).await.unwrap();
            if alerts.len() >= count || started.elapsed() > SOON {
                assert_eq!(alerts.len(), count, "{alerts:?}");
                alerts.sort_by(|one, other| one.id.cmp(&other.id));
                return alerts;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn stop(self) {
        self.running.end().await;
        self.books.close().await;
    }
}

/// Sends a record as the relay would, whoever made it.
fn send(kafka: &KafkaOptions, row: &JournalRow, previous: hwan::storage::port::ChainHash) {
    let producer: ThreadedProducer<_> = kafka.client().unwrap().create().unwrap();
    let mut headers = OwnedHeaders::new();
    let mut labels = Labels::new(row.record.position.lane(), Epoch(1));
    labels.of(row, previous, |name, value| {
        headers = std::mem::take(&mut headers).insert(Header { key: name, value: Some(value) });
    });
    let key = event::key(&row.record).unwrap_or_default();
    let partition = i32::from(row.record.position.lane().number());
    let record = BaseRecord::to(&kafka.topic).partition(partition).key(&key).payload(&*row.body).headers(headers);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(SOON).unwrap();
}

/// The bodies of a topic with one partition, once there are so many.
fn bodies(kafka: &KafkaOptions, topic: &str, count: usize) -> Vec<serde_json::Value> {
    let mut config = kafka.client().unwrap();
    config.set("group.id", "seen-alerts").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&list).unwrap();
    let (started, mut seen) = (Instant::now(), Vec::new());
    while seen.len() < count {
        assert!(started.elapsed() < SOON, "{seen:?}");
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(200)) {
            seen.push(serde_json::from_slice(message.payload().unwrap()).unwrap());
        }
    }
    seen
}

#[test]
fn a_posting_that_comes_twice_is_told_once_and_published() {
    on_a_system(async {
        let dir = tempfile::tempdir().unwrap();
        let kafka = broker::options(2);
        let bank = Bank::open(dir.path(), &kafka).await;
        let accounts = bank.accounts(4).await;
        bank.deposit(&accounts, 500).await;
        bank.published(SOON).await;
        let lane = LaneId::FIRST;
        let durable = bank.engine.lanes().iter().find(|view| view.lane == lane).unwrap().durable;
        let last = bank.store.journal(lane, durable, 1).await.unwrap().remove(0);
        bank.close().await;

        let watching = Watching::start(dir.path(), &kafka).await;
        watching.judged(lane, durable.number()).await;
        watching.judged(LaneId::SYSTEM, 1).await;
        assert_eq!(watching.alerts(0).await, []);
        watching.stop().await;

        // Somebody doubles the last deposit, with a hash that fits.
        let mut record = last.record.as_ref().clone();
        record.position = Position::new(lane, durable.next().unwrap());
        let body = codec::encode(&record);
        let doubled = JournalRow { hash: codec::chain(last.hash, &body), body: body.into(), record: Arc::new(record) };
        let watching = Watching::start(dir.path(), &kafka).await;
        let publisher = Publisher::new(
            watching.books.clone(),
            Arc::new(SystemClock),
            kafka.client().unwrap(),
            format!("{}.alerts", kafka.topic),
            1,
        );
        let publishing = actix_web::rt::spawn(publisher.run());
        send(&kafka, &doubled, last.hash);
        let told = watching.alerts(3).await;
        let rules: Vec<&str> = told.iter().map(|alert| alert.rule.as_str()).collect();
        assert_eq!(rules, ["account_version_gap", "balance_off_entries", "control_off_subledger"]);
        let topic = format!("{}.alerts", kafka.topic);
        let (reader, its_topic) = (kafka.clone(), topic.clone());
        let published = tokio::task::spawn_blocking(move || bodies(&reader, &its_topic, 3)).await.unwrap();
        let mut ids: Vec<&str> = published.iter().map(|body| body["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, told.iter().map(|alert| alert.id.as_str()).collect::<Vec<_>>());

        // It comes again, here and after a restart.
        send(&kafka, &doubled, last.hash);
        tokio::time::sleep(Duration::from_secs(1)).await;
        publishing.abort();
        watching.stop().await;
        let watching = Watching::start(dir.path(), &kafka).await;
        watching.judged(lane, durable.number() + 1).await;
        send(&kafka, &doubled, last.hash);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let again = watching.alerts(3).await;
        assert_eq!(again.iter().map(|alert| alert.times_seen).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(watching.books.unpublished(9).await.unwrap(), []);
        watching.stop().await;
    });
}
