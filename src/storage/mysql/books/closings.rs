//! Closings in the books' database: read by one statement each, sealed by one.

use std::sync::Arc;

use async_trait::async_trait;
use hwan_domain::{
    closing::{Closing, LaneDay, Seal},
    id::LaneId,
    time::BusinessDate,
};
use sqlx::mysql::MySqlRow;

use super::{MysqlBooks, Shared};
use crate::storage::{
    closings::{
        columns::{read_closing, read_lane_day},
        port::{CLOSINGS_PER_PAGE_MAX, ClosingBook, Sealing},
    },
    mysql::{reads::get, script},
    port::StoreError,
};

const CLOSING: &str = "SELECT business_date, hash, body FROM closing WHERE";

#[async_trait]
impl ClosingBook for MysqlBooks {
    async fn closing(&self, date: BusinessDate) -> Result<Option<Closing>, StoreError> {
        let rows = self.shared.sessions.rows(format!("{CLOSING} business_date = {}", date.days())).await?;
        rows.first().map(|row| read(&self.shared, row)).transpose()
    }

    async fn closings(&self, before: Option<BusinessDate>, limit: usize) -> Result<Vec<Closing>, StoreError> {
        let sql = format!(
            "{CLOSING} business_date < {} ORDER BY business_date DESC LIMIT {}",
            before.map_or(i32::MAX, BusinessDate::days),
            limit.min(CLOSINGS_PER_PAGE_MAX)
        );
        let rows = self.shared.sessions.rows(sql).await?;
        rows.iter().map(|row| read(&self.shared, row)).collect()
    }

    async fn seal(&self, closing: &Closing) -> Result<Sealing, StoreError> {
        let sql = seal(closing);
        // Sealing belongs to no lane; any connection that writes will do.
        let committer = self.shared.committer(LaneId::SYSTEM)?;
        let run = async move { committer.turn().await?.matched(sql).await.map_err(StoreError::from) };
        if self.shared.sessions.run(run).await?? == 1 {
            return Ok(Sealing::Sealed);
        }
        let stored = self.closing(closing.business_date).await?;
        Ok(if stored.is_some_and(|stored| stored.hash == closing.hash) {
            Sealing::SealedBefore
        } else {
            Sealing::Refused
        })
    }

    async fn lane_days(&self, date: BusinessDate) -> Result<Vec<LaneDay>, StoreError> {
        let next = |what| {
            let date = date.days();
            format!("(SELECT MIN(d.{what}) FROM ledger_day d WHERE d.lane = c.lane AND d.business_date > {date})")
        };
        let sql = format!(
            "SELECT n.lane, n.business_date, n.next_date, n.next_seq, \
             (SELECT COUNT(*) FROM dead_letter l WHERE l.redelivered_at IS NULL AND l.kind = 1 AND l.position BETWEEN \
              n.lane * 281474976710656 AND n.lane * 281474976710656 + COALESCE(n.next_seq - 1, 281474976710655)) AS dead_letters \
             FROM (SELECT c.lane, c.business_date, {} AS next_date, {} AS next_seq FROM lane_cursor c) n ORDER BY n.lane",
            next("business_date"),
            next("first_seq")
        );
        let rows = self.shared.sessions.rows(sql).await?;
        let lane_day = |row: &MySqlRow| {
            let lane: i16 = get(row, "lane")?;
            let next = (get(row, "next_date")?, get(row, "next_seq")?);
            read_lane_day(lane.into(), get(row, "business_date")?, next, get(row, "dead_letters")?)
        };
        rows.iter().map(lane_day).collect()
    }

    async fn first_day(&self) -> Result<Option<BusinessDate>, StoreError> {
        let rows = self.shared.sessions.rows("SELECT MIN(business_date) AS first FROM ledger_day".to_owned()).await?;
        let first: Option<i32> = rows.first().map(|row| get(row, "first")).transpose()?.flatten();
        Ok(first.map(BusinessDate::from_days))
    }
}

fn read(shared: &Arc<Shared>, row: &MySqlRow) -> Result<Closing, StoreError> {
    let hash: &[u8] = get(row, "hash")?;
    read_closing(get(row, "business_date")?, hash, get(row, "body")?, &shared.currencies)
}

/// Inserts a closing where it follows the newest: the index over what each one follows lets no two follow the same.
fn seal(closing: &Closing) -> String {
    let date = closing.business_date.days();
    let (mut previous, mut hash) = (String::new(), String::new());
    script::push_bytes(&mut previous, &closing.previous.0);
    script::push_bytes(&mut hash, &closing.hash.0);
    let follows = match closing.previous {
        Seal::GENESIS => "NOT EXISTS (SELECT 1 FROM closing c)".to_owned(),
        _ => format!(
            "(SELECT c.hash FROM closing c ORDER BY c.business_date DESC LIMIT 1) = {previous} \
             AND (SELECT MAX(c.business_date) FROM closing c) = {}",
            date.saturating_sub(1)
        ),
    };
    format!(
        "INSERT IGNORE INTO closing (business_date, previous, hash, body) SELECT {date}, {previous}, {hash}, {} FROM DUAL WHERE {follows}",
        script::literal(&closing.text())
    )
}
