//! Reads: each is one statement on a reading connection, so it sees one committed state.

use std::{collections::HashMap, sync::Arc};

use hwan_domain::{
    currency::{Currency, CurrencySet},
    id::{LaneId, Position, Seq},
    money::Money,
    record::{KeyDigest, Record},
    time::Timestamp,
};
use sqlx::{Row, mysql::MySqlRow};

use super::{
    commit::packed,
    errors::column,
    lanes::{last_of, seq_by},
    script,
    store::Shared,
};
use crate::storage::{
    codec,
    port::{ChainHash, JournalRow, StoreError},
};

/// Keys, or places, that one statement looks up at most.
const KEYS_PER_LOOKUP: usize = 1_024;

/// A column of a row.
pub(super) fn get<'r, T>(row: &'r MySqlRow, name: &str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::MySql> + sqlx::Type<sqlx::MySql>,
{
    row.try_get(name).map_err(|error| column(&error))
}

/// The column `hash`.
pub(super) fn chain_hash(row: &MySqlRow) -> Result<ChainHash, StoreError> {
    let bytes: &[u8] = get(row, "hash")?;
    bytes.try_into().map(ChainHash).map_err(|_| StoreError::Damaged("a stored hash has not 32 bytes".into()))
}

/// A stored amount: minor units of a currency by its code.
pub(super) fn read_money(currencies: &CurrencySet, code: &str, minor: i64) -> Result<Money, StoreError> {
    let currency = read_currency(currencies, code)?;
    Money::from_minor(minor, currency)
        .map_err(|error| StoreError::Damaged(format!("a stored amount of {minor} in {code}: {error}")))
}

/// A stored currency.
pub(super) fn read_currency(currencies: &CurrencySet, code: &str) -> Result<Currency, StoreError> {
    currencies
        .find(code)
        .ok_or_else(|| StoreError::Damaged(format!("stored currency {code:?} is not among the configured ones")))
}

/// Where a record stands, from its column.
pub(super) fn read_position(packed: i64) -> Result<Position, StoreError> {
    Position::from_packed(packed).ok_or_else(|| StoreError::Damaged(format!("{packed} is not a position")))
}

/// A sequence number from its column.
pub(super) fn read_seq(number: i64) -> Result<Seq, StoreError> {
    u64::try_from(number)
        .ok()
        .and_then(Seq::new)
        .ok_or_else(|| StoreError::Damaged(format!("{number} is not a sequence number")))
}

fn read_row(row: &MySqlRow, currencies: &CurrencySet) -> Result<JournalRow, StoreError> {
    let position = read_position(get(row, "id")?)?;
    let body: &str = get(row, "body")?;
    let record = codec::decode(body, currencies)?;
    if record.position != position {
        return Err(StoreError::Damaged(format!("the text at {position:?} is that of {:?}", record.position)));
    }
    Ok(JournalRow { record: record.into(), body: body.into(), hash: chain_hash(row)? })
}

/// Records of a lane from `from` on.
pub(super) async fn journal(
    store: &Shared,
    lane: LaneId,
    from: Seq,
    limit: usize,
) -> Result<Vec<JournalRow>, StoreError> {
    let sql = format!(
        "SELECT id, body, hash FROM journal WHERE id BETWEEN {} AND {} ORDER BY id LIMIT {limit}",
        packed(lane, from),
        last_of(lane)
    );
    let rows = store.sessions.rows(sql).await?;
    rows.iter().map(|row| read_row(row, &store.currencies)).collect()
}

/// The first record of a lane that is not before `at`. A lane's instants never decrease, so a search by halves over
/// its places finds it: some fifty lookups by primary key, without an index on the instant.
pub(super) async fn journal_since(store: &Shared, lane: LaneId, at: Timestamp) -> Result<Seq, StoreError> {
    let (least, last) = (packed(lane, Seq::ZERO), last_of(lane));
    let rows = store
        .sessions
        .rows(format!(
            "WITH RECURSIVE
               ends (first, past) AS (
                 SELECT (SELECT MIN(id) FROM journal WHERE id BETWEEN {least} AND {last}),
                        (SELECT MAX(id) FROM journal WHERE id BETWEEN {least} AND {last}) + 1),
               search (low, high) AS (
                 SELECT first, past FROM ends WHERE first IS NOT NULL
                 UNION ALL
                 SELECT CASE WHEN j.at < {at} THEN j.id + 1 ELSE low END, CASE WHEN j.at < {at} THEN high ELSE j.id END
                 FROM search JOIN journal j ON j.id = low + (high - low) DIV 2
                 WHERE low < high)
             SELECT low FROM search WHERE low = high",
            at = at.micros()
        ))
        .await?;
    match rows.first() {
        Some(row) => Ok(read_position(get(row, "low")?)?.seq()),
        None => Ok(Seq::ZERO.next().unwrap_or_default()),
    }
}

/// The records at these places, in the order asked for.
pub(super) async fn records(store: &Shared, places: &[Position]) -> Result<Vec<Arc<Record>>, StoreError> {
    let mut found: HashMap<Position, Arc<Record>> = HashMap::with_capacity(places.len());
    for some in places.chunks(KEYS_PER_LOOKUP) {
        let list = script::list(some.iter().map(|place| place.packed()));
        let rows = store.sessions.rows(format!("SELECT id, body, hash FROM journal WHERE id IN ({list})")).await?;
        for row in &rows {
            let row = read_row(row, &store.currencies)?;
            found.insert(row.record.position, row.record);
        }
    }
    Ok(places.iter().filter_map(|place| found.get(place).cloned()).collect())
}

/// The rows of these keys, each key once.
async fn key_rows(store: &Shared, keys: &[KeyDigest]) -> Result<Vec<MySqlRow>, StoreError> {
    let mut found = Vec::new();
    for some in keys.chunks(KEYS_PER_LOOKUP) {
        let mut list = String::with_capacity(some.len() * 36);
        for key in some {
            if !list.is_empty() {
                list.push(',');
            }
            script::push_bytes(&mut list, &key.0);
        }
        let by = |column| format!("SELECT id, {column} AS used, body, hash FROM journal WHERE {column} IN ({list})");
        let sql = format!("{} UNION ALL {} ORDER BY 1", by("key_digest"), by("used_once"));
        found.extend(store.sessions.rows(sql).await?);
    }
    Ok(found)
}

fn read_key(row: &MySqlRow) -> Result<KeyDigest, StoreError> {
    let bytes: &[u8] = get(row, "used")?;
    bytes.try_into().map(KeyDigest).map_err(|_| StoreError::Damaged("a stored key has not 16 bytes".into()))
}

/// The records that used these keys.
pub(super) async fn find_keys(store: &Shared, keys: &[KeyDigest]) -> Result<Vec<(KeyDigest, JournalRow)>, StoreError> {
    let rows = key_rows(store, keys).await?;
    rows.iter().map(|row| Ok((read_key(row)?, read_row(row, &store.currencies)?))).collect()
}

/// Where these keys were used.
pub(super) async fn key_positions(
    store: &Shared,
    keys: &[KeyDigest],
) -> Result<Vec<(KeyDigest, Position)>, StoreError> {
    let rows = key_rows(store, keys).await?;
    rows.iter().map(|row| Ok((read_key(row)?, read_position(get(row, "id")?)?))).collect()
}

/// Up to where a lane's projections have followed.
pub(super) async fn projected(store: &Shared, lane: LaneId) -> Result<Seq, StoreError> {
    seq_by(store, format!("SELECT seq FROM projection WHERE lane = {}", lane.number())).await
}
