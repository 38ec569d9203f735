//! Reads: each is one statement on a reading connection, so it sees one committed state.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, LazyLock},
};

use hwan_domain::{
    currency::{Currency, CurrencySet},
    id::{LaneId, Position, Seq},
    money::Money,
    record::{KeyDigest, Record},
    time::Timestamp,
};
use sqlx::{
    Encode, Row, Type,
    sqlite::{Sqlite, SqliteRow},
};

use super::{
    errors::{column, store_error},
    lanes::{last_of, seq_by},
    projections::read_position,
    readers::Readers,
    statements::{KEYS_PER_LOOKUP, lookup_size},
};
use crate::storage::{
    codec,
    port::{ChainHash, JournalRow, StoreError},
};

/// The placeholders of a lookup.
fn placeholders(size: usize) -> String {
    let mut list = String::new();
    for index in 1..=size {
        let _ = write!(list, "{}?{index}", if index == 1 { "" } else { "," }); // a string takes every write
    }
    list
}

/// Lookups of records by place, by how many they take.
static PLACES: LazyLock<[(usize, String); 3]> = LazyLock::new(|| {
    KEYS_PER_LOOKUP
        .map(|size| (size, format!("SELECT id, body, hash FROM journal WHERE id IN ({})", placeholders(size))))
});

/// Lookups of keys, and of what else is used once, by how many they take.
static KEYS: LazyLock<[(usize, String); 3]> = LazyLock::new(|| {
    KEYS_PER_LOOKUP.map(|size| {
        let list = placeholders(size);
        let by = |column| format!("SELECT id, {column} AS used, body, hash FROM journal WHERE {column} IN ({list})");
        (size, format!("{} UNION ALL {} ORDER BY 1", by("key_digest"), by("used_once")))
    })
});

/// A column of a row.
pub(super) fn get<'r, T>(row: &'r SqliteRow, name: &str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(name).map_err(|error| column(&error))
}

/// The column `hash`.
pub(super) fn chain_hash(row: &SqliteRow) -> Result<ChainHash, StoreError> {
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

fn read_row(row: &SqliteRow, currencies: &CurrencySet) -> Result<JournalRow, StoreError> {
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
    readers: &Readers,
    currencies: &CurrencySet,
    lane: LaneId,
    from: Seq,
    limit: usize,
) -> Result<Vec<JournalRow>, StoreError> {
    let mut reader = readers.lend().await?;
    let rows = sqlx::query("SELECT id, body, hash FROM journal WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?")
        .bind(Position::new(lane, from).packed())
        .bind(last_of(lane).packed())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(reader.connection())
        .await
        .map_err(|error| store_error(&error))?;
    reader.give_back();
    rows.iter().map(|row| read_row(row, currencies)).collect()
}

/// The first record of a lane that is not before `at`. A lane's instants never decrease, so a search by halves over
/// its places finds it: some fifty lookups by primary key, without an index on the instant.
pub(super) async fn journal_since(readers: &Readers, lane: LaneId, at: Timestamp) -> Result<Seq, StoreError> {
    let mut reader = readers.lend().await?;
    let first: Option<i64> = sqlx::query_scalar(
        "WITH RECURSIVE
           ends (first, last) AS (
             SELECT (SELECT min(id) FROM journal WHERE id BETWEEN ?1 AND ?2),
                    (SELECT max(id) FROM journal WHERE id BETWEEN ?1 AND ?2)),
           search (low, high) AS (
             SELECT first, last + 1 FROM ends WHERE first IS NOT NULL
             UNION ALL
             SELECT CASE WHEN j.at < ?3 THEN j.id + 1 ELSE low END, CASE WHEN j.at < ?3 THEN high ELSE j.id END
             FROM search JOIN journal j ON j.id = low + (high - low) / 2
             WHERE low < high)
         SELECT low FROM search WHERE low = high",
    )
    .bind(Position::new(lane, Seq::ZERO).packed())
    .bind(last_of(lane).packed())
    .bind(at.micros())
    .fetch_optional(reader.connection())
    .await
    .map_err(|error| store_error(&error))?;
    reader.give_back();
    match first {
        Some(packed) => Ok(read_position(packed)?.seq()),
        None => Ok(Seq::ZERO.next().unwrap_or_default()),
    }
}

/// The records at these places, in the order asked for.
pub(super) async fn records(
    readers: &Readers,
    currencies: &CurrencySet,
    places: &[Position],
) -> Result<Vec<Arc<Record>>, StoreError> {
    let rows = look_up(readers, &*PLACES, places, |place| place.packed()).await?;
    let read = |row| read_row(row, currencies).map(|row| (row.record.position, row.record));
    let found: HashMap<Position, Arc<Record>> = rows.iter().map(read).collect::<Result<_, _>>()?;
    Ok(places.iter().filter_map(|place| found.get(place).cloned()).collect())
}

/// The rows of these keys, each key once.
async fn key_rows(readers: &Readers, keys: &[KeyDigest]) -> Result<Vec<SqliteRow>, StoreError> {
    look_up(readers, &*KEYS, keys, |key| key.0.to_vec()).await
}

/// The rows that lookups by many keys find, in no order.
async fn look_up<K, V>(
    readers: &Readers,
    lookups: &'static [(usize, String)],
    keys: &[K],
    value: impl Fn(&K) -> V,
) -> Result<Vec<SqliteRow>, StoreError>
where
    V: for<'q> Encode<'q, Sqlite> + Type<Sqlite> + Send,
{
    let mut found = Vec::new();
    if keys.is_empty() {
        return Ok(found);
    }
    let mut reader = readers.lend().await?;
    let mut rest = keys;
    while !rest.is_empty() {
        let size = lookup_size(rest.len());
        let (some, others) = rest.split_at_checked(size).unwrap_or((rest, &[]));
        let Some((_, sql)) = lookups.iter().find(|(of, _)| *of == size) else { break };
        let query = some.iter().fold(sqlx::query(sql.as_str()), |query, key| query.bind(value(key)));
        // Placeholders left unbound are null, which equals nothing.
        let rows = query.fetch_all(reader.connection()).await.map_err(|error| store_error(&error))?;
        found.extend(rows);
        rest = others;
    }
    reader.give_back();
    Ok(found)
}

fn read_key(row: &SqliteRow) -> Result<KeyDigest, StoreError> {
    let bytes: &[u8] = get(row, "used")?;
    bytes.try_into().map(KeyDigest).map_err(|_| StoreError::Damaged("a stored key has not 16 bytes".into()))
}

/// The records that used these keys.
pub(super) async fn find_keys(
    readers: &Readers,
    currencies: &CurrencySet,
    keys: &[KeyDigest],
) -> Result<Vec<(KeyDigest, JournalRow)>, StoreError> {
    let rows = key_rows(readers, keys).await?;
    rows.iter().map(|row| Ok((read_key(row)?, read_row(row, currencies)?))).collect()
}

/// Where these keys were used.
pub(super) async fn key_positions(
    readers: &Readers,
    keys: &[KeyDigest],
) -> Result<Vec<(KeyDigest, Position)>, StoreError> {
    let rows = key_rows(readers, keys).await?;
    rows.iter().map(|row| Ok((read_key(row)?, read_position(get(row, "id")?)?))).collect()
}

/// Up to where a lane's projections have followed.
pub(super) async fn projected(readers: &Readers, lane: LaneId) -> Result<Seq, StoreError> {
    seq_by(readers, "SELECT seq FROM projection WHERE lane = ?", lane).await
}
