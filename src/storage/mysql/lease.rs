//! How an owner keeps its lanes: every commit renews the lease, and where nothing is committed this task does.
//!
//! It goes by the committing connections, when they are free, so that they stay open too. What it can't renew it leaves to run
//! out: the fence decides, not the lease. Where a lane has been taken by another engine, none is renewed any more: two engines
//! with a part of the lanes each would serve nobody.

use std::{sync::Weak, time::Duration};

use super::store::{Owned, Shared, SharedParts};

/// Renews the leases of a store's lanes until the store is gone.
pub(super) async fn keep(parts: Weak<SharedParts>, lease: Duration) {
    let every = (lease / 3).max(Duration::from_millis(50));
    loop {
        tokio::time::sleep(every).await;
        let Some(store) = parts.upgrade().map(Shared::from) else { return };
        if store.is_closed() || store.is_lost() {
            return;
        }
        keep_open(&store).await;
        for Owned { lane, epoch, renewed } in store.owned() {
            if renewed.elapsed() < every {
                continue;
            }
            // A transaction that holds the connection renews the lease itself.
            let Some(turn) = store.committer(lane).turn_if_free().await else { continue };
            let mut turn = match turn {
                Ok(turn) => turn,
                Err(error) => {
                    tracing::debug!(%lane, %error, "the lease could not be renewed");
                    continue;
                }
            };
            let renew = format!(
                "UPDATE lane SET connection = {}, lease_until = NOW(6) + INTERVAL {} MICROSECOND WHERE id = {} AND epoch = {}",
                turn.number,
                lease.as_micros(),
                lane.number(),
                epoch.0
            );
            match turn.matched(renew).await {
                Ok(1) => store.renewed(lane, epoch),
                Ok(_) => {
                    tracing::error!(%lane, "the lease is lost: another engine has taken over");
                    store.lose();
                    return;
                }
                Err(failure) => tracing::debug!(%lane, error = %failure.error(), "the lease could not be renewed"),
            }
        }
    }
}

/// The server ends connections of ours that are silent for long: the projector's has pauses.
async fn keep_open(store: &Shared) {
    if store.owned().is_empty() {
        return;
    }
    if let Some(Ok(mut turn)) = store.projector.turn_if_free().await
        && let Err(failure) = turn.matched("DO 0".to_owned()).await
    {
        tracing::debug!(error = %failure.error(), "the projector's connection is opened again when it is needed");
    }
}
