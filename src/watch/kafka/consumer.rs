//! The loop of the watch's consumer: polls, judges lane by lane, tells, puts away.
//!
//! On a thread of its own. A lane whose alerts cannot be told, because the store is away, is paused until they can be; what was judged
//! stays in memory meanwhile. A lane that goes to another member is put away and forgotten: the other one takes it back.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use hwan_domain::{
    currency::CurrencySet,
    id::{LaneId, Seq},
};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::KafkaError,
    types::RDKafkaErrorCode,
};
use tokio::runtime::Handle;

use crate::{
    kafka_group::{
        assignment::{Assignment, Origins, join, lane_of},
        message::Received,
        round::{SEEK_MAX, gather, pause, resume_at, tell_offsets},
        running::{ConsumerError, RunningConsumer},
    },
    storage::{
        codec,
        port::{ChainHash, StoreError},
    },
    watch::{lane_state::Delivery, watcher::Watch},
};

/// How often Kafka is told of the offsets.
const COMMITTED_EVERY: Duration = Duration::from_secs(5);
/// The partition of the system lane.
const SYSTEM_PARTITION: i32 = 0;
/// After so many rounds without anything of the system lane it has brought all there is.
const SYSTEM_QUIET_ROUNDS: u32 = 5;
/// The pause before a store that is away is asked again.
const AWAY_PAUSE: Duration = Duration::from_secs(1);
/// How often it is said that Kafka cannot be read.
const COMPLAINED_EVERY: Duration = Duration::from_secs(60);
/// The pause after an error of librdkafka's, which connects again by itself.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// What the consumer is made of.
pub struct ConsumerParts {
    /// How the brokers are reached.
    pub client: ClientConfig,
    /// The topic of the events.
    pub topic: String,
    /// The group that shares the lanes.
    pub group: String,
    /// What judges.
    pub watch: Watch,
}

#[async_trait]
impl Origins for Watch {
    /// Where its state stands; a lane without one is judged from its beginning.
    async fn next_offset(&self, lane: LaneId) -> Result<Option<i64>, StoreError> {
        let place = self.lane(lane);
        self.take_back(lane, &place).await?;
        Ok(self.stands_at(&place).and_then(|(.., offset)| offset))
    }
}

/// Joins the group and judges what comes, until it is dropped.
pub fn start(parts: ConsumerParts, runtime: Handle) -> Result<RunningConsumer, ConsumerError> {
    let stop = Arc::new(AtomicBool::new(false));
    let origins: Arc<dyn Origins> = Arc::new(parts.watch.clone());
    let assignment = Assignment::new(origins, runtime.clone(), &parts.topic, Arc::clone(&stop));
    let consumer = join(&parts.client, &parts.group, &parts.topic, assignment)?;
    let told = Arc::clone(&stop);
    let work = move || {
        let (paused, committed) = (BTreeMap::new(), Instant::now());
        Member { consumer, parts, runtime, paused, stop: told, committed, complained: None, system_quiet_for: 0 }.run();
    };
    RunningConsumer::start("watch-kafka", stop, work)
}

struct Member {
    consumer: BaseConsumer<Assignment>,
    parts: ConsumerParts,
    runtime: Handle,
    /// Lanes that wait for a store, until when.
    paused: BTreeMap<i32, Instant>,
    stop: Arc<AtomicBool>,
    committed: Instant,
    complained: Option<Instant>,
    /// For how many rounds the system lane has brought nothing.
    system_quiet_for: u32,
}

impl Member {
    fn run(mut self) {
        while !self.stop.load(Ordering::Acquire) {
            let (round, failed) = gather(&self.consumer);
            self.forget_changed();
            let mine: HashSet<i32> = self.consumer.context().partitions().into_iter().collect();
            // The system lane first: by its rounds the others are judged.
            let round: BTreeMap<i32, Vec<Received>> = round.into_iter().collect();
            let is_quiet = failed.is_none() && !round.contains_key(&SYSTEM_PARTITION);
            self.system_quiet_for = if is_quiet { self.system_quiet_for.saturating_add(1) } else { 0 };
            for (partition, messages) in round {
                if mine.contains(&partition) && !self.stop.load(Ordering::Acquire) {
                    self.take(partition, messages);
                }
            }
            if self.system_quiet_for >= SYSTEM_QUIET_ROUNDS && mine.contains(&SYSTEM_PARTITION) {
                self.parts.watch.system_is_caught_up();
            }
            let due: Vec<i32> = mine.iter().copied().filter(|partition| self.is_due(*partition)).collect();
            due.into_iter().for_each(|partition| self.upkeep(partition));
            if let Some(error) = failed {
                self.complain(&error);
            }
            if self.committed.elapsed() >= COMMITTED_EVERY {
                self.committed = Instant::now();
                self.tell_offsets(&mine, CommitMode::Async);
            }
        }
        self.runtime.block_on(self.parts.watch.close());
    }

    fn is_due(&self, partition: i32) -> bool {
        self.paused.get(&partition).is_none_or(|until| *until <= Instant::now())
    }

    /// What came or left is not as it was: it is put away, and taken back by whoever has it.
    fn forget_changed(&mut self) {
        let mine: HashSet<i32> = self.consumer.context().partitions().into_iter().collect();
        for partition in self.consumer.context().take_changed() {
            self.paused.remove(&partition);
            if let Some(lane) = lane_of(partition).filter(|_| !mine.contains(&partition)) {
                self.runtime.block_on(self.parts.watch.leave(lane));
            }
        }
    }

    fn take(&self, partition: i32, messages: Vec<Received>) {
        let Some(id) = lane_of(partition) else { return };
        // Fetched before it was paused: read again from where its state stands.
        if self.paused.contains_key(&partition) {
            return;
        }
        let watch = &self.parts.watch;
        let mut deliveries = Vec::with_capacity(messages.len());
        let mut first = None;
        for message in messages {
            let offset = message.offset;
            match delivery(message, &watch.parts().currencies) {
                Ok((delivery, previous)) => {
                    first.get_or_insert_with(|| begins_before(&delivery, previous));
                    deliveries.push(delivery);
                }
                // The next record shows the gap.
                Err(reason) => tracing::error!(lane = %id, offset, reason, "a message is no record that can be judged"),
            }
        }
        let Some(first) = first else { return };
        let lane = watch.lane(id);
        if watch.stands_at(&lane).is_none() {
            watch.begin(id, &lane, first, None);
        }
        watch.take(&lane, &deliveries);
    }

    fn upkeep(&mut self, partition: i32) {
        let Some(id) = lane_of(partition) else { return };
        let lane = self.parts.watch.lane(id);
        let was_paused = self.paused.remove(&partition).is_some();
        let done = self.runtime.block_on(async {
            let mut turn = lane.turn.lock().await;
            self.parts.watch.upkeep(&lane, &mut turn).await
        });
        let next = self.parts.watch.stands_at(&lane).and_then(|(.., offset)| offset);
        let gone_on = match done {
            Ok(()) if was_paused => {
                resume_at(&self.consumer, &self.parts.topic, partition, next).map_err(|error| error.to_string())
            }
            Ok(()) => return,
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = gone_on {
            tracing::warn!(lane = %id, error, "what was found cannot be told: the lane waits");
            pause(&self.consumer, &self.parts.topic, partition);
            self.paused.insert(partition, Instant::now() + AWAY_PAUSE);
        }
    }

    fn complain(&mut self, error: &KafkaError) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) {
            self.begin_where_the_topic_does();
        } else if self.complained.is_none_or(|at| at.elapsed() >= COMPLAINED_EVERY) {
            self.complained = Some(Instant::now());
            tracing::warn!(%error, "kafka cannot be read: tried again");
        }
        thread::sleep(ERROR_PAUSE);
    }

    /// What is wanted next is not in the topic any more: which lane it is, the error does not say. Such a lane is read from where the topic
    /// begins, and the rules tell what is missing.
    fn begin_where_the_topic_does(&self) {
        for partition in self.consumer.context().partitions() {
            let Some(id) = lane_of(partition) else { continue };
            let wanted = self.parts.watch.stands_at(&self.parts.watch.lane(id)).and_then(|(.., offset)| offset);
            let watermarks = self.consumer.fetch_watermarks(&self.parts.topic, partition, SEEK_MAX);
            let Ok((low, high)) = watermarks else { continue };
            if (low..=high).contains(&wanted.unwrap_or(0)) {
                continue;
            }
            tracing::error!(lane = %id, ?wanted, low, high, "what was to be judged next is not in the topic: judged from where it begins");
            if let Err(error) = resume_at(&self.consumer, &self.parts.topic, partition, None) {
                tracing::warn!(lane = %id, %error, "a lane could not be read again: tried again");
            }
        }
    }

    fn tell_offsets(&self, mine: &HashSet<i32>, mode: CommitMode) {
        let watch = &self.parts.watch;
        let offsets = mine.iter().filter_map(|partition| {
            let (.., offset) = watch.stands_at(&watch.lane(lane_of(*partition)?))?;
            Some((*partition, offset?))
        });
        tell_offsets(&self.consumer, &self.parts.topic, offsets, mode);
    }
}

/// A message as it is judged, and the hash of the record before it.
fn delivery(message: Received, currencies: &CurrencySet) -> Result<(Delivery, ChainHash), String> {
    let envelope = message.envelope?;
    let body = String::from_utf8(message.body).map_err(|_| "it is no text".to_owned())?;
    let record = codec::decode(&body, currencies).map_err(|error| error.to_string())?;
    if record.position != envelope.position {
        return Err(format!("the text is that of {:?}", record.position));
    }
    let delivery = Delivery {
        record: Arc::new(record),
        body: body.into(),
        hash: envelope.hash,
        epoch: envelope.epoch,
        offset: Some(message.offset),
    };
    Ok((delivery, envelope.previous))
}

/// Where a lane begins whose first message this is.
fn begins_before(delivery: &Delivery, previous: ChainHash) -> (Seq, ChainHash) {
    let seq = delivery.record.position.seq().number();
    (Seq::new(seq.saturating_sub(1)).unwrap_or(Seq::ZERO), previous)
}
