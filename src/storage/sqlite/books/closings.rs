//! Closings in the books' file: read by one statement each, sealed in one transaction.

use async_trait::async_trait;
use hwan_domain::{
    closing::{Closing, LaneDay, Seal},
    time::BusinessDate,
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{SqliteBooks, standing::unavailable};
use crate::storage::{
    closings::{
        columns::{follows, read_closing, read_lane_day},
        port::{CLOSINGS_PER_PAGE_MAX, ClosingBook, Sealing},
    },
    port::StoreError,
    sqlite::{errors::store_error, reads::get},
};

/// A lane's first record of a later date, and what waits up to there.
const LANE_DAYS: &str = "SELECT n.lane, n.business_date, n.next_date, n.next_seq, \
    (SELECT count(*) FROM dead_letter l WHERE l.redelivered_at IS NULL AND l.kind = 1 \
     AND l.position BETWEEN n.lane << 48 AND (n.lane << 48) + coalesce(n.next_seq - 1, 281474976710655)) AS dead_letters \
    FROM (SELECT c.lane, c.business_date, \
      (SELECT min(d.business_date) FROM ledger_day d WHERE d.lane = c.lane AND d.business_date > ?1) AS next_date, \
      (SELECT min(d.first_seq) FROM ledger_day d WHERE d.lane = c.lane AND d.business_date > ?1) AS next_seq \
      FROM lane_cursor c) n ORDER BY n.lane";

#[async_trait]
impl ClosingBook for SqliteBooks {
    async fn closing(&self, date: BusinessDate) -> Result<Option<Closing>, StoreError> {
        let mut reader = self.book.readers().lend().await?;
        let row = sqlx::query("SELECT business_date, hash, body FROM closing WHERE business_date = ?")
            .bind(date.days())
            .fetch_optional(reader.connection())
            .await
            .map_err(|error| store_error(&error))?;
        reader.give_back();
        row.map(|row| read(self, &row)).transpose()
    }

    async fn closings(&self, before: Option<BusinessDate>, limit: usize) -> Result<Vec<Closing>, StoreError> {
        let mut reader = self.book.readers().lend().await?;
        let rows = sqlx::query(
            "SELECT business_date, hash, body FROM closing WHERE business_date < ? ORDER BY business_date DESC LIMIT ?",
        )
        .bind(before.map_or(i32::MAX, BusinessDate::days))
        .bind(i64::try_from(limit.min(CLOSINGS_PER_PAGE_MAX)).unwrap_or(i64::MAX))
        .fetch_all(reader.connection())
        .await
        .map_err(|error| store_error(&error))?;
        reader.give_back();
        rows.iter().map(|row| read(self, row)).collect()
    }

    async fn seal(&self, closing: &Closing) -> Result<Sealing, StoreError> {
        let mut transaction = self.book.writer()?.begin().await?;
        let sealed = match transaction.connection() {
            Ok(connection) => seal(connection, closing).await,
            Err(error) => Err(error),
        };
        if matches!(sealed, Ok(Sealing::Sealed)) {
            transaction.commit().await.map_err(unavailable)?;
        } else {
            transaction.roll_back().await;
        }
        sealed
    }

    async fn lane_days(&self, date: BusinessDate) -> Result<Vec<LaneDay>, StoreError> {
        let mut reader = self.book.readers().lend().await?;
        let rows = sqlx::query(LANE_DAYS)
            .bind(date.days())
            .fetch_all(reader.connection())
            .await
            .map_err(|error| store_error(&error))?;
        reader.give_back();
        let lane_day = |row: &SqliteRow| {
            let next = (get(row, "next_date")?, get(row, "next_seq")?);
            read_lane_day(get(row, "lane")?, get(row, "business_date")?, next, get(row, "dead_letters")?)
        };
        rows.iter().map(lane_day).collect()
    }

    async fn first_day(&self) -> Result<Option<BusinessDate>, StoreError> {
        let mut reader = self.book.readers().lend().await?;
        let row = sqlx::query("SELECT min(business_date) AS first FROM ledger_day")
            .fetch_one(reader.connection())
            .await
            .map_err(|error| store_error(&error))?;
        reader.give_back();
        let first: Option<i32> = get(&row, "first")?;
        Ok(first.map(BusinessDate::from_days))
    }
}

fn read(store: &SqliteBooks, row: &SqliteRow) -> Result<Closing, StoreError> {
    let hash: Vec<u8> = get(row, "hash")?;
    let body: String = get(row, "body")?;
    read_closing(get(row, "business_date")?, &hash, &body, &store.currencies)
}

async fn seal(connection: &mut SqliteConnection, closing: &Closing) -> Result<Sealing, StoreError> {
    let failed = |error: sqlx::Error| store_error(&error);
    let row = sqlx::query("SELECT hash FROM closing WHERE business_date = ?")
        .bind(closing.business_date.days())
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    if let Some(row) = row {
        let hash: Vec<u8> = get(&row, "hash")?;
        return Ok(if hash == closing.hash.0 { Sealing::SealedBefore } else { Sealing::Refused });
    }
    let row = sqlx::query("SELECT business_date, hash FROM closing ORDER BY business_date DESC LIMIT 1")
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    let last = match row {
        None => None,
        Some(row) => {
            let hash: Vec<u8> = get(&row, "hash")?;
            let hash = hash.try_into().map_err(|_| StoreError::Damaged("the hash of a closing is cut".into()))?;
            Some((BusinessDate::from_days(get(&row, "business_date")?), Seal(hash)))
        }
    };
    if !follows(closing, last) {
        return Ok(Sealing::Refused);
    }
    sqlx::query("INSERT INTO closing (business_date, previous, hash, body) VALUES (?, ?, ?, ?)")
        .bind(closing.business_date.days())
        .bind(closing.previous.0.to_vec())
        .bind(closing.hash.0.to_vec())
        .bind(closing.text())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(Sealing::Sealed)
}
