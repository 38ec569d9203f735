//! An exchange as everybody makes it: its rows locked by `SELECT … FOR UPDATE` in the order of their keys, checked,
//! written, committed.
//!
//! At its best: prepared statements, both balances and the limits locked by one of them, rows written two at a time, no
//! round trip to begin a transaction. A purchase takes six round trips, a sale five, since it uses no limit; the first of a
//! customer's day one more.

use anyhow::{Result, bail};
use sqlx::MySqlConnection;

use super::order::{Balance, Locked, Order};

/// All three rows, by primary keys, in their order. The limits come first in every plan, since one row is constant.
const LOCK: &str = "SELECT b.currency, b.amount_minor, b.version, b.last_date, l.day_won, l.month_won \
    FROM limit_use l STRAIGHT_JOIN balance b FORCE INDEX (PRIMARY) \
    WHERE l.customer = ? AND ((b.account = ? AND b.currency = 'KRW') OR (b.account = ? AND b.currency = 'USD')) \
    ORDER BY b.account, b.currency FOR UPDATE";
const BALANCES: &str = "UPDATE balance \
    SET amount_minor = CASE currency WHEN 'KRW' THEN ? ELSE ? END, version = version + 1, last_date = ? \
    WHERE (account = ? AND currency = 'KRW') OR (account = ? AND currency = 'USD')";
const LIMITS: &str = "UPDATE limit_use SET charged_at = ?, day_won = ?, month_won = ? WHERE customer = ?";
const JOURNAL: &str = "INSERT INTO journal (kind, customer, key_digest, at, business_date, body, hash) \
    VALUES ('exchanged', ?, ?, ?, ?, ?, ?)";
const PASSBOOK: &str = "INSERT INTO passbook \
    (account, version, record, kind, currency, amount_minor, balance_minor, at, business_date) \
    VALUES (?, ?, ?, 1, 'KRW', ?, ?, ?, ?), (?, ?, ?, 1, 'USD', ?, ?, ?, ?)";
const OPENINGS: &str = "INSERT INTO daily_opening (account, currency, business_date, amount_minor) \
    VALUES (?, 'KRW', ?, ?), (?, 'USD', ?, ?)";

/// What became of an exchange that met no fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// It is durable.
    Executed,
    /// Nothing happened, for this reason.
    Refused(&'static str),
}

/// Makes an exchange, in one transaction. After an error the transaction stands open: roll it back.
pub(super) async fn exchange(connection: &mut MySqlConnection, order: &Order) -> Result<Made> {
    let before = lock(connection, order).await?;
    let after = match order.apply(before) {
        Ok(after) => after,
        Err(code) => {
            rollback(connection).await?;
            return Ok(Made::Refused(code));
        }
    };
    let (won_account, usd_account, date) = (order.won_account(), order.usd_account(), order.business_date());
    let (won_moves, usd_moves) = order.moves();
    sqlx::query(BALANCES)
        .bind(after.won.amount_minor)
        .bind(after.usd.amount_minor)
        .bind(after.last_date)
        .bind(won_account)
        .bind(usd_account)
        .execute(&mut *connection)
        .await?;
    if !order.sells {
        sqlx::query(LIMITS)
            .bind(order.at_us)
            .bind(after.day_won)
            .bind(after.month_won)
            .bind(order.customer)
            .execute(&mut *connection)
            .await?;
    }
    let key = order.key.as_bytes().as_slice();
    let record = sqlx::query(JOURNAL)
        .bind(order.customer)
        .bind(key)
        .bind(order.at_us)
        .bind(date)
        .bind(order.body(after))
        .bind([key, key].concat())
        .execute(&mut *connection)
        .await?
        .last_insert_id();
    let mut entries = sqlx::query(PASSBOOK);
    for (account, balance, moves) in [(won_account, after.won, won_moves), (usd_account, after.usd, usd_moves)] {
        entries = entries.bind(account).bind(balance.version).bind(record).bind(moves);
        entries = entries.bind(balance.amount_minor).bind(order.at_us).bind(date);
    }
    entries.execute(&mut *connection).await?;
    if order.opens_day(before) {
        let mut openings = sqlx::query(OPENINGS);
        for (account, balance) in [(won_account, before.won), (usd_account, before.usd)] {
            openings = openings.bind(account).bind(date).bind(balance.amount_minor);
        }
        openings.execute(&mut *connection).await?;
    }
    sqlx::raw_sql("COMMIT").execute(connection).await?;
    Ok(Made::Executed)
}

/// Ends what stands open.
pub(super) async fn rollback(connection: &mut MySqlConnection) -> Result<()> {
    sqlx::raw_sql("ROLLBACK").execute(connection).await?;
    Ok(())
}

async fn lock(connection: &mut MySqlConnection, order: &Order) -> Result<Locked> {
    let rows: Vec<(String, i64, i64, i32, i64, i64)> = sqlx::query_as(LOCK)
        .bind(order.customer)
        .bind(order.won_account())
        .bind(order.usd_account())
        .fetch_all(connection)
        .await?;
    let [(_, won, won_version, last_date, day_won, month_won), (_, usd, usd_version, ..)] = rows.as_slice() else {
        bail!("a customer has two balances, found {}", rows.len());
    };
    let balance = |amount_minor: &i64, version: &i64| Balance { amount_minor: *amount_minor, version: *version };
    Ok(Locked {
        won: balance(won, won_version),
        usd: balance(usd, usd_version),
        day_won: *day_won,
        month_won: *month_won,
        last_date: *last_date,
    })
}
