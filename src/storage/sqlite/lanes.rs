//! Taking a lane: a new epoch under the write lock, and the proof that what is stored belongs together.

use hwan_domain::{
    id::{LaneId, Position, SEQ_MAX, Seq},
    time::{BusinessDate, Timestamp},
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    SqliteStore,
    errors::{self, column, store_error},
    readers::Readers,
    reads::chain_hash,
};
use crate::storage::{
    consistency::went_back,
    port::{ChainHash, CommitError, Epoch, LaneHead, StoreError, TakenLane},
};

/// Ends every earlier epoch and returns where the lane stands.
pub(super) async fn take(store: &SqliteStore, lane: LaneId) -> Result<TakenLane, StoreError> {
    let mut transaction = store.writer()?.begin().await?;
    let taken = bump(transaction.connection()?, lane).await;
    match taken {
        Ok(taken) => {
            transaction.commit().await.map_err(|error| match error {
                // Whether the epoch moved does not matter: it is taken again.
                CommitError::NotDone(text) | CommitError::Unknown(text) => StoreError::Unavailable(text),
                other => StoreError::Unavailable(other.to_string()),
            })?;
            Ok(taken)
        }
        Err(error) => {
            transaction.roll_back().await;
            Err(error)
        }
    }
}

async fn bump(connection: &mut SqliteConnection, lane: LaneId) -> Result<TakenLane, StoreError> {
    let failed = |error: sqlx::Error| errors::store_error(&error);
    let number = i64::from(lane.number());
    sqlx::query("INSERT INTO lane (id, epoch, seq, hash) VALUES (?, 0, 0, ?) ON CONFLICT (id) DO NOTHING")
        .bind(number)
        .bind(ChainHash::GENESIS.0.to_vec())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    sqlx::query("INSERT INTO projection (lane, seq) VALUES (?, 0) ON CONFLICT (lane) DO NOTHING")
        .bind(number)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    sqlx::query("UPDATE lane SET epoch = epoch + 1 WHERE id = ?")
        .bind(number)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let row = sqlx::query(
        "SELECT l.epoch, l.seq, l.hash, l.last_at, l.last_date, p.seq AS projected \
         FROM lane l JOIN projection p ON p.lane = l.id WHERE l.id = ?",
    )
    .bind(number)
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    let taken = read_lane(&row)?;
    let last = sqlx::query(
        "SELECT id, hash, at, business_date FROM journal WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1",
    )
    .bind(Position::new(lane, Seq::ZERO).packed())
    .bind(last_of(lane).packed())
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed)?;
    agree(lane, &taken, last.as_ref())?;
    Ok(taken)
}

fn read_lane(row: &SqliteRow) -> Result<TakenLane, StoreError> {
    let number = |name| -> Result<i64, StoreError> { row.try_get(name).map_err(|error| column(&error)) };
    let at: Option<i64> = row.try_get("last_at").map_err(|error| column(&error))?;
    let date: Option<i32> = row.try_get("last_date").map_err(|error| column(&error))?;
    Ok(TakenLane {
        epoch: Epoch(u64::try_from(number("epoch")?).map_err(|_| StoreError::Damaged("a negative epoch".into()))?),
        seq: read_seq(number("seq")?)?,
        hash: chain_hash(row)?,
        last: at.zip(date).map(|(at, date)| (Timestamp::from_micros(at), BusinessDate::from_days(date))),
        projected: read_seq(number("projected")?)?,
    })
}

/// Where every lane stands.
pub(super) async fn heads(readers: &Readers) -> Result<Vec<LaneHead>, StoreError> {
    let mut reader = readers.lend().await?;
    let rows = sqlx::query(
        "SELECT l.id, l.seq, l.hash, p.seq AS projected FROM lane l JOIN projection p ON p.lane = l.id ORDER BY l.id",
    )
    .fetch_all(reader.connection())
    .await
    .map_err(|error| store_error(&error))?;
    reader.give_back();
    let head = |row: &SqliteRow| {
        let number = |name| -> Result<i64, StoreError> { row.try_get(name).map_err(|error| column(&error)) };
        let lane = u16::try_from(number("id")?).ok().and_then(LaneId::new);
        Ok(LaneHead {
            lane: lane.ok_or_else(|| StoreError::Damaged("a stored lane is beyond what a lane can be".into()))?,
            seq: read_seq(number("seq")?)?,
            hash: chain_hash(row)?,
            projected: read_seq(number("projected")?)?,
        })
    };
    rows.iter().map(head).collect()
}

/// The lane's row, its journal and its projections must tell one story.
fn agree(lane: LaneId, taken: &TakenLane, last: Option<&SqliteRow>) -> Result<(), StoreError> {
    let (seq, hash, at) = match last {
        None => (Seq::ZERO, ChainHash::GENESIS, None),
        Some(row) => {
            let get = |name| -> Result<i64, StoreError> { row.try_get(name).map_err(|error| column(&error)) };
            let date: i32 = row.try_get("business_date").map_err(|error| column(&error))?;
            let position = Position::from_packed(get("id")?)
                .ok_or_else(|| StoreError::Damaged("the journal has a negative position".into()))?;
            let last = (Timestamp::from_micros(get("at")?), BusinessDate::from_days(date));
            (position.seq(), chain_hash(row)?, Some(last))
        }
    };
    if (seq, hash, at) != (taken.seq, taken.hash, taken.last) {
        return Err(StoreError::Damaged(format!(
            "lane {lane} stands at {} with hash {:?}, its journal ends at {seq} with hash {hash:?}: restore the ledger, \
             and never edit it by hand",
            taken.seq, taken.hash
        )));
    }
    if taken.projected > taken.seq {
        return Err(went_back(lane, taken.seq, taken.projected));
    }
    Ok(())
}

/// The last place that a lane has.
pub(super) fn last_of(lane: LaneId) -> Position {
    Position::new(lane, Seq::new(SEQ_MAX).unwrap_or(Seq::ZERO))
}

/// A sequence number from its column.
pub(super) fn read_seq(number: i64) -> Result<Seq, StoreError> {
    u64::try_from(number)
        .ok()
        .and_then(Seq::new)
        .ok_or_else(|| StoreError::Damaged(format!("{number} is not a sequence number")))
}

/// Where a lane stands and to where its projections have followed, under the caller's transaction.
pub(super) async fn standing(connection: &mut SqliteConnection, lane: LaneId) -> Result<Seq, StoreError> {
    let seq: Option<i64> = sqlx::query_scalar("SELECT seq FROM lane WHERE id = ?")
        .bind(i64::from(lane.number()))
        .fetch_optional(connection)
        .await
        .map_err(|error| store_error(&error))?;
    seq.map_or(Ok(Seq::ZERO), read_seq)
}
