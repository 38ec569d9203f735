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
use sqlx::{Row, mysql::MySqlRow};

use super::{
    balances,
    errors::column,
    reads::{get, read_money, read_position},
    store::Shared,
};
use crate::storage::{
    listing::{EntryKind, PassbookPage, PassbookQuery, Window},
    port::{PassbookEntry, StoreError},
};

/// An account's passbook above a version.
pub(super) async fn above(
    store: &Shared,
    id: AccountId,
    after_version: u64,
    limit: usize,
) -> Result<Vec<PassbookEntry>, StoreError> {
    let sql = format!(
        "SELECT * FROM passbook WHERE account = {} AND version > {} ORDER BY version LIMIT {limit}",
        id.position().packed(),
        packed_version(after_version)
    );
    let rows = store.sessions.rows(sql).await?;
    rows.iter().map(|row| read_entry(row, &store.currencies)).collect()
}

/// Whether an account's passbook has every posting that is committed. One statement, so one state.
pub(super) async fn is_current(store: &Shared, id: AccountId) -> Result<bool, StoreError> {
    let account = id.position().packed();
    let sql = format!(
        "SELECT h.balances, (SELECT MAX(version) FROM passbook WHERE account = {account}) AS projected \
         FROM account a JOIN holding h ON h.customer = a.customer WHERE a.id = {account}"
    );
    let rows = store.sessions.rows(sql).await?;
    let Some(row) = rows.first() else { return Ok(true) };
    let held = balances::read(get(row, "balances")?, &store.currencies)?;
    let committed = held.iter().filter(|(of, _)| *of == id).map(|(_, balance)| balance.version).max();
    let projected = get::<Option<i64>>(row, "projected")?.map(read_version).transpose()?;
    Ok(committed <= projected)
}

/// A page of an account's passbook.
pub(super) async fn page(store: &Shared, query: &PassbookQuery) -> Result<PassbookPage, StoreError> {
    let Some((first, end)) = versions(store, query.account, query.window).await? else {
        return Ok(PassbookPage::default());
    };
    let looked_at = query.looked_at(first, end);
    let only = query.only.map(|kind| format!(" AND kind = {}", kind.number())).unwrap_or_default();
    let sql = format!(
        "SELECT * FROM passbook WHERE account = {} AND version >= {} AND version < {}{only} ORDER BY version DESC LIMIT {}",
        query.account.position().packed(),
        packed_version(looked_at.start),
        packed_version(looked_at.end),
        // One more than fits tells whether there is another page.
        query.entries_max().saturating_add(1)
    );
    let rows = store.sessions.rows(sql).await?;
    let entries = rows.iter().map(|row| read_entry(row, &store.currencies)).collect::<Result<_, _>>()?;
    Ok(query.page(entries, first, &looked_at))
}

/// The first version of an account that lies in a window, and the first after it; `None` for an empty passbook. Each end
/// is found by halves, some twenty lookups by primary key, without an index on the instant; an open end costs none.
async fn versions(store: &Shared, account: AccountId, window: Window) -> Result<Option<(u64, u64)>, StoreError> {
    let account = account.position().packed();
    let instant = |instant: Option<Timestamp>| instant.map_or("NULL".to_owned(), |at| at.micros().to_string());
    let (from, to) = (instant(window.from), instant(window.to));
    let search = |name: &str, at: &str| {
        format!(
            "UNION ALL
             SELECT CASE WHEN p.at < {at} THEN p.version + 1 ELSE low END,
                    CASE WHEN p.at < {at} THEN high ELSE p.version END
             FROM {name} JOIN passbook p ON p.account = {account} AND p.version = low + (high - low) DIV 2
             WHERE low < high"
        )
    };
    let sql = format!(
        "WITH RECURSIVE
           ends (first, past) AS (
             SELECT (SELECT MIN(version) FROM passbook WHERE account = {account}),
                    (SELECT MAX(version) FROM passbook WHERE account = {account}) + 1),
           earlier (low, high) AS (
             SELECT first, CASE WHEN {from} IS NULL THEN first ELSE past END FROM ends WHERE first IS NOT NULL
             {}),
           later (low, high) AS (
             SELECT CASE WHEN {to} IS NULL THEN past ELSE first END, past FROM ends WHERE first IS NOT NULL
             {})
         SELECT earlier.low AS first, later.low AS past FROM earlier, later
         WHERE earlier.low = earlier.high AND later.low = later.high",
        search("earlier", &from),
        search("later", &to)
    );
    let rows = store.sessions.rows(sql).await?;
    rows.first().map(|row| Ok((read_version(get(row, "first")?)?, read_version(get(row, "past")?)?))).transpose()
}

/// A version as its column holds it.
fn packed_version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

fn read_version(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Damaged("a stored version is negative".into()))
}

pub(super) fn read_entry(row: &MySqlRow, currencies: &CurrencySet) -> Result<PassbookEntry, StoreError> {
    let code: &str = get(row, "currency")?;
    let kind: i8 = get(row, "kind")?;
    Ok(PassbookEntry {
        version: read_version(get(row, "version")?)?,
        position: read_position(get(row, "record")?)?,
        kind: u8::try_from(kind)
            .ok()
            .and_then(EntryKind::by_number)
            .ok_or_else(|| StoreError::Damaged(format!("{kind} is no kind of a passbook's entry")))?,
        amount: read_money(currencies, code, get(row, "amount_minor")?)?,
        balance_after: read_money(currencies, code, get(row, "balance_minor")?)?,
        at: Timestamp::from_micros(get(row, "at")?),
        business_date: BusinessDate::from_days(get(row, "business_date")?),
    })
}

/// An account's closing balances on a date: of each currency with a posting until then, the day of the last one, and what the
/// next day with a posting began with, or, without such a day, what the newest posting left.
pub(super) async fn daily_balances(
    store: &Shared,
    id: AccountId,
    date: BusinessDate,
) -> Result<Vec<(BusinessDate, Money)>, StoreError> {
    let (account, day) = (id.position().packed(), date.days());
    let days = format!(
        "SELECT currency, CAST(MAX(CASE WHEN business_date <= {day} THEN business_date END) AS SIGNED) AS last, \
         CAST(MIN(CASE WHEN business_date > {day} THEN business_date END) AS SIGNED) AS next \
         FROM daily_opening WHERE account = {account} GROUP BY currency"
    );
    let sql = format!(
        "SELECT d.currency, d.last, COALESCE( \
           (SELECT o.amount_minor FROM daily_opening o \
            WHERE o.account = {account} AND o.currency = d.currency AND o.business_date = d.next), \
           (SELECT p.balance_minor FROM passbook p \
            WHERE p.account = {account} AND p.currency = d.currency ORDER BY p.version DESC LIMIT 1)) AS amount_minor \
         FROM ({days}) d WHERE d.last IS NOT NULL ORDER BY d.currency"
    );
    let rows = store.sessions.rows(sql).await?;
    rows.iter()
        .map(|row| {
            let code: &str = row.try_get(0).map_err(|error| column(&error))?;
            let money = read_money(&store.currencies, code, get(row, "amount_minor")?)?;
            let last: i64 = get(row, "last")?;
            let last = i32::try_from(last).map_err(|_| StoreError::Damaged(format!("{last} is not a date")))?;
            Ok((BusinessDate::from_days(last), money))
        })
        .collect()
}

/// An account's closing balances over a period: a day with a posting closed with what the next such day began with, or, without
/// one, with what the newest posting left.
pub(super) async fn daily_closings(
    store: &Shared,
    id: AccountId,
    currency: Currency,
    period: Period,
) -> Result<Vec<DailyClosing>, StoreError> {
    let (account, code) = (id.position().packed(), currency.code());
    let (from, through) = (period.from().days(), period.through().days());
    let of_account = format!("account = {account} AND currency = '{code}'");
    let sql = format!(
        "SELECT d.business_date, COALESCE(d.closing, \
           (SELECT balance_minor FROM passbook WHERE {of_account} ORDER BY version DESC LIMIT 1)) AS amount_minor \
         FROM (SELECT business_date, LEAD(amount_minor) OVER (ORDER BY business_date) AS closing FROM daily_opening \
           WHERE {of_account} AND business_date >= COALESCE( \
             (SELECT MAX(business_date) FROM daily_opening WHERE {of_account} AND business_date <= {from}), {from}) \
           AND business_date <= COALESCE( \
             (SELECT MIN(business_date) FROM daily_opening WHERE {of_account} AND business_date > {through}), {through}) \
         ) d WHERE d.business_date <= {through} ORDER BY d.business_date"
    );
    let rows = store.sessions.rows(sql).await?;
    rows.iter()
        .map(|row| {
            let amount = read_money(&store.currencies, code, get(row, "amount_minor")?)?;
            Ok(DailyClosing { date: BusinessDate::from_days(get(row, "business_date")?), amount })
        })
        .collect()
}
