//! Everything that the judge wants from the database, by plain SQL and straight from mysqld.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::TryStreamExt;
use sqlx::{MySqlConnection, Row, mysql::MySqlRow};
use tokio::time::timeout;

use super::mysqld::Direct;
use crate::{
    check::Auditor,
    database::{BalanceRow, JournalRow, LaneRow, PassbookRow, Standing},
    money::Currency,
    place::Place,
};

/// How long all of it may take.
const READ_MAX: Duration = Duration::from_secs(300);

/// Reads journal, passbook, balances and lanes into the judge's hands.
pub async fn read_into(auditor: &mut Auditor<'_>, from: Direct) -> anyhow::Result<Standing> {
    timeout(READ_MAX, read(auditor, from)).await.with_context(|| format!("not read within {READ_MAX:?}"))?
}

async fn read(auditor: &mut Auditor<'_>, from: Direct) -> anyhow::Result<Standing> {
    let mut connection = from.connect().await?;
    let mut rows =
        sqlx::raw_sql("SELECT id, kind, customer, key_digest, at, business_date, body, hash FROM journal ORDER BY id")
            .fetch(&mut connection);
    while let Some(row) = rows.try_next().await? {
        auditor.journal(&journal_row(&row).context("a journal row of another form")?);
    }
    drop(rows);
    let mut rows =
        sqlx::raw_sql("SELECT account, version, record, currency, amount_minor, balance_minor FROM passbook")
            .fetch(&mut connection);
    while let Some(row) = rows.try_next().await? {
        auditor.passbook(&passbook_row(&row).context("a passbook row of another form")?);
    }
    drop(rows);
    standing(&mut connection).await
}

async fn standing(connection: &mut MySqlConnection) -> anyhow::Result<Standing> {
    let balances = sqlx::raw_sql("SELECT account, currency, amount_minor, version FROM balance")
        .fetch_all(&mut *connection)
        .await?;
    let lanes = sqlx::raw_sql(
        "SELECT l.id, l.seq, l.hash, p.seq FROM lane l LEFT JOIN projection p ON p.lane = l.id ORDER BY l.id",
    )
    .fetch_all(connection)
    .await?;
    Ok(Standing {
        lanes: lanes.iter().map(lane_row).collect::<anyhow::Result<_>>()?,
        balances: balances.iter().map(balance_row).collect::<anyhow::Result<_>>()?,
    })
}

fn journal_row(row: &MySqlRow) -> anyhow::Result<JournalRow> {
    let customer: Option<i64> = row.try_get(2)?;
    let key: Option<Vec<u8>> = row.try_get(3)?;
    let hash: Vec<u8> = row.try_get(7)?;
    Ok(JournalRow {
        id: place(row, 0)?,
        kind: row.try_get(1)?,
        customer: customer.map(u64::try_from).transpose()?.map(Place),
        key_digest: key.map(|key| key.as_slice().try_into()).transpose()?,
        at: row.try_get(4)?,
        business_date: row.try_get(5)?,
        body: row.try_get(6)?,
        hash: hash.as_slice().try_into()?,
    })
}

fn passbook_row(row: &MySqlRow) -> anyhow::Result<PassbookRow> {
    Ok(PassbookRow {
        account: place(row, 0)?,
        version: number(row, 1)?,
        record: place(row, 2)?,
        currency: currency(row, 3)?,
        amount: row.try_get(4)?,
        balance_after: row.try_get(5)?,
    })
}

fn balance_row(row: &MySqlRow) -> anyhow::Result<BalanceRow> {
    let (account, currency, amount) = (place(row, 0)?, currency(row, 1)?, row.try_get(2)?);
    Ok(BalanceRow { account, currency, amount, version: number(row, 3)? })
}

fn lane_row(row: &MySqlRow) -> anyhow::Result<LaneRow> {
    let lane: i16 = row.try_get(0)?;
    let hash: Vec<u8> = row.try_get(2)?;
    let projected: Option<i64> = row.try_get(3)?;
    Ok(LaneRow {
        lane: u16::try_from(lane)?,
        seq: number(row, 1)?,
        hash: hash.as_slice().try_into()?,
        projected: projected.map(u64::try_from).transpose()?,
    })
}

fn number(row: &MySqlRow, column: usize) -> anyhow::Result<u64> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?)?)
}

fn place(row: &MySqlRow, column: usize) -> anyhow::Result<Place> {
    number(row, column).map(Place)
}

fn currency(row: &MySqlRow, column: usize) -> anyhow::Result<Currency> {
    Currency::of_code(&row.try_get::<String, _>(column)?).context("a currency that has not three letters")
}
