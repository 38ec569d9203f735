//! The watch in the engine's own process: a follower beside the books.
//!
//! It reads each lane's journal from where its state stands. A lane that opens never waits for it; where the lane is not what was
//! judged before (its store went back, or was changed), that is told and the lane is judged from its beginning.

use std::{pin::Pin, time::Duration};

use async_trait::async_trait;
use hwan_domain::{
    anomaly::{Alert, Rule, Subject},
    id::{LaneId, Position, Seq},
};

use super::{
    lane_state::Delivery,
    watcher::{Lane, Watch},
};
use crate::{
    outbox::port::{FollowedLane, Follower},
    storage::port::{ChainHash, JournalRow, LedgerStore, StoreError},
};

/// Records of one turn: some milliseconds of judging.
const TURN_RECORDS_MAX: usize = 1_024;
/// How long a turn waits for records before what else is due is done.
const WAITED_FOR: Duration = Duration::from_secs(1);
/// How long records are gathered, so that a busy lane is judged in larger turns.
const GATHERED_FOR: Duration = Duration::from_millis(50);
/// The pause before what failed is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

#[async_trait]
impl Follower for Watch {
    fn name(&self) -> &'static str {
        "watch"
    }

    async fn accept(&self, _lane: LaneId, _head: (Seq, ChainHash), _store: &dyn LedgerStore) -> Result<(), StoreError> {
        Ok(())
    }

    fn follow(&self, followed: FollowedLane) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let watch = self.clone();
        Box::pin(async move {
            let lane = watch.lane(followed.lane);
            loop {
                let Err(error) = watch.follow_lane(&lane, &followed).await;
                tracing::warn!(lane = %followed.lane, %error, "watching failed: tried again");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        })
    }
}

impl Watch {
    async fn follow_lane(&self, lane: &Lane, followed: &FollowedLane) -> Result<std::convert::Infallible, StoreError> {
        let id = followed.lane;
        let mut turn = lane.turn.lock().await;
        self.open(id, lane, followed.store.as_ref()).await?;
        let after = self.stands_at(lane).map_or(Seq::ZERO, |(seq, ..)| seq);
        followed.backlog.reached(after, None);
        let mut tail = followed.tail(after);
        if id == LaneId::SYSTEM && !tail.has_more() {
            self.system_is_caught_up();
        }
        self.rounds_are_known(id).await;
        loop {
            self.upkeep(lane, &mut turn).await?;
            let Ok(rows) = tokio::time::timeout(WAITED_FOR, tail.next(TURN_RECORDS_MAX)).await else {
                continue;
            };
            let deliver = |row: JournalRow| {
                // Whose the older records were, the journal does not say.
                let is_ours = row.record.position.seq() > followed.head;
                Delivery::of_row(row, is_ours.then_some(followed.epoch.0))
            };
            let deliveries: Vec<Delivery> = rows?.into_iter().map(deliver).collect();
            self.take(lane, &deliveries);
            let seq = self.stands_at(lane).map_or(Seq::ZERO, |(seq, ..)| seq);
            followed.backlog.reached(seq, None);
            if tail.has_more() {
                tokio::task::yield_now().await;
            } else {
                if id == LaneId::SYSTEM {
                    self.system_is_caught_up();
                }
                tokio::time::sleep(GATHERED_FOR).await;
            }
        }
    }

    /// Sees to it that the lane has a state, and that it is a state of this journal.
    async fn open(&self, id: LaneId, lane: &Lane, store: &dyn LedgerStore) -> Result<(), StoreError> {
        if self.take_back(id, lane).await?
            && let Some((seq, hash, _)) = self.stands_at(lane)
        {
            match judged_before(id, (seq, hash), store).await? {
                None => return Ok(()),
                Some(found) => {
                    let position = Position::new(id, seq);
                    tracing::error!(lane = %id, found, "the journal is not the one that was judged: it is judged from its beginning");
                    let expected = format!("record {seq} with hash {hash:?}, as it was judged");
                    let here = (position, self.parts().teller.clock().now());
                    let alert = Alert::at_record(Rule::ChainBroken, Subject::Lane(id), here, expected, found);
                    self.parts().teller.tell(&[alert]).await?;
                }
            }
        }
        let begins = store.journal_begins(id).await?;
        self.begin(id, lane, begins, None);
        Ok(())
    }
}

/// What stands in the journal instead of a record that was judged before; `None` where it is that record, or was deleted from the
/// journal's beginning.
async fn judged_before(
    lane: LaneId,
    (seq, hash): (Seq, ChainHash),
    store: &dyn LedgerStore,
) -> Result<Option<String>, StoreError> {
    if seq == Seq::ZERO {
        return Ok(None);
    }
    let rows = store.journal(lane, seq, 1).await?;
    if let Some(row) = rows.first().filter(|row| row.record.position.seq() == seq) {
        return Ok((row.hash != hash).then(|| format!("hash {:?}", row.hash)));
    }
    Ok(match store.journal_begins(lane).await? {
        (begins, found) if begins == seq => (found != hash).then(|| format!("hash {found:?}")),
        // What follows is missing too: the gap is told by the rules.
        (begins, _) if begins > seq => None,
        _ => Some("no such record".to_owned()),
    })
}
