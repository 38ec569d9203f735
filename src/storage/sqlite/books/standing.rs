//! Where the books stand: cursors, and with them the turnovers that belong to them.

use std::sync::LazyLock;

use hwan_domain::{
    currency::CurrencySet,
    id::LaneId,
    ledger::TrialLine,
    time::{BusinessDate, Timestamp},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{SqliteBooks, reads::read_line};
use crate::storage::{
    general_ledger::port::{LaneBooks, LaneCursor},
    port::{ChainHash, CommitError, StoreError},
    sqlite::{
        errors::store_error,
        lanes::read_seq,
        reads::{chain_hash, get},
    },
};

static ALL_CURSORS: LazyLock<String> = LazyLock::new(|| format!("{CURSORS} ORDER BY c.lane"));
static CURSOR_OF_LANE: LazyLock<String> = LazyLock::new(|| format!("{CURSORS} WHERE c.lane = ?"));

const CURSORS: &str = "SELECT c.lane, c.seq, c.hash, c.at, c.business_date, c.next_offset, c.revision, c.stopped, \
    (SELECT count(*) FROM dead_letter d WHERE d.redelivered_at IS NULL AND d.kind = 1 \
     AND d.position BETWEEN c.lane << 48 AND (c.lane << 48) | 281474976710655) AS dead_letters FROM lane_cursor c";

/// A lane's books, begun where there are none.
pub(super) async fn enter(store: &SqliteBooks, lane: LaneId) -> Result<LaneBooks, StoreError> {
    if let Some(found) = look(store, lane).await? {
        return Ok(found);
    }
    let mut transaction = store.book.writer()?.begin().await?;
    let entered =
        sqlx::query("INSERT INTO lane_cursor (lane, seq, hash) VALUES (?, 0, ?) ON CONFLICT (lane) DO NOTHING")
            .bind(i64::from(lane.number()))
            .bind(ChainHash::GENESIS.0.to_vec())
            .execute(transaction.connection()?)
            .await;
    match entered {
        Ok(_) => transaction.commit().await.map_err(unavailable)?,
        Err(error) => {
            transaction.roll_back().await;
            return Err(store_error(&error));
        }
    }
    look(store, lane).await?.ok_or_else(|| StoreError::Damaged(format!("the books of lane {lane} are gone")))
}

/// A commit whose outcome matters to nobody: whoever sent it looks where the books stand.
pub(super) fn unavailable(error: CommitError) -> StoreError {
    match error {
        CommitError::NotDone(text) | CommitError::Unknown(text) => StoreError::Unavailable(text),
        other => StoreError::Unavailable(other.to_string()),
    }
}

/// A lane's books, where there are any. Several statements in one transaction that reads: one state.
pub(super) async fn look(store: &SqliteBooks, lane: LaneId) -> Result<Option<LaneBooks>, StoreError> {
    let mut reader = store.book.readers().lend().await?;
    begin(reader.connection()).await?;
    let found = read_books(reader.connection(), lane, &store.currencies).await?;
    end(reader.connection()).await?;
    reader.give_back();
    Ok(found)
}

async fn begin(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("BEGIN").execute(connection).await.map(|_| ()).map_err(|error| store_error(&error))
}

async fn end(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("COMMIT").execute(connection).await.map(|_| ()).map_err(|error| store_error(&error))
}

async fn read_books(
    connection: &mut SqliteConnection,
    lane: LaneId,
    currencies: &CurrencySet,
) -> Result<Option<LaneBooks>, StoreError> {
    let failed = |error: sqlx::Error| store_error(&error);
    let number = i64::from(lane.number());
    let row =
        sqlx::query(CURSOR_OF_LANE.as_str()).bind(number).fetch_optional(&mut *connection).await.map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    let cursor = read_cursor(&row)?;
    let rows = sqlx::query(
        "SELECT account, of_currency, currency, \
         sum(debit_minor / 1000000000) AS debit_above, sum(debit_minor % 1000000000) AS debit_rest, \
         sum(credit_minor / 1000000000) AS credit_above, sum(credit_minor % 1000000000) AS credit_rest \
         FROM turnover WHERE lane = ? GROUP BY account, of_currency, currency",
    )
    .bind(number)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    let turnovers = rows.iter().map(|row| read_line(row, currencies)).collect::<Result<Vec<TrialLine>, _>>()?;
    let rows = sqlx::query(
        "SELECT account, of_currency, currency, debit_minor / 1000000000 AS debit_above, debit_minor % 1000000000 AS debit_rest, \
         credit_minor / 1000000000 AS credit_above, credit_minor % 1000000000 AS credit_rest \
         FROM turnover WHERE lane = ? AND business_date = ?",
    )
    .bind(number)
    .bind(cursor.business_date.map(BusinessDate::days))
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    let today = rows.iter().map(|row| read_line(row, currencies)).collect::<Result<Vec<TrialLine>, _>>()?;
    Ok(Some(LaneBooks { cursor, turnovers, today }))
}

fn read_cursor(row: &SqliteRow) -> Result<LaneCursor, StoreError> {
    let lane: i64 = get(row, "lane")?;
    let lane = u16::try_from(lane).ok().and_then(LaneId::new);
    let count = |name| -> Result<u64, StoreError> {
        let number: i64 = get(row, name)?;
        u64::try_from(number).map_err(|_| StoreError::Damaged(format!("{name} is negative")))
    };
    let at: Option<i64> = get(row, "at")?;
    let date: Option<i32> = get(row, "business_date")?;
    Ok(LaneCursor {
        lane: lane.ok_or_else(|| StoreError::Damaged("a stored lane is beyond what a lane can be".into()))?,
        seq: read_seq(get(row, "seq")?)?,
        hash: chain_hash(row)?,
        at: at.map(Timestamp::from_micros),
        business_date: date.map(BusinessDate::from_days),
        offset: get(row, "next_offset")?,
        revision: count("revision")?,
        stopped: get(row, "stopped")?,
        dead_letters: count("dead_letters")?,
    })
}

/// Where every lane's books stand.
pub(super) async fn cursors(store: &SqliteBooks) -> Result<Vec<LaneCursor>, StoreError> {
    let mut reader = store.book.readers().lend().await?;
    let rows =
        sqlx::query(ALL_CURSORS.as_str()).fetch_all(reader.connection()).await.map_err(|error| store_error(&error))?;
    reader.give_back();
    rows.iter().map(read_cursor).collect()
}
