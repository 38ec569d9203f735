//! How far the outbox has published: a cursor per lane, moved by the lane's owner alone.
//!
//! The cursor is moved by the connection that moves the projections on: whoever takes the lane ends that one.

use std::fmt::Write as _;

use hwan_domain::id::{LaneId, Seq};

use super::{
    lanes::seq_by,
    projections,
    reads::{chain_hash, get, read_seq},
    script,
    store::Shared,
};
use crate::storage::{
    consistency::published_ahead,
    port::{ChainHash, Epoch, StoreError},
};

/// Where a lane's cursor stands.
pub(super) async fn relayed(store: &Shared, lane: LaneId) -> Result<(Seq, ChainHash), StoreError> {
    let rows = store.sessions.rows(format!("SELECT seq, hash FROM relay WHERE lane = {}", lane.number())).await?;
    let Some(row) = rows.first() else { return Ok((Seq::ZERO, ChainHash::GENESIS)) };
    Ok((read_seq(get(row, "seq")?)?, chain_hash(row)?))
}

/// Moves a lane's cursor: one statement, which is its own transaction.
pub(super) async fn relay(
    store: &Shared,
    lane: LaneId,
    epoch: Epoch,
    from: Seq,
    (to, hash): (Seq, ChainHash),
) -> Result<(), StoreError> {
    let head = seq_by(store, format!("SELECT seq FROM lane WHERE id = {}", lane.number())).await?;
    if to > head {
        return Err(published_ahead(lane, to, head));
    }
    let shared = store.clone();
    let work = async move {
        let mut turn = shared.projector.turn().await?;
        projections::prepare(&shared, &mut turn, lane, epoch).await?;
        let mut step = format!("UPDATE relay SET seq = {}, hash = ", to.number());
        script::push_bytes(&mut step, &hash.0);
        let _ = write!(step, " WHERE lane = {} AND epoch = {} AND seq = {}", lane.number(), epoch.0, from.number());
        match turn.matched(step).await {
            Ok(1) => Ok(()),
            Ok(_) => Err(StoreError::RelayFenced { lane, epoch, from }),
            Err(failure) => {
                if turn.is_in_doubt() {
                    turn.give_up();
                }
                Err(failure.into())
            }
        }
    };
    store.sessions.run(work).await?
}
