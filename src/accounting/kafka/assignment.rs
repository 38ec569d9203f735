//! Which partitions this member of the group has. Each begins at the offset that the books' cursor names.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hwan_domain::id::LaneId;
use rdkafka::{
    ClientContext, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaResult,
    types::RDKafkaRespErr,
};
use tokio::runtime::Handle;

use crate::storage::{general_ledger::port::GeneralLedger, port::StoreError};

/// The pause before books that are away are asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The lane of a partition.
pub(super) fn lane_of(partition: i32) -> Option<LaneId> {
    u16::try_from(partition).ok().and_then(LaneId::new)
}

/// What librdkafka calls back.
pub(super) struct Assignment {
    ledger: Arc<dyn GeneralLedger>,
    runtime: Handle,
    topic: String,
    stop: Arc<AtomicBool>,
    /// Partitions that came, or left, since it was last looked: what was known of their lanes is not true any more.
    changed: Mutex<HashSet<i32>>,
    /// Partitions that are this member's now.
    mine: Mutex<Vec<i32>>,
}

impl Assignment {
    pub(super) fn new(ledger: Arc<dyn GeneralLedger>, runtime: Handle, topic: &str, stop: Arc<AtomicBool>) -> Self {
        Self { ledger, runtime, topic: topic.to_owned(), stop, changed: Mutex::default(), mine: Mutex::default() }
    }

    fn changed(&self) -> MutexGuard<'_, HashSet<i32>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Partitions that are this member's now.
    pub(super) fn partitions(&self) -> Vec<i32> {
        self.mine.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Partitions whose lanes have to be entered anew.
    pub(super) fn take_changed(&self) -> HashSet<i32> {
        std::mem::take(&mut *self.changed())
    }

    /// Where a partition is read from: what the books say, asked until they answer.
    fn begins_at(&self, partition: i32) -> Option<Offset> {
        let lane = lane_of(partition)?;
        loop {
            match self.runtime.block_on(self.ledger.enter(lane)) {
                Ok(books) => return Some(books.cursor.offset.map_or(Offset::Beginning, Offset::Offset)),
                Err(StoreError::Damaged(reason)) => {
                    tracing::error!(%lane, reason, "the books of a lane are damaged: it is not read");
                    return None;
                }
                Err(error) => tracing::warn!(%lane, %error, "the books cannot say where a lane goes on: asked again"),
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
        tracing::info!(?lanes, "lanes to post");
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
