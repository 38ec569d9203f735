//! The tables, and what they are counted in.

use hwan_domain::currency::CurrencySet;
use sqlx::{Row, SqliteConnection, migrate::Migrator};

use super::{
    connect::StoreFile,
    errors::{self, column},
};
use crate::storage::{consistency::same_currency, port::StoreError};

static LEDGER: Migrator = sqlx::migrate!("migrations/sqlite/ledger");
static PASSBOOK: Migrator = sqlx::migrate!("migrations/sqlite/passbook");

static BOOKS: Migrator = sqlx::migrate!("migrations/books/sqlite");

const fn migrator(file: StoreFile) -> &'static Migrator {
    match file {
        StoreFile::Ledger => &LEDGER,
        StoreFile::Passbook => &PASSBOOK,
        StoreFile::Books => &BOOKS,
    }
}

/// Brings a file's tables up to date.
pub(super) async fn migrate(connection: &mut SqliteConnection, file: StoreFile) -> Result<(), StoreError> {
    // Not `run`: its bound on `Acquire` makes a future that cannot be sent between threads.
    migrator(file).run_direct(None, &mut *connection, false).await.map_err(|error| {
        StoreError::Unavailable(format!("the tables of {file:?} cannot be brought up to date: {error}"))
    })
}

/// Enters the currencies into the ledger.
pub(super) async fn enter_currencies(
    connection: &mut SqliteConnection,
    currencies: &CurrencySet,
) -> Result<(), StoreError> {
    for (currency, _) in currencies.iter() {
        sqlx::query(
            "INSERT INTO currency (code, minor_digits, minor_per_unit) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(currency.code().to_owned())
        .bind(i64::from(currency.minor_digits()))
        .bind(10_i64.pow(u32::from(currency.minor_digits())))
        .execute(&mut *connection)
        .await
        .map_err(|error| errors::store_error(&error))?;
    }
    Ok(())
}

/// Refuses a file of another version, for those who may not change it.
pub(super) async fn check_version(connection: &mut SqliteConnection, file: StoreFile) -> Result<(), StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
        .fetch_one(connection)
        .await
        .map_err(|error| {
            StoreError::Unavailable(format!("this is no ledger, or none has been written yet: {error}"))
        })?;
    let expected = migrator(file).iter().map(|migration| migration.version).max();
    if found == expected {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!(
        "the ledger's tables are of version {found:?}, this program knows {expected:?}: use the program that runs the engine"
    )))
}

/// Refuses a set of currencies under which stored amounts would mean something else.
pub(super) async fn check_currencies(
    connection: &mut SqliteConnection,
    currencies: &CurrencySet,
) -> Result<(), StoreError> {
    let rows = sqlx::query("SELECT code, minor_digits FROM currency")
        .fetch_all(connection)
        .await
        .map_err(|error| errors::store_error(&error))?;
    for row in &rows {
        let code: &str = row.try_get("code").map_err(|error| column(&error))?;
        let stored: i64 = row.try_get("minor_digits").map_err(|error| column(&error))?;
        same_currency(currencies, code, stored)?;
    }
    Ok(())
}
