//! Taking a lane: a new epoch under the write lock, and the proof that what is stored belongs together.

use std::collections::HashMap;

use hwan_domain::{
    control::ControlTotals,
    currency::CurrencySet,
    id::{LaneId, Position, SEQ_MAX, Seq},
    time::{BusinessDate, Timestamp},
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    SqliteStore,
    errors::{column, store_error},
    readers::Readers,
    reads::chain_hash,
    relay,
    writer::Transaction,
};
use crate::storage::{
    consistency::{JournalEnd, journal_and_lane_agree, went_back},
    port::{ChainHash, CommitError, Epoch, LaneHead, StoreError, TakenLane},
    totals,
};

/// Ends every earlier epoch and returns where the lane stands.
pub(super) async fn take(store: &SqliteStore, lane: LaneId) -> Result<TakenLane, StoreError> {
    let mut transaction = store.ledger.writer()?.begin().await?;
    let taken = bump(transaction.connection()?, lane, &store.currencies).await;
    let taken = ended(transaction, taken).await?;
    // After the ledger, and behind any step of the projections that is under way.
    let mut transaction = store.passbook.writer()?.begin().await?;
    let projected = enter(transaction.connection()?, lane).await;
    let projected = ended(transaction, projected).await?;
    if projected > taken.seq {
        return Err(went_back(lane, taken.seq, projected));
    }
    Ok(TakenLane { projected, ..taken })
}

/// Commits what was done, or leaves everything as it was.
async fn ended<T>(transaction: Transaction<'_>, done: Result<T, StoreError>) -> Result<T, StoreError> {
    match done {
        Ok(done) => {
            transaction.commit().await.map_err(|error| match error {
                // Whether it happened does not matter: it is done again.
                CommitError::NotDone(text) | CommitError::Unknown(text) => StoreError::Unavailable(text),
                other => StoreError::Unavailable(other.to_string()),
            })?;
            Ok(done)
        }
        Err(error) => {
            transaction.roll_back().await;
            Err(error)
        }
    }
}

/// Where the lane's projections stand; at its beginning where it is new.
async fn enter(connection: &mut SqliteConnection, lane: LaneId) -> Result<Seq, StoreError> {
    let number = i64::from(lane.number());
    sqlx::query("INSERT INTO projection (lane, seq) VALUES (?, 0) ON CONFLICT (lane) DO NOTHING")
        .bind(number)
        .execute(&mut *connection)
        .await
        .map_err(|error| store_error(&error))?;
    let seq: i64 = sqlx::query_scalar("SELECT seq FROM projection WHERE lane = ?")
        .bind(number)
        .fetch_one(connection)
        .await
        .map_err(|error| store_error(&error))?;
    read_seq(seq)
}

async fn bump(
    connection: &mut SqliteConnection,
    lane: LaneId,
    currencies: &CurrencySet,
) -> Result<TakenLane, StoreError> {
    let failed = |error: sqlx::Error| store_error(&error);
    let number = i64::from(lane.number());
    sqlx::query("INSERT INTO lane (id, epoch, seq, hash) VALUES (?, 0, 0, ?) ON CONFLICT (id) DO NOTHING")
        .bind(number)
        .bind(ChainHash::GENESIS.0.to_vec())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    sqlx::query("UPDATE lane SET epoch = epoch + 1 WHERE id = ?")
        .bind(number)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let row = sqlx::query("SELECT epoch, seq, hash, last_at, last_date, totals FROM lane WHERE id = ?")
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
    journal_and_lane_agree(lane, &taken, last.as_ref().map(read_end).transpose()?)?;
    relay::enter(connection, lane, taken.epoch, taken.seq).await?;
    let totals: Option<String> = row.try_get("totals").map_err(|error| column(&error))?;
    let totals = match totals {
        Some(text) => totals::read(&text, currencies)?,
        None => add_up(connection, lane, currencies).await?,
    };
    Ok(TakenLane { totals, ..taken })
}

/// What the accounts of a lane hold together, for one whose totals were never kept.
async fn add_up(
    connection: &mut SqliteConnection,
    lane: LaneId,
    currencies: &CurrencySet,
) -> Result<ControlTotals, StoreError> {
    let sums: Vec<(String, i64)> = sqlx::query_as(
        "SELECT currency, sum(amount_minor) FROM balance WHERE account BETWEEN ? AND ? GROUP BY currency",
    )
    .bind(Position::new(lane, Seq::ZERO).packed())
    .bind(last_of(lane).packed())
    .fetch_all(connection)
    .await
    .map_err(|error| store_error(&error))?;
    let sums: Vec<(String, String)> = sums.into_iter().map(|(code, sum)| (code, sum.to_string())).collect();
    totals::of_sums(sums.iter().map(|(code, sum)| (code.as_str(), sum.as_str())), currencies)
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
        projected: Seq::ZERO,             // the passbook says
        totals: ControlTotals::default(), // their own column says
    })
}

/// Where every lane stands. The projections are read first: they are never ahead of what is read afterwards.
pub(super) async fn heads(store: &SqliteStore) -> Result<Vec<LaneHead>, StoreError> {
    let mut reader = store.passbook.readers().lend().await?;
    let projected: HashMap<i64, i64> = sqlx::query_as("SELECT lane, seq FROM projection")
        .fetch_all(reader.connection())
        .await
        .map_err(|error| store_error(&error))?
        .into_iter()
        .collect();
    reader.give_back();
    let mut reader = store.ledger.readers().lend().await?;
    let rows = sqlx::query("SELECT id, seq, hash FROM lane ORDER BY id")
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
            projected: read_seq(projected.get(&number("id")?).copied().unwrap_or(0))?,
        })
    };
    rows.iter().map(head).collect()
}

fn read_end(row: &SqliteRow) -> Result<JournalEnd, StoreError> {
    let get = |name| -> Result<i64, StoreError> { row.try_get(name).map_err(|error| column(&error)) };
    let date: i32 = row.try_get("business_date").map_err(|error| column(&error))?;
    let position = Position::from_packed(get("id")?)
        .ok_or_else(|| StoreError::Damaged("the journal has a negative position".into()))?;
    let last = (Timestamp::from_micros(get("at")?), BusinessDate::from_days(date));
    Ok((position.seq(), chain_hash(row)?, last))
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

/// Where a lane stands.
pub(super) async fn standing(readers: &Readers, lane: LaneId) -> Result<Seq, StoreError> {
    seq_by(readers, "SELECT seq FROM lane WHERE id = ?", lane).await
}

/// A lane's seq by this query, which takes the lane's number; the beginning where there is no row.
pub(super) async fn seq_by(readers: &Readers, query: &'static str, lane: LaneId) -> Result<Seq, StoreError> {
    let mut reader = readers.lend().await?;
    let seq: Option<i64> = sqlx::query_scalar(query)
        .bind(i64::from(lane.number()))
        .fetch_optional(reader.connection())
        .await
        .map_err(|error| store_error(&error))?;
    reader.give_back();
    seq.map_or(Ok(Seq::ZERO), read_seq)
}
