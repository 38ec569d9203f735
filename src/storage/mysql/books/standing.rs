//! Where the books stand: cursors, and with them the turnovers that belong to them. Each read is one statement, so one state.

use std::sync::Arc;

use hwan_domain::{
    currency::CurrencySet,
    id::LaneId,
    ledger::{TrialLine, Turnover},
    time::{BusinessDate, Timestamp},
};
use sqlx::mysql::MySqlRow;

use super::Shared;
use crate::storage::{
    general_ledger::{
        columns::read_account,
        port::{LaneBooks, LaneCursor},
    },
    mysql::{
        reads::{chain_hash, get, read_currency, read_seq},
        script,
    },
    port::{ChainHash, StoreError},
};

/// The columns of a cursor `c`.
const CURSOR: &str = "c.lane, c.seq, c.hash, c.at, c.business_date, c.next_offset, c.revision, c.stopped, \
    (SELECT COUNT(*) FROM dead_letter d WHERE d.redelivered_at IS NULL AND d.kind = 1 \
     AND d.position BETWEEN c.lane * 281474976710656 AND c.lane * 281474976710656 + 281474976710655) AS dead_letters";

/// A lane's books, begun where there are none.
pub(super) async fn enter(store: &Arc<Shared>, lane: LaneId) -> Result<LaneBooks, StoreError> {
    if let Some(found) = look(store, lane).await? {
        return Ok(found);
    }
    let mut sql = format!("INSERT IGNORE INTO lane_cursor (lane, seq, hash) VALUES ({}, 0, ", lane.number());
    script::push_bytes(&mut sql, &ChainHash::GENESIS.0);
    sql.push(')');
    let committer = store.committer(lane)?;
    store.sessions.run(async move { committer.turn().await?.matched(sql).await.map_err(StoreError::from) }).await??;
    look(store, lane).await?.ok_or_else(|| StoreError::Damaged(format!("the books of lane {lane} are gone")))
}

/// A lane's books, where there are any.
pub(super) async fn look(store: &Shared, lane: LaneId) -> Result<Option<LaneBooks>, StoreError> {
    let today =
        |side| format!("CAST(SUM(CASE WHEN t.business_date = c.business_date THEN t.{side}_minor END) AS CHAR)");
    let sql = format!(
        "SELECT {CURSOR}, t.account, t.of_currency, t.currency, CAST(SUM(t.debit_minor) AS CHAR) AS debit, \
         CAST(SUM(t.credit_minor) AS CHAR) AS credit, {} AS debit_today, {} AS credit_today \
         FROM lane_cursor c LEFT JOIN turnover t ON t.lane = c.lane WHERE c.lane = {} \
         GROUP BY c.lane, c.seq, c.hash, c.at, c.business_date, c.next_offset, c.revision, c.stopped, \
         t.account, t.of_currency, t.currency",
        today("debit"),
        today("credit"),
        lane.number()
    );
    let rows = store.sessions.rows(sql).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let mut books = LaneBooks { cursor: read_cursor(first)?, turnovers: Vec::new(), today: Vec::new() };
    for row in &rows {
        if get::<Option<i32>>(row, "account")?.is_none() {
            continue; // no turnover yet
        }
        books.turnovers.extend(read_line(row, &store.currencies, "debit", "credit")?);
        books.today.extend(read_line(row, &store.currencies, "debit_today", "credit_today")?);
    }
    Ok(Some(books))
}

/// A line of a trial balance; `None` where its sums are null.
pub(super) fn read_line(
    row: &MySqlRow,
    currencies: &CurrencySet,
    debit: &str,
    credit: &str,
) -> Result<Option<TrialLine>, StoreError> {
    let sum = |name| -> Result<Option<i128>, StoreError> {
        let text: Option<String> = get(row, name)?;
        let parse = |text: String| {
            text.parse().map_err(|error| StoreError::Damaged(format!("a sum of turnovers, {text:?}: {error}")))
        };
        text.map(parse).transpose()
    };
    let (Some(debit), Some(credit)) = (sum(debit)?, sum(credit)?) else { return Ok(None) };
    let code: i32 = get(row, "account")?;
    Ok(Some(TrialLine {
        account: read_account(u32::try_from(code).unwrap_or(0), get(row, "of_currency")?, currencies)?,
        currency: read_currency(currencies, get(row, "currency")?)?,
        turnover: Turnover { debit, credit },
    }))
}

fn read_cursor(row: &MySqlRow) -> Result<LaneCursor, StoreError> {
    let lane: i16 = get(row, "lane")?;
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
pub(super) async fn cursors(store: &Shared) -> Result<Vec<LaneCursor>, StoreError> {
    let rows = store.sessions.rows(format!("SELECT {CURSOR} FROM lane_cursor c ORDER BY c.lane")).await?;
    rows.iter().map(read_cursor).collect()
}
