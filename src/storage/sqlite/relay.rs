//! How far the outbox has published: a cursor per lane, moved by the lane's owner alone.

use hwan_domain::id::{LaneId, Seq};
use sqlx::{Row, SqliteConnection};

use super::{
    SqliteStore,
    commit::packed_seq,
    errors::{column, store_error},
    lanes::{read_seq, standing},
    reads::chain_hash,
};
use crate::storage::{
    consistency::{published_ahead, published_went_back},
    port::{ChainHash, CommitError, Epoch, StoreError},
};

/// Gives the cursor to the lane's new owner, in the transaction that takes the lane; refused where the cursor is beyond the lane.
pub(super) async fn enter(
    connection: &mut SqliteConnection,
    lane: LaneId,
    epoch: Epoch,
    head: Seq,
) -> Result<(), StoreError> {
    let row = sqlx::query(
        "INSERT INTO relay (lane, epoch, seq, hash) VALUES (?, ?, 0, ?) \
         ON CONFLICT (lane) DO UPDATE SET epoch = excluded.epoch RETURNING seq",
    )
    .bind(i64::from(lane.number()))
    .bind(i64::try_from(epoch.0).unwrap_or(i64::MAX))
    .bind(ChainHash::GENESIS.0.to_vec())
    .fetch_one(connection)
    .await
    .map_err(|error| store_error(&error))?;
    let relayed = read_seq(row.try_get("seq").map_err(|error| column(&error))?)?;
    if relayed > head {
        return Err(published_went_back(lane, head, relayed));
    }
    Ok(())
}

/// Where a lane's cursor stands.
pub(super) async fn relayed(store: &SqliteStore, lane: LaneId) -> Result<(Seq, ChainHash), StoreError> {
    let mut reader = store.ledger.readers().lend().await?;
    let row = sqlx::query("SELECT seq, hash FROM relay WHERE lane = ?")
        .bind(i64::from(lane.number()))
        .fetch_optional(reader.connection())
        .await
        .map_err(|error| store_error(&error))?;
    reader.give_back();
    let Some(row) = row else { return Ok((Seq::ZERO, ChainHash::GENESIS)) };
    Ok((read_seq(row.try_get("seq").map_err(|error| column(&error))?)?, chain_hash(&row)?))
}

/// Moves a lane's cursor.
pub(super) async fn relay(
    store: &SqliteStore,
    lane: LaneId,
    epoch: Epoch,
    from: Seq,
    (to, hash): (Seq, ChainHash),
) -> Result<(), StoreError> {
    let head = standing(store.ledger.readers(), lane).await?;
    if to > head {
        return Err(published_ahead(lane, to, head));
    }
    let mut transaction = store.ledger.writer()?.begin().await?;
    let moved = sqlx::query("UPDATE relay SET seq = ?, hash = ? WHERE lane = ? AND epoch = ? AND seq = ?")
        .bind(packed_seq(to))
        .bind(hash.0.to_vec())
        .bind(i64::from(lane.number()))
        .bind(i64::try_from(epoch.0).unwrap_or(i64::MAX))
        .bind(packed_seq(from))
        .execute(transaction.connection()?)
        .await;
    let refused = match moved {
        Ok(moved) if moved.rows_affected() == 1 => {
            return transaction.commit().await.map_err(|error| match error {
                CommitError::NotDone(text) | CommitError::Unknown(text) => StoreError::Unavailable(text),
                other => StoreError::Unavailable(other.to_string()),
            });
        }
        Ok(_) => StoreError::RelayFenced { lane, epoch, from },
        Err(error) => store_error(&error),
    };
    transaction.roll_back().await;
    Err(refused)
}
