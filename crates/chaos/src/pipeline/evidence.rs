//! Journal, books and topic, read by plain means: SQL straight from mysqld, and a reader of our own.

use anyhow::Context as _;
use futures_util::TryStreamExt;
use sqlx::{MySqlConnection, Row, mysql::MySqlRow};

use super::{
    judge::{Evidence, Posted, Stand, Turned, Written},
    kafka_topic,
};
use crate::{place::Place, site::Direct};

/// Bytes of a hash.
const HASH_BYTES: usize = 32;

/// Where the books of every lane stand: seq, and the offset that is wanted next.
pub async fn stands(direct: Direct, books: &str) -> anyhow::Result<Vec<(u16, u64, i64)>> {
    let mut connection = direct.connect_to(books).await?;
    let rows = sqlx::raw_sql("SELECT lane, seq, COALESCE(next_offset, 0) FROM lane_cursor ORDER BY lane")
        .fetch_all(&mut connection)
        .await?;
    rows.iter().map(|row| Ok((lane(row, 0)?, number(row, 1)?, row.try_get(2)?))).collect()
}

/// Where every lane of the engine stands.
pub async fn heads(direct: Direct) -> anyhow::Result<Vec<(u16, u64)>> {
    let mut connection = direct.connect().await?;
    let rows = sqlx::raw_sql("SELECT id, seq FROM lane ORDER BY id").fetch_all(&mut connection).await?;
    rows.iter().map(|row| Ok((lane(row, 0)?, number(row, 1)?))).collect()
}

/// Everything.
pub async fn gather(direct: Direct, books: &str, bootstrap: &str, lanes: u16) -> anyhow::Result<Evidence> {
    let mut evidence = Evidence {
        messages: tokio::task::block_in_place(|| kafka_topic::read(bootstrap, lanes))?,
        ..Evidence::default()
    };
    let mut connection = direct.connect().await?;
    let mut rows = sqlx::raw_sql("SELECT id, body, hash FROM journal ORDER BY id").fetch(&mut connection);
    while let Some(row) = rows.try_next().await? {
        let hash: Vec<u8> = row.try_get(2)?;
        evidence.journal.push(Written {
            place: place(&row, 0)?,
            body: row.try_get(1)?,
            hash: hash.as_slice().try_into()?,
        });
    }
    drop(rows);
    let mut connection = direct.connect_to(books).await?;
    let mut rows = sqlx::raw_sql("SELECT id, entries FROM journal ORDER BY id").fetch(&mut connection);
    while let Some(row) = rows.try_next().await? {
        evidence.books.push(Posted { place: place(&row, 0)?, entries: row.try_get(1)? });
    }
    drop(rows);
    evidence.stands = all_stands(&mut connection).await?;
    let rows = sqlx::raw_sql(
        "SELECT lane, account, of_currency, CAST(SUM(debit_minor) AS CHAR), CAST(SUM(credit_minor) AS CHAR) FROM turnover \
         GROUP BY lane, account, of_currency",
    )
    .fetch_all(&mut connection)
    .await?;
    for row in &rows {
        let (debit, credit): (String, String) = (row.try_get(3)?, row.try_get(4)?);
        evidence.turned.push(Turned {
            lane: lane(row, 0)?,
            account: (row.try_get::<i32, _>(1)?.into(), row.try_get(2)?),
            debit: debit.parse()?,
            credit: credit.parse()?,
        });
    }
    // What is no record at all stays for people to look at: only records have to be posted in the end.
    let rows =
        sqlx::raw_sql("SELECT position FROM dead_letter WHERE kind = 1 AND redelivered_at IS NULL ORDER BY position")
            .fetch_all(&mut connection)
            .await?;
    evidence.dead_letters = rows.iter().map(|row| place(row, 0)).collect::<anyhow::Result<_>>()?;
    Ok(evidence)
}

async fn all_stands(connection: &mut MySqlConnection) -> anyhow::Result<Vec<Stand>> {
    let cursors =
        sqlx::raw_sql("SELECT lane, seq, stopped FROM lane_cursor ORDER BY lane").fetch_all(&mut *connection).await?;
    let trails = sqlx::raw_sql("SELECT lane, first_seq, hashes FROM trail ORDER BY lane, last_seq")
        .fetch_all(connection)
        .await?;
    let mut stands = Vec::new();
    for row in &cursors {
        stands.push(Stand { lane: lane(row, 0)?, seq: number(row, 1)?, stopped: row.try_get(2)?, trail: Vec::new() });
    }
    for row in &trails {
        let (of, first, hashes): (u16, u64, Vec<u8>) = (lane(row, 0)?, number(row, 1)?, row.try_get(2)?);
        let stand = stands.iter_mut().find(|stand| stand.lane == of).context("a trail of no lane")?;
        anyhow::ensure!(first == stand.trail.len() as u64 + 1, "the trail of lane {of} has a gap before {first}");
        for hash in hashes.chunks(HASH_BYTES) {
            stand.trail.push(hash.try_into()?);
        }
    }
    Ok(stands)
}

fn lane(row: &MySqlRow, column: usize) -> anyhow::Result<u16> {
    Ok(u16::try_from(row.try_get::<i16, _>(column)?)?)
}

fn number(row: &MySqlRow, column: usize) -> anyhow::Result<u64> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?)?)
}

fn place(row: &MySqlRow, column: usize) -> anyhow::Result<Place> {
    number(row, column).map(Place)
}
