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
    storage::port::{LedgerStore, StoreError},
};

/// About how many records one step takes at most: so many wait for nothing further.
const STEP_RECORDS_MAX: usize = 16_384;
/// How long a step gathers records before it begins: fewer, larger transactions touch a page once for many postings.
const GATHERED_FOR: Duration = Duration::from_secs(1);
/// How often it is looked at meanwhile whether enough have gathered.
const GATHERED_SO_FAR: Duration = Duration::from_millis(50);
/// The pause before a step that failed is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// How long it gathers while somebody waits for the projections: soon, but not one step for each who asks.
const GATHERED_WHILE_WAITED_FOR: Duration = Duration::from_millis(5);

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

    /// The pause in which a step's records gather: short while somebody waits, or where there are enough.
    async fn gather(&self, tail: &Tail) {
        let until = Instant::now() + GATHERED_FOR;
        while Instant::now() < until && tail.waiting() < STEP_RECORDS_MAX {
            tokio::select! {
                () = tokio::time::sleep(GATHERED_SO_FAR) => {}
                () = self.wanted.notified() => return tokio::time::sleep(GATHERED_WHILE_WAITED_FOR).await,
            }
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
        let rows = store.journal(lane, next, STEP_RECORDS_MAX).await?;
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
    loop {
        // Gather before reading: one wake-up a step, not one a commit.
        progress.gather(&tail).await;
        let mut records: Vec<Arc<Record>> = match tail.next(STEP_RECORDS_MAX).await {
            Ok(rows) => rows.into_iter().map(|row| row.record).collect(),
            Err(error) => {
                tracing::warn!(%lane, %error, "the journal could not be read for projection: tried again");
                continue;
            }
        };
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
