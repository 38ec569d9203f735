//! Reads of the projections: passbooks and daily balances.
//!
//! An entry is never changed and a version never missing, so a page may take two statements: what the first one found is
//! there for the second.

use hwan_domain::{
    currency::{Currency, CurrencySet},
    id::AccountId,
    interest::{DailyClosing, Period},
    money::Money,
    time::{BusinessDate, Timestamp},
};
use sqlx::sqlite::SqliteRow;

use super::{
    errors::store_error,
    projections::read_position,
    readers::{Reader, Readers},
    reads::{get, read_money},
};
use crate::storage::{
    listing::{EntryKind, PassbookPage, PassbookQuery, Window},
    port::{PassbookEntry, StoreError},
};

/// An account's passbook above a version.
pub(super) async fn above(
    readers: &Readers,
    currencies: &CurrencySet,
    id: AccountId,
    after_version: u64,
    limit: usize,
) -> Result<Vec<PassbookEntry>, StoreError> {
    let mut reader = readers.lend().await?;
    let rows = sqlx::query("SELECT * FROM passbook WHERE account = ? AND version > ? ORDER BY version LIMIT ?")
        .bind(id.position().packed())
        .bind(packed_version(after_version))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(reader.connection())
        .await
        .map_err(|error| store_error(&error))?;
    reader.give_back();
    rows.iter().map(|row| read_entry(row, currencies)).collect()
}

/// Which newest version of an account is asked for.
#[derive(Clone, Copy)]
pub(super) enum Newest {
    /// By its balances, in the ledger.
    Committed,
    /// By its passbook.
    Projected,
}

/// The newest version of an account; `None` before its first posting.
pub(super) async fn newest(readers: &Readers, id: AccountId, which: Newest) -> Result<Option<i64>, StoreError> {
    let mut reader = readers.lend().await?;
    let version: Option<i64> = sqlx::query_scalar(match which {
        Newest::Committed => "SELECT max(version) FROM balance WHERE account = ?",
        Newest::Projected => "SELECT max(version) FROM passbook WHERE account = ?",
    })
    .bind(id.position().packed())
    .fetch_one(reader.connection())
    .await
    .map_err(|error| store_error(&error))?;
    reader.give_back();
    Ok(version)
}

/// A page of an account's passbook.
pub(super) async fn page(
    readers: &Readers,
    currencies: &CurrencySet,
    query: &PassbookQuery,
) -> Result<PassbookPage, StoreError> {
    let mut reader = readers.lend().await?;
    let Some((first, end)) = versions(&mut reader, query.account, query.window).await? else {
        reader.give_back();
        return Ok(PassbookPage::default());
    };
    let looked_at = query.looked_at(first, end);
    let rows = sqlx::query(match query.only {
        None => "SELECT * FROM passbook WHERE account = ?1 AND version >= ?2 AND version < ?3 ORDER BY version DESC LIMIT ?4",
        Some(_) => {
            "SELECT * FROM passbook WHERE account = ?1 AND version >= ?2 AND version < ?3 AND kind = ?5 \
             ORDER BY version DESC LIMIT ?4"
        }
    })
    .bind(query.account.position().packed())
    .bind(packed_version(looked_at.start))
    .bind(packed_version(looked_at.end))
    // One more than fits tells whether there is another page.
    .bind(i64::try_from(query.entries_max()).unwrap_or(i64::MAX).saturating_add(1))
    .bind(query.only.map(|kind| i64::from(kind.number())))
    .fetch_all(reader.connection())
    .await
    .map_err(|error| store_error(&error))?;
    reader.give_back();
    let entries = rows.iter().map(|row| read_entry(row, currencies)).collect::<Result<_, _>>()?;
    Ok(query.page(entries, first, &looked_at))
}

/// The first version of an account that lies in a window, and the first after it; `None` for an empty passbook. Each end
/// is found by halves, some twenty lookups by primary key, without an index on the instant; an open end costs none.
async fn versions(
    reader: &mut Reader<'_>,
    account: AccountId,
    window: Window,
) -> Result<Option<(u64, u64)>, StoreError> {
    let found: Option<(i64, i64)> = sqlx::query_as(
        "WITH RECURSIVE
           ends (first, past) AS (
             SELECT (SELECT min(version) FROM passbook WHERE account = ?1),
                    (SELECT max(version) FROM passbook WHERE account = ?1) + 1),
           search (instant, low, high) AS (
             SELECT ?2, first, CASE WHEN ?2 IS NULL THEN first ELSE past END FROM ends WHERE first IS NOT NULL
             UNION ALL
             SELECT instant, CASE WHEN p.at < instant THEN p.version + 1 ELSE low END,
                    CASE WHEN p.at < instant THEN high ELSE p.version END
             FROM search CROSS JOIN passbook p ON p.account = ?1 AND p.version = low + (high - low) / 2
             WHERE low < high),
           later (instant, low, high) AS (
             SELECT ?3, CASE WHEN ?3 IS NULL THEN past ELSE first END, past FROM ends WHERE first IS NOT NULL
             UNION ALL
             SELECT instant, CASE WHEN p.at < instant THEN p.version + 1 ELSE low END,
                    CASE WHEN p.at < instant THEN high ELSE p.version END
             FROM later CROSS JOIN passbook p ON p.account = ?1 AND p.version = low + (high - low) / 2
             WHERE low < high)
         SELECT search.low, later.low FROM search, later WHERE search.low = search.high AND later.low = later.high",
    )
    .bind(account.position().packed())
    .bind(window.from.map(Timestamp::micros))
    .bind(window.to.map(Timestamp::micros))
    .fetch_optional(reader.connection())
    .await
    .map_err(|error| store_error(&error))?;
    found.map(|(first, end)| Ok((read_version(first)?, read_version(end)?))).transpose()
}

/// A version as its column holds it.
fn packed_version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

fn read_version(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Damaged("a stored version is negative".into()))
}

pub(super) fn read_entry(row: &SqliteRow, currencies: &CurrencySet) -> Result<PassbookEntry, StoreError> {
    let code: &str = get(row, "currency")?;
    let kind: u8 = get(row, "kind")?;
    Ok(PassbookEntry {
        version: read_version(get(row, "version")?)?,
        position: read_position(get(row, "record")?)?,
        kind: EntryKind::by_number(kind)
            .ok_or_else(|| StoreError::Damaged(format!("{kind} is no kind of a passbook's entry")))?,
        amount: read_money(currencies, code, get(row, "amount_minor")?)?,
        balance_after: read_money(currencies, code, get(row, "balance_minor")?)?,
        at: Timestamp::from_micros(get(row, "at")?),
        business_date: BusinessDate::from_days(get(row, "business_date")?),
    })
}

/// An account's closing balances on a date: SQLite takes the other columns from the row that has the maximum.
pub(super) async fn daily_balances(
    readers: &Readers,
    currencies: &CurrencySet,
    id: AccountId,
    date: BusinessDate,
) -> Result<Vec<(BusinessDate, Money)>, StoreError> {
    let mut reader = readers.lend().await?;
    let rows = sqlx::query(
        "SELECT currency, max(business_date) AS day, amount_minor FROM daily_balance \
         WHERE account = ? AND business_date <= ? GROUP BY currency ORDER BY currency",
    )
    .bind(id.position().packed())
    .bind(date.days())
    .fetch_all(reader.connection())
    .await
    .map_err(|error| store_error(&error))?;
    reader.give_back();
    rows.iter()
        .map(|row| {
            let money = read_money(currencies, get(row, "currency")?, get(row, "amount_minor")?)?;
            Ok((BusinessDate::from_days(get(row, "day")?), money))
        })
        .collect()
}

/// An account's closing balances over a period: the newest row not after its first day, and every later one of it.
pub(super) async fn daily_closings(
    readers: &Readers,
    currencies: &CurrencySet,
    id: AccountId,
    currency: Currency,
    period: Period,
) -> Result<Vec<DailyClosing>, StoreError> {
    let mut reader = readers.lend().await?;
    let rows = sqlx::query(
        "SELECT business_date, amount_minor FROM daily_balance \
         WHERE account = ?1 AND currency = ?2 AND business_date <= ?4 AND business_date >= coalesce( \
           (SELECT max(business_date) FROM daily_balance WHERE account = ?1 AND currency = ?2 AND business_date <= ?3), ?3) \
         ORDER BY business_date",
    )
    .bind(id.position().packed())
    .bind(currency.code())
    .bind(period.from().days())
    .bind(period.through().days())
    .fetch_all(reader.connection())
    .await
    .map_err(|error| store_error(&error))?;
    reader.give_back();
    rows.iter()
        .map(|row| {
            let amount = read_money(currencies, currency.code(), get(row, "amount_minor")?)?;
            Ok(DailyClosing { date: BusinessDate::from_days(get(row, "business_date")?), amount })
        })
        .collect()
}
