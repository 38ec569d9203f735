//! Reads of what the journal leaves behind: households, the rate board's pairs, lists of rounds.

use std::{fmt::Write as _, sync::Arc};

use hwan_domain::{
    account::{AccountKind, AccountState, Balance, LimitedUse},
    board::{Halt, Pair},
    currency::{Currency, CurrencySet},
    customer::CustomerState,
    id::{AccountId, CustomerId},
    limit::LimitUse,
    rate::Rate,
    round::{Round, RoundId},
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;
use smallvec::SmallVec;
use sqlx::{AssertSqlSafe, sqlite::SqliteRow};

use super::{
    errors::store_error,
    projections::read_position,
    readers::Readers,
    reads::{get, read_currency, read_money},
};
use crate::storage::{
    codec,
    listing::{CustomerQuery, RoundQuery},
    port::{Household, StoreError},
};

/// A customer with its accounts by id and their balances by currency.
pub(super) async fn customer(
    readers: &Readers,
    currencies: &CurrencySet,
    id: CustomerId,
) -> Result<Option<Household>, StoreError> {
    let mut reader = readers.lend().await?;
    let rows = sqlx::query(
        "SELECT c.channel, c.reference, c.facts AS customer_facts, c.limit_at, c.limit_day_won, c.limit_month_won, \
         a.id AS account, a.kind, a.facts AS account_facts, a.limited_date, a.limited_won, a.paid_through, \
         b.currency, b.amount_minor, b.version \
         FROM customer c LEFT JOIN account a ON a.customer = c.id LEFT JOIN balance b ON b.account = a.id \
         WHERE c.id = ? ORDER BY a.id, b.currency",
    )
    .bind(id.position().packed())
    .fetch_all(reader.connection())
    .await
    .map_err(|error| store_error(&error))?;
    reader.give_back();
    let Some(first) = rows.first() else { return Ok(None) };
    let customer = read_customer(first, id, currencies)?;
    let mut accounts: Vec<AccountState> = Vec::with_capacity(2);
    for row in &rows {
        let Some(packed) = get::<Option<i64>>(row, "account")? else { continue };
        let account = AccountId::at(read_position(packed)?);
        if accounts.last().is_none_or(|last| last.id != account) {
            accounts.push(read_account(row, account, id, currencies)?);
        }
        if let (Some(balance), Some(last)) = (read_balance(row, currencies)?, accounts.last_mut()) {
            last.balances.push(balance);
        }
    }
    Ok(Some(Household { customer, accounts }))
}

/// The text of a list of customers with a further condition.
macro_rules! list_customers {
    ($condition:literal) => {
        concat!(
            "SELECT id, channel, reference, facts AS customer_facts, limit_at, limit_day_won, limit_month_won \
             FROM customer WHERE id > ?1",
            $condition,
            " ORDER BY id LIMIT ?4"
        )
    };
}
/// A page of customers: by primary key, or by the index of what is asked for.
pub(super) async fn customers(
    readers: &Readers,
    currencies: &CurrencySet,
    query: &CustomerQuery,
) -> Result<Vec<CustomerState>, StoreError> {
    let CustomerQuery { channel, reference, after, limit } = query;
    let mut reader = readers.lend().await?;
    let rows = sqlx::query(match (channel, reference) {
        (None, None) => list_customers!(""),
        (Some(_), None) => list_customers!(" AND channel = ?2"),
        (None, Some(_)) => list_customers!(" AND reference = ?3"),
        (Some(_), Some(_)) => list_customers!(" AND channel = ?2 AND reference = ?3"),
    })
    .bind(after.map_or(i64::MIN, |after| after.position().packed()))
    .bind(channel.as_deref())
    .bind(reference.as_deref())
    .bind(i64::try_from(*limit).unwrap_or(i64::MAX))
    .fetch_all(reader.connection())
    .await
    .map_err(|error| store_error(&error))?;
    reader.give_back();
    rows.iter().map(|row| read_customer(row, CustomerId::at(read_position(get(row, "id")?)?), currencies)).collect()
}

fn read_customer(row: &SqliteRow, id: CustomerId, currencies: &CurrencySet) -> Result<CustomerState, StoreError> {
    Ok(CustomerState {
        id,
        channel: Arc::from(get::<&str>(row, "channel")?),
        reference: get::<Option<&str>>(row, "reference")?.map(Arc::from),
        facts: codec::decode_facts(get(row, "customer_facts")?, currencies)?,
        limits: LimitUse {
            charged_at: Timestamp::from_micros(get(row, "limit_at")?),
            day_won: get(row, "limit_day_won")?,
            month_won: get(row, "limit_month_won")?,
        },
    })
}

fn read_account(
    row: &SqliteRow,
    id: AccountId,
    customer: CustomerId,
    currencies: &CurrencySet,
) -> Result<AccountState, StoreError> {
    let kind: &str = get(row, "kind")?;
    let date: Option<i32> = get(row, "limited_date")?;
    let won: Option<i64> = get(row, "limited_won")?;
    Ok(AccountState {
        id,
        customer,
        kind: AccountKind::parse(kind)
            .ok_or_else(|| StoreError::Damaged(format!("account {id}: {kind:?} is not a kind of account")))?,
        facts: codec::decode_facts(get(row, "account_facts")?, currencies)?,
        limited: date.zip(won).map(|(date, won)| LimitedUse { date: BusinessDate::from_days(date), won }),
        paid_through: get::<Option<i32>>(row, "paid_through")?.map(BusinessDate::from_days),
        balances: SmallVec::new(),
    })
}

fn read_balance(row: &SqliteRow, currencies: &CurrencySet) -> Result<Option<Balance>, StoreError> {
    let Some(code) = get::<Option<&str>>(row, "currency")? else { return Ok(None) };
    let amount = read_money(currencies, code, get(row, "amount_minor")?)?;
    Ok(Some(Balance { amount, version: read_version(row)? }))
}

fn read_version(row: &SqliteRow) -> Result<u64, StoreError> {
    let version: i64 = get(row, "version")?;
    u64::try_from(version).map_err(|_| StoreError::Damaged(format!("{version} is not an account's version")))
}

/// Who owns an account.
pub(super) async fn owner(readers: &Readers, id: AccountId) -> Result<Option<CustomerId>, StoreError> {
    let mut reader = readers.lend().await?;
    let customer: Option<i64> = sqlx::query_scalar("SELECT customer FROM account WHERE id = ?")
        .bind(id.position().packed())
        .fetch_optional(reader.connection())
        .await
        .map_err(|error| store_error(&error))?;
    reader.give_back();
    customer.map(|packed| read_position(packed).map(CustomerId::at)).transpose()
}

/// Every pair that has a round or a halt, by currency code: a branch a currency, each a walk down its primary key.
pub(super) async fn pairs(
    readers: &Readers,
    currencies: &CurrencySet,
    rounds: usize,
) -> Result<Vec<(Currency, Pair)>, StoreError> {
    let mut sql = String::new();
    let foreign: Vec<Currency> = currencies.foreign().map(|(currency, _)| currency).collect();
    for (index, currency) in foreign.iter().enumerate() {
        // A currency's code is three capital letters: there is nothing to escape.
        let _ = write!(
            sql,
            "{}SELECT c.code AS currency, h.by, h.reason, h.since, r.business_date, r.number, r.mid, r.unit, r.spread, \
             r.preference_percent, r.published_at, r.valid_until, r.status \
             FROM (SELECT '{code}' AS code) c LEFT JOIN pair_halt h ON h.currency = c.code \
             LEFT JOIN (SELECT * FROM (SELECT * FROM round WHERE currency = '{code}' \
             ORDER BY business_date DESC, number DESC LIMIT ?1) \
             UNION SELECT * FROM (SELECT * FROM round WHERE currency = '{code}' AND status IN ('active', 'superseded') \
             ORDER BY business_date DESC, number DESC LIMIT 1)) r ON true",
            if index == 0 { "" } else { " UNION ALL " },
            code = currency.code()
        );
    }
    sql.push_str(" ORDER BY 1, 5, 6");
    if foreign.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = readers.lend().await?;
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(i64::try_from(rounds).unwrap_or(i64::MAX))
        .fetch_all(reader.connection())
        .await
        .map_err(|error| store_error(&error))?;
    reader.give_back();
    let mut pairs: Vec<(Currency, Pair)> = Vec::new();
    for row in &rows {
        let currency = read_currency(currencies, get(row, "currency")?)?;
        if pairs.last().is_none_or(|(last, _)| *last != currency) {
            pairs.push((currency, Pair { rounds: Vec::new(), halt: read_halt(row)? }));
        }
        if let (Some(round), Some((_, pair))) = (read_round(row, currency)?, pairs.last_mut()) {
            pair.rounds.push(round);
        }
    }
    pairs.retain(|(_, pair)| pair.halt.is_some() || !pair.rounds.is_empty());
    Ok(pairs)
}

fn read_halt(row: &SqliteRow) -> Result<Option<Halt>, StoreError> {
    let Some(by) = get::<Option<&str>>(row, "by")? else { return Ok(None) };
    let reason: &str = get(row, "reason")?;
    Ok(Some(Halt { by: by.into(), reason: reason.into(), since: Timestamp::from_micros(get(row, "since")?) }))
}

fn read_round(row: &SqliteRow, currency: Currency) -> Result<Option<Round>, StoreError> {
    let Some(date) = get::<Option<i32>>(row, "business_date")? else { return Ok(None) };
    let damaged = |what: &str| StoreError::Damaged(format!("a stored round of {currency}: {what}"));
    let decimal = |name: &'static str| -> Result<Decimal, StoreError> {
        Decimal::from_str_exact(get(row, name)?).map_err(|_| damaged(name))
    };
    let id = RoundId {
        currency: currency.code().as_bytes().try_into().map_err(|_| damaged("currency"))?,
        date: BusinessDate::from_days(date),
        number: get(row, "number")?,
    };
    Ok(Some(Round {
        id,
        currency,
        mid: Rate::new(decimal("mid")?, get(row, "unit")?).map_err(|_| damaged("mid"))?,
        spread: decimal("spread")?,
        preference_percent: decimal("preference_percent")?,
        published_at: Timestamp::from_micros(get(row, "published_at")?),
        valid_until: Timestamp::from_micros(get(row, "valid_until")?),
        status: codec::decode_round_status(get(row, "status")?).ok_or_else(|| damaged("status"))?,
    }))
}

/// A page of a currency's rounds: a walk up its primary key.
pub(super) async fn rounds(readers: &Readers, query: &RoundQuery) -> Result<Vec<Round>, StoreError> {
    // Beyond every date and number there can be.
    let (before_date, before_number) =
        query.before.map_or((i64::MAX, 0), |(date, number)| (date.days().into(), number));
    let mut reader = readers.lend().await?;
    let rows = sqlx::query(match query.date {
        None => {
            "SELECT * FROM round WHERE currency = ?1 AND (business_date, number) < (?2, ?3) \
             ORDER BY business_date DESC, number DESC LIMIT ?4"
        }
        Some(_) => {
            "SELECT * FROM round WHERE currency = ?1 AND (business_date, number) < (?2, ?3) AND business_date = ?5 \
             ORDER BY business_date DESC, number DESC LIMIT ?4"
        }
    })
    .bind(query.currency.code())
    .bind(before_date)
    .bind(i64::from(before_number))
    .bind(i64::try_from(query.limit).unwrap_or(i64::MAX))
    .bind(query.date.map(BusinessDate::days))
    .fetch_all(reader.connection())
    .await
    .map_err(|error| store_error(&error))?;
    reader.give_back();
    rows.iter().filter_map(|row| read_round(row, query.currency).transpose()).collect()
}
