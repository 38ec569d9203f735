//! Which partitions this member of the group has. Each begins at the offset that its reader names.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use hwan_domain::id::LaneId;
use rdkafka::{
    ClientConfig, ClientContext, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaResult,
    types::RDKafkaRespErr,
};
use tokio::runtime::Handle;

use crate::storage::port::StoreError;

/// The pause before a reader whose store is away is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The lane of a partition.
pub fn lane_of(partition: i32) -> Option<LaneId> {
    u16::try_from(partition).ok().and_then(LaneId::new)
}

/// Where lanes go on.
#[async_trait]
pub trait Origins: Send + Sync + 'static {
    /// The offset of a lane's next message; `None` at its beginning. [`StoreError::Damaged`] where the lane is not to be read.
    async fn next_offset(&self, lane: LaneId) -> Result<Option<i64>, StoreError>;
}

/// Joins a group as every reader of the events does.
pub fn join(
    client: &ClientConfig,
    group: &str,
    topic: &str,
    context: Assignment,
) -> KafkaResult<BaseConsumer<Assignment>> {
    let mut config = client.clone();
    config
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // What is wanted next is not there any more: never passed over in silence.
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
    let consumer: BaseConsumer<Assignment> = config.create_with_context(context)?;
    consumer.subscribe(&[topic])?;
    Ok(consumer)
}

/// What librdkafka calls back.
pub struct Assignment {
    origins: Arc<dyn Origins>,
    runtime: Handle,
    topic: String,
    stop: Arc<AtomicBool>,
    /// Partitions that came, or left, since it was last looked: what was known of their lanes is not true any more.
    changed: Mutex<HashSet<i32>>,
    /// Partitions that are this member's now.
    mine: Mutex<Vec<i32>>,
}

impl Assignment {
    /// Of a reader of this topic; `stop` ends its waiting for a store.
    pub fn new(origins: Arc<dyn Origins>, runtime: Handle, topic: &str, stop: Arc<AtomicBool>) -> Self {
        Self { origins, runtime, topic: topic.to_owned(), stop, changed: Mutex::default(), mine: Mutex::default() }
    }

    fn changed(&self) -> MutexGuard<'_, HashSet<i32>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Partitions that are this member's now.
    pub fn partitions(&self) -> Vec<i32> {
        self.mine.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Partitions whose lanes have to be entered anew.
    pub fn take_changed(&self) -> HashSet<i32> {
        std::mem::take(&mut *self.changed())
    }

    /// Where a partition is read from: what its reader says, asked until it answers.
    fn begins_at(&self, partition: i32) -> Option<Offset> {
        let lane = lane_of(partition)?;
        loop {
            match self.runtime.block_on(self.origins.next_offset(lane)) {
                Ok(offset) => return Some(offset.map_or(Offset::Beginning, Offset::Offset)),
                Err(StoreError::Damaged(reason)) => {
                    tracing::error!(%lane, reason, "where a lane goes on is damaged: it is not read");
                    return None;
                }
                Err(error) => tracing::warn!(%lane, %error, "it is not known where a lane goes on: asked again"),
            }
            if self.stop.load(Ordering::Acquire) {
                return None;
            }
            std::thread::sleep(RETRY_PAUSE);
        }
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, came: &TopicPartitionList) -> KafkaResult<()> {
        let mut begun = TopicPartitionList::new();
        for partition in came.elements_for_topic(&self.topic).iter().map(|element| element.partition()) {
            self.changed().insert(partition);
            if let Some(offset) = self.begins_at(partition) {
                begun.add_partition_offset(&self.topic, partition, offset)?;
            }
        }
        let lanes: Vec<i32> = begun.elements().iter().map(|element| element.partition()).collect();
        tracing::info!(?lanes, "lanes to read");
        self.mine.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&lanes);
        consumer.assign(&begun)?;
        // A pause outlives an assignment: one that was paused before would never be read again.
        consumer.resume(&begun)
    }
}

impl ClientContext for Assignment {
    fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka");
    }
}

impl ConsumerContext for Assignment {
    /// Runs within a poll, on the consumer's own thread.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        let done = if event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.assign(consumer, partitions)
        } else {
            let left = partitions.elements_for_topic(&self.topic);
            self.changed().extend(left.iter().map(|element| element.partition()));
            self.mine.lock().unwrap_or_else(PoisonError::into_inner).clear();
            consumer.unassign()
        };
        if let Err(error) = done {
            tracing::error!(%error, "the group's partitions could not be taken or left");
        }
    }
}
