//! A follower that feeds two: one that counts, and one beside it.
//!
//! The first is the outbox: what it has taken is what has left, its refusal keeps a lane closed, its backlog closes the door. The
//! second reads the same journal from its own cursor; it may lag, fail or panic, and nobody but it notices.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use hwan_domain::id::{LaneId, Seq};

use super::port::{Backlog, FollowedLane, Follower};
use crate::storage::port::{ChainHash, LedgerStore, StoreError};

/// The pause before a second follower that panicked begins again.
const PANIC_PAUSE: Duration = Duration::from_secs(5);

/// Two followers of the same lanes.
pub struct Both {
    counts: Arc<dyn Follower>,
    beside: Arc<dyn Follower>,
    backlogs: Mutex<HashMap<LaneId, Arc<Backlog>>>,
}

impl Both {
    /// One that counts, and one beside it.
    pub fn new(counts: Arc<dyn Follower>, beside: Arc<dyn Follower>) -> Self {
        Self { counts, beside, backlogs: Mutex::default() }
    }

    /// How far the second is: nobody's door goes by it.
    fn backlog(&self, lane: &FollowedLane) -> Arc<Backlog> {
        let mut backlogs = self.backlogs.lock().unwrap_or_else(PoisonError::into_inner);
        let backlog = backlogs.entry(lane.lane).or_default();
        backlog.begins_at(lane.head);
        Arc::clone(backlog)
    }
}

#[async_trait]
impl Follower for Both {
    fn name(&self) -> &'static str {
        self.counts.name()
    }

    async fn accept(&self, lane: LaneId, head: (Seq, ChainHash), store: &dyn LedgerStore) -> Result<(), StoreError> {
        self.counts.accept(lane, head, store).await?;
        if let Err(error) = self.beside.accept(lane, head, store).await {
            tracing::error!(%lane, %error, follower = self.beside.name(), "a follower refuses a lane: it opens all the same");
        }
        Ok(())
    }

    fn follow(&self, lane: FollowedLane) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let its = FollowedLane { backlog: self.backlog(&lane), ..lane.clone() };
        let (counts, beside) = (self.counts.follow(lane), Arc::clone(&self.beside));
        Box::pin(async move {
            let following = async {
                while AssertUnwindSafe(beside.follow(its.clone())).catch_unwind().await.is_err() {
                    tracing::error!(lane = %its.lane, follower = beside.name(), "a follower panicked: it begins again at its cursor");
                    tokio::time::sleep(PANIC_PAUSE).await;
                }
            };
            futures_util::future::join(counts, following).await;
        })
    }
}
