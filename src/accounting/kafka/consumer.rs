//! The loop of the consumer: polls, posts lane by lane, tells Kafka how far it is.
//!
//! On a thread of its own, since librdkafka waits by blocking. Bounds: messages of one round, and librdkafka's own queues below them.
//! A lane that stopped, or whose books are away, is paused, and asked again after a while from where its books stand then; the
//! others go on meanwhile.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Headers},
    types::RDKafkaErrorCode,
};
use tokio::runtime::Handle;

use super::{
    assignment::{Assignment, lane_of},
    dead_letters::DeadLetterTopic,
};
use crate::{
    accounting::{
        incoming::{Content, Delivered, Incoming},
        poster::{LanePoster, PosterParts},
        verdict::{Stop, Verdict},
    },
    outbox::event::Envelope,
    storage::general_ledger::port::DEAD_LETTERS_PER_PAGE_MAX,
};

/// How long a poll waits for the first message.
const POLL_MAX: Duration = Duration::from_millis(200);
/// How long messages are gathered after the first: what shares a step shares its cost.
const GATHERED_FOR: Duration = Duration::from_millis(100);
/// Messages of one round.
const ROUND_MESSAGES_MAX: usize = 8_192;
/// How often Kafka is told of the offsets.
const COMMITTED_EVERY: Duration = Duration::from_secs(1);
/// The pause before books that are away are asked again.
const AWAY_PAUSE: Duration = Duration::from_millis(500);
/// The pause before it is looked whether a lane that stopped may go on.
const STOPPED_PAUSE: Duration = Duration::from_secs(5);
/// How often it is said that Kafka cannot be read.
const COMPLAINED_EVERY: Duration = Duration::from_secs(60);
/// How long a seek may take.
const SEEK_MAX: Duration = Duration::from_secs(5);
/// The pause after an error of librdkafka's, which connects again by itself.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// What the consumer is made of.
pub struct ConsumerParts {
    /// How the brokers are reached.
    pub client: ClientConfig,
    /// The topic of the events.
    pub topic: String,
    /// The topic of what could not be posted.
    pub dead_letter_topic: String,
    /// On how many brokers each message of it is, where it is made here.
    pub replication_factor: u16,
    /// The group that shares the lanes.
    pub group: String,
    /// What posts.
    pub poster: PosterParts,
}

/// Why there is no consumer.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// Kafka's library refuses.
    #[error("kafka cannot be read: {0}: look at outbox.kafka")]
    Kafka(#[from] KafkaError),
    /// No thread.
    #[error("the consumer's thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// A consumer at work; dropping it ends it after its round.
#[derive(Debug)]
pub struct RunningConsumer {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl RunningConsumer {
    /// Whether its thread is gone.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(thread::JoinHandle::is_finished)
    }
}

impl Drop for RunningConsumer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the consumer of the books panicked");
        }
    }
}

/// Joins the group and posts what comes, until it is dropped.
pub fn start(parts: ConsumerParts, runtime: Handle) -> Result<RunningConsumer, ConsumerError> {
    let stop = Arc::new(AtomicBool::new(false));
    let ledger = Arc::clone(&parts.poster.ledger);
    let assignment = Assignment::new(ledger, runtime.clone(), &parts.topic, Arc::clone(&stop));
    let mut config = parts.client.clone();
    config
        .set("group.id", &parts.group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // What the books want next is not there any more: never passed over in silence.
        .set("auto.offset.reset", "error")
        .set("partition.assignment.strategy", "range")
        // One that died gives its lanes up after this; brokers take no less by default.
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "1500")
        .set("queued.max.messages.kbytes", "32768")
        .set("fetch.wait.max.ms", "100")
        // The topic may be made, or widened, after this process has begun.
        .set("allow.auto.create.topics", "false")
        .set("topic.metadata.refresh.interval.ms", "5000");
    let consumer: BaseConsumer<Assignment> = config.create_with_context(assignment)?;
    consumer.subscribe(&[&parts.topic])?;
    let (told, is_new) = (Arc::clone(&stop), HashMap::new());
    let work = move || {
        // Here, for it may wait for a broker.
        let letters =
            DeadLetterTopic::open(&parts.client, &parts.dead_letter_topic, parts.replication_factor, &runtime);
        match letters {
            Ok(dead_letters) => {
                let committed = Instant::now();
                Member {
                    consumer,
                    parts,
                    runtime,
                    dead_letters,
                    lanes: is_new,
                    stop: told,
                    committed,
                    complained: None,
                }
                .run();
            }
            Err(error) => tracing::error!(%error, "the client of kafka cannot be made for dead letters"),
        }
    };
    let thread = thread::Builder::new().name("books-kafka".to_owned()).spawn(work)?;
    Ok(RunningConsumer { stop, thread: Some(thread) })
}

/// A lane of this member's.
enum Lane {
    /// It is posted.
    Open(Box<LanePoster>),
    /// It is paused until then.
    Paused(Instant),
}

struct Member {
    consumer: BaseConsumer<Assignment>,
    parts: ConsumerParts,
    runtime: Handle,
    dead_letters: DeadLetterTopic,
    lanes: HashMap<i32, Lane>,
    stop: Arc<AtomicBool>,
    committed: Instant,
    /// When it was last said that Kafka cannot be read.
    complained: Option<Instant>,
}

impl Member {
    fn run(mut self) {
        while !self.stop.load(Ordering::Acquire) {
            let (round, failed) = self.gather();
            self.forget_changed();
            let mine = self.consumer.context().partitions();
            for (partition, messages) in round {
                // What is not this member's any more, or comes after it was told to end, another one reads.
                if mine.contains(&partition) && !self.stop.load(Ordering::Acquire) {
                    self.take(partition, &messages);
                }
            }
            if let Some(error) = failed {
                self.complain(&error);
            }
            self.resume_due();
            if self.committed.elapsed() >= COMMITTED_EVERY {
                self.tell_offsets(CommitMode::Async);
            }
        }
        self.tell_offsets(CommitMode::Async);
    }

    /// The messages of one round, by partition, and what ended it before its time.
    fn gather(&self) -> (HashMap<i32, Vec<Incoming>>, Option<KafkaError>) {
        let mut round: HashMap<i32, Vec<Incoming>> = HashMap::new();
        let (mut count, mut wait, mut until, mut failed) = (0, POLL_MAX, None, None);
        while count < ROUND_MESSAGES_MAX {
            match self.consumer.poll(wait) {
                None if until.is_none_or(|until| Instant::now() >= until) => break,
                None => {}
                Some(Ok(message)) => {
                    count += 1;
                    round.entry(message.partition()).or_default().push(incoming(&message));
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

    fn complain(&mut self, error: &KafkaError) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) {
            self.stop_what_is_not_there();
        } else if self.complained.is_none_or(|at| at.elapsed() >= COMPLAINED_EVERY) {
            self.complained = Some(Instant::now());
            tracing::warn!(%error, "kafka cannot be read: tried again");
        }
        thread::sleep(ERROR_PAUSE);
    }

    /// Which lane it is that wants what the topic has not, the error does not say: all are looked at.
    fn stop_what_is_not_there(&mut self) {
        for partition in self.consumer.context().partitions() {
            let watermarks = self.consumer.fetch_watermarks(&self.parts.topic, partition, SEEK_MAX);
            let poster = match self.lanes.remove(&partition) {
                Some(Lane::Open(poster)) => Ok(poster),
                Some(paused) => {
                    self.lanes.insert(partition, paused);
                    continue;
                }
                None => self.open(partition),
            };
            let (Ok((low, high)), Ok(mut poster)) = (watermarks, poster) else { continue };
            let wanted = poster.cursor().offset.unwrap_or(0);
            if (low..=high).contains(&wanted) {
                self.lanes.insert(partition, Lane::Open(poster));
                continue;
            }
            let why = format!("partition {partition} has offsets {low} to {high}, {wanted} is wanted");
            // What it says is in the log and in the cursor's row.
            let _stop = self.runtime.block_on(poster.stop(Verdict::NotInTopic(why)));
            self.pause(partition, STOPPED_PAUSE);
        }
    }

    /// What was known of partitions that came or left is not true any more.
    fn forget_changed(&mut self) {
        for partition in self.consumer.context().take_changed() {
            self.lanes.remove(&partition);
        }
    }

    fn take(&mut self, partition: i32, messages: &[Incoming]) {
        let poster = match self.lanes.remove(&partition) {
            // Fetched before it was paused: read again from where the books stand.
            Some(Lane::Paused(until)) => {
                self.lanes.insert(partition, Lane::Paused(until));
                return;
            }
            Some(Lane::Open(poster)) => Ok(poster),
            None => self.begin(partition),
        };
        let stopped = match poster {
            Ok(mut poster) => match self.runtime.block_on(poster.take(messages)) {
                Ok(taken) => {
                    self.dead_letters.send(&taken.put_aside);
                    self.lanes.insert(partition, Lane::Open(poster));
                    return;
                }
                Err(stop) => stop,
            },
            Err(stop) => stop,
        };
        let pause = match stopped {
            Stop::Unavailable(error) => {
                tracing::warn!(partition, %error, "posting failed: tried again");
                AWAY_PAUSE
            }
            Stop::Lane { .. } => STOPPED_PAUSE,
        };
        self.pause(partition, pause);
    }

    fn open(&self, partition: i32) -> Result<Box<LanePoster>, Stop> {
        let lane = lane_of(partition).ok_or_else(|| {
            let why = format!("partition {partition} is no lane's");
            Stop::Unavailable(crate::storage::port::StoreError::Unavailable(why))
        })?;
        let poster = self.runtime.block_on(LanePoster::open(self.parts.poster.clone(), lane));
        Ok(Box::new(poster.map_err(Stop::Unavailable)?))
    }

    /// Opens a lane that has come to this member. A death between the books and the topic of dead letters may have left some out.
    fn begin(&self, partition: i32) -> Result<Box<LanePoster>, Stop> {
        let poster = self.open(partition)?;
        let (lane, mut after) = (Some(poster.cursor().lane), None);
        while poster.cursor().dead_letters > 0 {
            let page = self.parts.poster.ledger.dead_letters(lane, after, DEAD_LETTERS_PER_PAGE_MAX);
            let letters = self.runtime.block_on(page).map_err(Stop::Unavailable)?;
            let Some(last) = letters.last() else { break };
            after = Some(last.position);
            self.dead_letters.send(&letters);
        }
        Ok(poster)
    }

    fn pause(&mut self, partition: i32, pause: Duration) {
        if let Err(error) = self.consumer.pause(&self.one(partition, None)) {
            tracing::warn!(partition, %error, "a lane could not be paused");
        }
        self.lanes.insert(partition, Lane::Paused(Instant::now() + pause));
    }

    /// Goes on with lanes whose pause is over, from where their books stand.
    fn resume_due(&mut self) {
        let now = Instant::now();
        let due = self.lanes.iter().filter(|(_, lane)| matches!(lane, Lane::Paused(until) if *until <= now));
        let due: Vec<i32> = due.map(|(partition, _)| *partition).collect();
        for partition in due {
            if self.stop.load(Ordering::Acquire) {
                return;
            }
            if self.resume(partition).is_err() {
                self.lanes.insert(partition, Lane::Paused(now + STOPPED_PAUSE));
            }
        }
    }

    fn resume(&mut self, partition: i32) -> Result<(), ()> {
        let poster = self.open(partition).map_err(|_| ())?;
        let from = poster.cursor().offset.map_or(Offset::Beginning, Offset::Offset);
        let gone_on = self
            .consumer
            .seek(&self.parts.topic, partition, from, SEEK_MAX)
            .and_then(|()| self.consumer.resume(&self.one(partition, None)));
        if let Err(error) = gone_on {
            tracing::warn!(partition, %error, "a lane could not be read again: tried again");
            return Err(());
        }
        self.lanes.insert(partition, Lane::Open(poster));
        Ok(())
    }

    fn one(&self, partition: i32, offset: Option<i64>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        let mut element = list.add_partition(&self.parts.topic, partition);
        if let Some(offset) = offset {
            // Refused only for offsets that are none.
            let _ = element.set_offset(Offset::Offset(offset));
        }
        list
    }

    /// For people and their tools: nothing here goes by it.
    fn tell_offsets(&mut self, mode: CommitMode) {
        self.committed = Instant::now();
        let mut offsets = TopicPartitionList::new();
        for (partition, lane) in &self.lanes {
            if let Lane::Open(poster) = lane
                && let Some(offset) = poster.cursor().offset
                && offsets.add_partition_offset(&self.parts.topic, *partition, Offset::Offset(offset)).is_err()
            {
                tracing::debug!(partition, offset, "kafka takes no such offset");
            }
        }
        if offsets.count() > 0
            && let Err(error) = self.consumer.commit(&offsets, mode)
        {
            tracing::debug!(%error, "kafka was not told of the offsets");
        }
    }
}

/// A message as the poster takes it.
fn incoming(message: &BorrowedMessage<'_>) -> Incoming {
    let offset = Some(message.offset());
    let body = message.payload().unwrap_or_default();
    let content = match envelope(message) {
        Ok(Envelope { position, previous, hash }) => {
            Content::Record(Delivered { position, previous: Some(previous), hash, body: body.into(), record: None })
        }
        Err(reason) => Content::Stray { body: body.to_vec(), reason },
    };
    Incoming { offset, content }
}

/// What the headers say; of another lane than the partition's it is no record of this one.
fn envelope(message: &BorrowedMessage<'_>) -> Result<Envelope, String> {
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    let envelope = Envelope::read(headers.map(|header| (header.key, header.value)))?;
    if lane_of(message.partition()) != Some(envelope.position.lane()) {
        return Err(format!("it is record {:?} in partition {}", envelope.position, message.partition()));
    }
    Ok(envelope)
}
