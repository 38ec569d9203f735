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

use async_trait::async_trait;
use hwan_domain::id::LaneId;
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::KafkaError,
    types::RDKafkaErrorCode,
};
use tokio::runtime::Handle;

use super::dead_letters::DeadLetterTopic;
use crate::{
    accounting::{
        incoming::{Content, Delivered, Incoming},
        poster::{LanePoster, PosterParts},
        verdict::{Stop, Verdict},
    },
    kafka_group::{
        assignment::{Assignment, Origins, join, lane_of},
        message::Received,
        round::{SEEK_MAX, gather, pause, resume_at, tell_offsets},
        running::{ConsumerError, RunningConsumer},
    },
    outbox::event::Envelope,
    storage::{
        general_ledger::port::{DEAD_LETTERS_PER_PAGE_MAX, GeneralLedger},
        port::StoreError,
    },
};

/// How often Kafka is told of the offsets.
const COMMITTED_EVERY: Duration = Duration::from_secs(1);
/// The pause before books that are away are asked again.
const AWAY_PAUSE: Duration = Duration::from_millis(500);
/// The pause before it is looked whether a lane that stopped may go on.
const STOPPED_PAUSE: Duration = Duration::from_secs(5);
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
    /// The topic of what could not be posted.
    pub dead_letter_topic: String,
    /// On how many brokers each message of it is, where it is made here.
    pub replication_factor: u16,
    /// The group that shares the lanes.
    pub group: String,
    /// What posts.
    pub poster: PosterParts,
}

/// Where the books stand says where each lane goes on.
struct BooksStand(Arc<dyn GeneralLedger>);

#[async_trait]
impl Origins for BooksStand {
    async fn next_offset(&self, lane: LaneId) -> Result<Option<i64>, StoreError> {
        Ok(self.0.enter(lane).await?.cursor.offset)
    }
}

/// Joins the group and posts what comes, until it is dropped.
pub fn start(parts: ConsumerParts, runtime: Handle) -> Result<RunningConsumer, ConsumerError> {
    let stop = Arc::new(AtomicBool::new(false));
    let origins = Arc::new(BooksStand(Arc::clone(&parts.poster.ledger)));
    let assignment = Assignment::new(origins, runtime.clone(), &parts.topic, Arc::clone(&stop));
    let consumer = join(&parts.client, &parts.group, &parts.topic, assignment)?;
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
    RunningConsumer::start("books-kafka", stop, work)
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
            let (round, failed) = gather(&self.consumer);
            self.forget_changed();
            let mine = self.consumer.context().partitions();
            for (partition, messages) in round {
                // What is not this member's any more, or comes after it was told to end, another one reads.
                if mine.contains(&partition) && !self.stop.load(Ordering::Acquire) {
                    let messages: Vec<Incoming> = messages.into_iter().map(incoming).collect();
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

    fn pause(&mut self, partition: i32, until: Duration) {
        pause(&self.consumer, &self.parts.topic, partition);
        self.lanes.insert(partition, Lane::Paused(Instant::now() + until));
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
        let gone_on = resume_at(&self.consumer, &self.parts.topic, partition, poster.cursor().offset);
        if let Err(error) = gone_on {
            tracing::warn!(partition, %error, "a lane could not be read again: tried again");
            return Err(());
        }
        self.lanes.insert(partition, Lane::Open(poster));
        Ok(())
    }

    /// For people and their tools: nothing here goes by it.
    fn tell_offsets(&mut self, mode: CommitMode) {
        self.committed = Instant::now();
        let offsets = self.lanes.iter().filter_map(|(partition, lane)| match lane {
            Lane::Open(poster) => Some((*partition, poster.cursor().offset?)),
            Lane::Paused(_) => None,
        });
        tell_offsets(&self.consumer, &self.parts.topic, offsets, mode);
    }
}

/// A message as the poster takes it.
fn incoming(message: Received) -> Incoming {
    let offset = Some(message.offset);
    let content = match message.envelope {
        Ok(Envelope { position, previous, hash, .. }) => {
            let body = message.body.into();
            Content::Record(Delivered { position, previous: Some(previous), hash, body, record: None })
        }
        Err(reason) => Content::Stray { body: message.body, reason },
    };
    Incoming { offset, content }
}
