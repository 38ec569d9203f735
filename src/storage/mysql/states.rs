//! Reads of what the journal leaves behind: households, the rate board's pairs, lists of rounds.

use std::sync::Arc;

use hwan_domain::{
    account::{AccountKind, AccountState, LimitedUse},
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
use sqlx::mysql::MySqlRow;

use super::{
    balances,
    reads::{get, read_currency, read_position},
    script,
    store::Shared,
};
use crate::storage::{
    codec,
    listing::{CustomerQuery, RoundQuery},
    port::{Household, StoreError},
};

/// Customers with their accounts by id and the balances of these by currency.
pub(super) async fn households(store: &Shared, ids: &[CustomerId]) -> Result<Vec<Household>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let currencies = &store.currencies;
    let rows = store
        .sessions
        .rows(format!(
            "SELECT c.id, c.channel, c.reference, c.facts AS customer_facts, h.charged_at, h.day_won, h.month_won, h.balances, \
             a.id AS account, a.kind, a.facts AS account_facts, a.limited_date, a.limited_won, a.paid_through \
             FROM customer c JOIN holding h ON h.customer = c.id LEFT JOIN account a ON a.customer = c.id \
             WHERE c.id IN ({}) ORDER BY c.id, a.id",
            script::list(ids.iter().map(|id| id.position().packed()))
        ))
        .await?;
    let mut households: Vec<Household> = Vec::with_capacity(ids.len());
    for row in &rows {
        let id = CustomerId::at(read_position(get(row, "id")?)?);
        if households.last().is_none_or(|last| last.customer.id != id) {
            households
                .push(Household { customer: read_customer(row, id, currencies)?, accounts: Vec::with_capacity(2) });
        }
        let (Some(packed), Some(household)) = (get::<Option<i64>>(row, "account")?, households.last_mut()) else {
            continue;
        };
        let mut account = read_account(row, AccountId::at(read_position(packed)?), id, currencies)?;
        let held = balances::read(get(row, "balances")?, currencies)?;
        account.balances.extend(held.into_iter().filter(|(of, _)| *of == account.id).map(|(_, balance)| balance));
        household.accounts.push(account);
    }
    Ok(households)
}

/// A page of customers: by primary key, or by the index of what is asked for.
pub(super) async fn customers(store: &Shared, query: &CustomerQuery) -> Result<Vec<CustomerState>, StoreError> {
    let CustomerQuery { channel, reference, after, limit } = query;
    let by = |column: &str, text: &Option<Arc<str>>| {
        // The length too: in these collations a text equals itself with spaces behind it.
        text.as_deref()
            .map(|text| format!(" AND c.{column} = {} AND LENGTH(c.{column}) = {}", script::literal(text), text.len()))
            .unwrap_or_default()
    };
    let rows = store
        .sessions
        .rows(format!(
            "SELECT c.id, c.channel, c.reference, c.facts AS customer_facts, h.charged_at, h.day_won, h.month_won \
             FROM customer c JOIN holding h ON h.customer = c.id WHERE c.id > {}{}{} ORDER BY c.id LIMIT {limit}",
            after.map_or(i64::MIN, |after| after.position().packed()),
            by("channel", channel),
            by("reference", reference)
        ))
        .await?;
    let currencies = &store.currencies;
    rows.iter().map(|row| read_customer(row, CustomerId::at(read_position(get(row, "id")?)?), currencies)).collect()
}

fn read_customer(row: &MySqlRow, id: CustomerId, currencies: &CurrencySet) -> Result<CustomerState, StoreError> {
    Ok(CustomerState {
        id,
        channel: Arc::from(get::<&str>(row, "channel")?),
        reference: get::<Option<&str>>(row, "reference")?.map(Arc::from),
        facts: codec::decode_facts(get(row, "customer_facts")?, currencies)?,
        limits: LimitUse {
            charged_at: Timestamp::from_micros(get(row, "charged_at")?),
            day_won: get(row, "day_won")?,
            month_won: get(row, "month_won")?,
        },
    })
}

fn read_account(
    row: &MySqlRow,
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

/// Who owns an account.
pub(super) async fn owner(store: &Shared, id: AccountId) -> Result<Option<CustomerId>, StoreError> {
    let sql = format!("SELECT customer FROM account WHERE id = {}", id.position().packed());
    let rows = store.sessions.rows(sql).await?;
    rows.first().map(|row| Ok(CustomerId::at(read_position(get(row, "customer")?)?))).transpose()
}

/// Every pair that has a round or a halt, by currency code: a branch a currency, each a walk down its primary key.
pub(super) async fn pairs(store: &Shared, rounds: usize) -> Result<Vec<(Currency, Pair)>, StoreError> {
    let branches: Vec<String> = store
        .currencies
        .foreign()
        .map(|(currency, _)| {
            let code = script::literal(currency.code());
            format!(
                "(SELECT * FROM round WHERE currency = {code} ORDER BY business_date DESC, number DESC LIMIT {rounds}) \
                 UNION (SELECT * FROM round WHERE currency = {code} AND status IN ('active', 'superseded') \
                 ORDER BY business_date DESC, number DESC LIMIT 1)"
            )
        })
        .collect();
    if branches.is_empty() {
        return Ok(Vec::new());
    }
    // Two statements: whoever asks owns the system lane, whose commits alone change either.
    let halts = store.sessions.rows("SELECT currency, halted_by, reason, since FROM pair_halt".to_owned()).await?;
    let rows = store
        .sessions
        .rows(format!("SELECT * FROM ({}) r ORDER BY currency, business_date, number", branches.join(" UNION ")))
        .await?;
    let mut pairs: Vec<(Currency, Pair)> = Vec::new();
    for row in &rows {
        let currency = read_currency(&store.currencies, get(row, "currency")?)?;
        if pairs.last().is_none_or(|(last, _)| *last != currency) {
            pairs.push((currency, Pair { rounds: Vec::new(), halt: None }));
        }
        if let Some((_, pair)) = pairs.last_mut() {
            pair.rounds.push(read_round(row, currency)?);
        }
    }
    for row in &halts {
        let currency = read_currency(&store.currencies, get(row, "currency")?)?;
        let halt = Some(read_halt(row)?);
        match pairs.iter_mut().find(|(known, _)| *known == currency) {
            Some((_, pair)) => pair.halt = halt,
            None => pairs.push((currency, Pair { rounds: Vec::new(), halt })),
        }
    }
    pairs.sort_by(|(one, _), (other, _)| one.code().cmp(other.code()));
    Ok(pairs)
}

fn read_halt(row: &MySqlRow) -> Result<Halt, StoreError> {
    let (by, reason): (&str, &str) = (get(row, "halted_by")?, get(row, "reason")?);
    Ok(Halt { by: by.into(), reason: reason.into(), since: Timestamp::from_micros(get(row, "since")?) })
}

fn read_round(row: &MySqlRow, currency: Currency) -> Result<Round, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("a stored round of {currency}: {what}"));
    let decimal = |name: &'static str| -> Result<Decimal, StoreError> {
        Decimal::from_str_exact(get(row, name)?).map_err(|_| damaged(name))
    };
    let number: i32 = get(row, "number")?;
    let unit: i32 = get(row, "unit")?;
    let id = RoundId {
        currency: currency.code().as_bytes().try_into().map_err(|_| damaged("currency"))?,
        date: BusinessDate::from_days(get(row, "business_date")?),
        number: number.try_into().map_err(|_| damaged("number"))?,
    };
    Ok(Round {
        id,
        currency,
        mid: Rate::new(decimal("mid")?, unit.try_into().map_err(|_| damaged("unit"))?).map_err(|_| damaged("mid"))?,
        spread: decimal("spread")?,
        preference_percent: decimal("preference_percent")?,
        published_at: Timestamp::from_micros(get(row, "published_at")?),
        valid_until: Timestamp::from_micros(get(row, "valid_until")?),
        status: codec::decode_round_status(get(row, "status")?).ok_or_else(|| damaged("status"))?,
    })
}

/// A page of a currency's rounds: a walk up its primary key. The condition is spelled out: MySQL does not use the key for a
/// comparison of pairs.
pub(super) async fn rounds(store: &Shared, query: &RoundQuery) -> Result<Vec<Round>, StoreError> {
    let before = query.before.map(|(date, number)| {
        let date = date.days();
        format!(" AND (business_date < {date} OR (business_date = {date} AND number < {number}))")
    });
    let on = query.date.map(|date| format!(" AND business_date = {}", date.days()));
    let sql = format!(
        "SELECT * FROM round WHERE currency = {}{}{} ORDER BY business_date DESC, number DESC LIMIT {}",
        script::literal(query.currency.code()),
        on.unwrap_or_default(),
        before.unwrap_or_default(),
        query.limit
    );
    let rows = store.sessions.rows(sql).await?;
    rows.iter().map(|row| read_round(row, query.currency)).collect()
}
