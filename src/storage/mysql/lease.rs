//! How an owner keeps its lanes: every commit renews the lease, and where nothing is committed this task does.
//!
//! It goes by the committing connections, in turn with the commits, so that they stay open too: under load a connection is hardly
//! ever free, and a lane that shares it and commits nothing must not be lost for that. What it can't renew it leaves to run out: the
//! fence decides, not the lease. Where a lane has been taken by another engine, none is renewed any more: two engines with a part of
//! the lanes each would serve nobody.

use std::{collections::HashSet, future::Future, pin::Pin, sync::Weak, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use hwan_domain::id::LaneId;
use tokio::time::Instant;

use super::{
    lanes,
    store::{Owned, Shared, SharedParts},
};

/// What is under way: whose sign of life, if a lane's.
type UnderWay = Pin<Box<dyn Future<Output = Option<LaneId>> + Send>>;

/// Renews the leases of a store's lanes until the store is gone.
///
/// Side by side, each for as long as its connection takes: one that hangs holds up its own lanes only, and one that is slow is not
/// given up for it, which would make it slower still.
pub(super) async fn keep(parts: Weak<SharedParts>, lease: Duration) {
    let every = (lease / 3).max(Duration::from_millis(50));
    let mut round = tokio::time::interval(every);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut under_way: FuturesUnordered<UnderWay> = FuturesUnordered::new();
    let mut busy: HashSet<Option<LaneId>> = HashSet::new();
    loop {
        tokio::select! {
            Some(done) = under_way.next(), if !under_way.is_empty() => {
                busy.remove(&done);
                continue;
            }
            _ = round.tick() => {}
        }
        let Some(store) = parts.upgrade().map(Shared::from) else { return };
        if store.is_closed() || store.is_lost() {
            return;
        }
        for owned in store.owned().into_iter().filter(|owned| owned.renewed.elapsed() >= every / 2) {
            if busy.insert(Some(owned.lane)) {
                let (store, lane) = (store.clone(), owned.lane);
                under_way.push(Box::pin(async move {
                    renew(&store, owned, lease, every).await;
                    Some(lane)
                }));
            }
        }
        if busy.insert(None) {
            under_way.push(Box::pin(async move {
                keep_open(&store).await;
                None
            }));
        }
    }
}

async fn renew(store: &Shared, Owned { lane, epoch, .. }: Owned, lease: Duration, patience: Duration) {
    // What holds the connection for longer is a transaction that hangs, or a server that is away.
    let mut turn = match store.committer(lane).turn_within(patience).await {
        Some(Ok(turn)) => turn,
        Some(Err(error)) => return tracing::debug!(%lane, %error, "the lease could not be renewed"),
        None => return,
    };
    if let Err(error) = store.refuse_other_server(lane, &turn.server()) {
        return tracing::debug!(%lane, %error, "the lease is not renewed");
    }
    let renew = format!(
        "UPDATE lane SET connection = {}, lease_until = NOW(6) + INTERVAL {} MICROSECOND WHERE id = {} AND epoch = {}",
        turn.number,
        lease.as_micros(),
        lane.number(),
        epoch.0
    );
    // The server counts from when it gets this.
    let sent = Instant::now();
    match turn.matched(renew).await {
        Ok(1) => store.renewed(lane, epoch, sent),
        // Taken again by this engine meanwhile: that is its lease.
        Ok(_) if store.epoch(lane) != Some(epoch) => {}
        Ok(_) => lanes::notice_another_owner(store, &mut turn, lane).await,
        Err(failure) => tracing::debug!(%lane, error = %failure.error(), "the lease could not be renewed"),
    }
}

/// The server ends connections of ours that are silent for long: the projector's has pauses.
async fn keep_open(store: &Shared) {
    if store.owned().is_empty() {
        return;
    }
    if let Some(Ok(mut turn)) = store.projector.turn_within(Duration::ZERO).await
        && let Err(failure) = turn.matched("DO 0".to_owned()).await
    {
        tracing::debug!(error = %failure.error(), "the projector's connection is opened again when it is needed");
    }
}
