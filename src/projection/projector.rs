//! The projector of a lane: follows its journal and moves the projections, one fenced transaction a step.
//!
//! It never runs ahead of the journal, since it is told of records only once they are durable; it may lag behind, and
//! says how far. A step that fails is tried again: the fence in the store keeps a repeated step from counting twice.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hwan_domain::{
    id::{LaneId, Seq},
    record::Record,
};

use tokio::{sync::Notify, time::Instant};

use crate::{
    outbox::feed::Tail,
    storage::port::{LedgerStore, ProjectionStep, StoreError},
};

/// How often what has come meanwhile is fetched, so that the feed need not hold it.
const FETCHED_EVERY: Duration = Duration::from_millis(50);
/// How long it gathers while somebody waits for the projections: soon, but not one step for each who asks.
const GATHERED_WHILE_WAITED_FOR: Duration = Duration::from_millis(5);
/// Records that one read of the journal brings while a lane is caught up.
const READ_RECORDS_MAX: usize = 8_192;
/// The pause before what failed is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Up to where a lane's projections have followed, for the door and for operators.
#[derive(Debug, Default)]
pub struct Progress {
    seq: AtomicU64,
    moved: Notify,
    /// Somebody waits: the projector need not gather.
    wanted: Notify,
}

impl Progress {
    /// The newest projected record.
    pub fn seq(&self) -> Seq {
        Seq::new(self.seq.load(Ordering::Acquire)).unwrap_or(Seq::ZERO)
    }

    /// Notes a step.
    pub fn reached(&self, seq: Seq) {
        self.seq.store(seq.number(), Ordering::Release);
        self.moved.notify_waiters();
    }

    /// Returns once the projections have followed to `seq`, and has the projector hurry until then.
    pub async fn reaches(&self, seq: Seq) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if self.seq() >= seq {
                return;
            }
            self.wanted.notify_one();
            moved.await;
        }
    }
}

/// Brings a lane's projections up to `head`, from the journal. Called before the lane opens.
pub async fn catch_up(
    store: &dyn LedgerStore,
    lane: LaneId,
    from: Seq,
    head: Seq,
    progress: &Progress,
) -> Result<(), StoreError> {
    let mut at = from;
    progress.reached(at);
    while at < head {
        let Some(next) = at.next() else { break };
        let rows = store.journal(lane, next, READ_RECORDS_MAX).await?;
        let records: Vec<Arc<Record>> = rows.into_iter().map(|row| row.record).collect();
        if records.is_empty() {
            return Err(StoreError::Damaged(format!("lane {lane} stands at {head}, its journal ends at {at}")));
        }
        at = step(store, lane, at, &records).await?;
        progress.reached(at);
    }
    Ok(())
}

/// Follows a lane from `from` on, until it is dropped or the store is found damaged.
pub async fn follow(store: Arc<dyn LedgerStore>, lane: LaneId, mut tail: Tail, from: Seq, progress: Arc<Progress>) {
    let mut at = from;
    let size = store.projection_step();
    loop {
        let mut records = gather(&mut tail, lane, &progress, size).await;
        while let Some(to) = records.last().map(|record| record.position.seq()) {
            match step(store.as_ref(), lane, at, &records).await {
                Ok(reached) => {
                    at = reached;
                    progress.reached(at);
                    records.retain(|record| record.position.seq() > at);
                }
                Err(StoreError::Damaged(reason)) => {
                    tracing::error!(%lane, reason, "projection stops: the store is damaged");
                    return;
                }
                Err(error) => {
                    tracing::warn!(%lane, %to, %error, "a projection step failed: tried again");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
    }
}

/// Waits for records, and then for more of them: until there are enough for a step, or for as long as a step gathers,
/// which is short while somebody waits.
async fn gather(tail: &mut Tail, lane: LaneId, progress: &Progress, size: ProjectionStep) -> Vec<Arc<Record>> {
    let mut records = Vec::new();
    fetch(tail, lane, &mut records, size.records_max).await;
    let until = Instant::now() + size.gathered_for;
    let mut waited_for = false;
    while records.len() < size.records_max && Instant::now() < until && !waited_for {
        tokio::select! {
            () = tokio::time::sleep(FETCHED_EVERY) => {}
            () = progress.wanted.notified() => {
                waited_for = true;
                tokio::time::sleep(GATHERED_WHILE_WAITED_FOR).await;
            }
        }
        while tail.has_more() && records.len() < size.records_max {
            fetch(tail, lane, &mut records, size.records_max).await;
        }
    }
    records
}

/// Waits for the next records.
async fn fetch(tail: &mut Tail, lane: LaneId, records: &mut Vec<Arc<Record>>, limit: usize) {
    loop {
        match tail.next(limit).await {
            Ok(rows) => return records.extend(rows.into_iter().map(|row| row.record)),
            Err(error) => {
                tracing::warn!(%lane, %error, "the journal could not be read for projection: tried again");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}

/// Moves the projections over these records, which follow `at`; returns where they stand then. That may be further on
/// than `at`, without these records: a step whose answer was lost, or one of the generation before, has been there.
async fn step(store: &dyn LedgerStore, lane: LaneId, at: Seq, records: &[Arc<Record>]) -> Result<Seq, StoreError> {
    match store.project(lane, at, records).await {
        Ok(()) => Ok(records.last().map_or(at, |record| record.position.seq())),
        Err(StoreError::ProjectionFenced { .. }) => match store.projected(lane).await? {
            elsewhere if elsewhere > at => Ok(elsewhere),
            elsewhere => Err(StoreError::Damaged(format!(
                "the projections of lane {lane} stand at {elsewhere}, they had been moved to {at}"
            ))),
        },
        Err(error) => Err(error),
    }
}
