//! The tables, and what they are counted in.

use hwan_domain::currency::CurrencySet;
use sqlx::{AssertSqlSafe, MySqlConnection, Row, migrate::Migrator};

use super::{
    errors::{column, store_error},
    script::Script,
};
use crate::storage::port::StoreError;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/mysql");

/// Brings the tables up to date; processes that start at once wait for each other.
pub(super) async fn migrate(connection: &mut MySqlConnection) -> Result<(), StoreError> {
    // Not `run`: its bound on `Acquire` makes a future that cannot be sent between threads.
    MIGRATIONS
        .run_direct(None, connection, false)
        .await
        .map_err(|error| StoreError::Unavailable(format!("the tables cannot be brought up to date: {error}")))
}

/// Refuses a database of another version, for those who may not change it.
pub(super) async fn check_version(connection: &mut MySqlConnection) -> Result<(), StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations WHERE success")
        .fetch_one(connection)
        .await
        .map_err(|error| {
            StoreError::Unavailable(format!("this is no ledger, or none has been written yet: {error}"))
        })?;
    let expected = MIGRATIONS.iter().map(|migration| migration.version).max();
    if found == expected {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!(
        "the ledger's tables are of version {found:?}, this program knows {expected:?}: use the program that runs the engine"
    )))
}

/// Enters the currencies.
pub(super) async fn enter_currencies(
    connection: &mut MySqlConnection,
    currencies: &CurrencySet,
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script.insert(
        "INSERT IGNORE INTO currency (code, minor_digits, minor_per_unit)",
        "",
        currencies.iter(),
        |row, (currency, _)| {
            row.text(currency.code());
            row.number(currency.minor_digits());
            row.number(10_i64.pow(u32::from(currency.minor_digits())));
        },
    );
    for packet in script.packets() {
        sqlx::raw_sql(AssertSqlSafe(packet.sql))
            .execute(&mut *connection)
            .await
            .map_err(|error| store_error(&error))?;
    }
    Ok(())
}

/// Refuses a set of currencies under which stored amounts would mean something else.
pub(super) async fn check_currencies(
    connection: &mut MySqlConnection,
    currencies: &CurrencySet,
) -> Result<(), StoreError> {
    let rows = sqlx::raw_sql("SELECT code, minor_digits FROM currency")
        .fetch_all(connection)
        .await
        .map_err(|error| store_error(&error))?;
    for row in &rows {
        let code: &str = row.try_get("code").map_err(|error| column(&error))?;
        let stored: i8 = row.try_get("minor_digits").map_err(|error| column(&error))?;
        crate::storage::consistency::same_currency(currencies, code, i64::from(stored))?;
    }
    Ok(())
}
