//! Connections: how one is opened, what its session is set to, and that the server is what durability demands.
//!
//! Every session speaks UTF-8, UTC, one SQL mode and READ COMMITTED, whatever the server's defaults are: a statement then sees
//! what is committed when it runs, and a locking read locks the row it names and no gap beside it.

use std::{str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};

use super::{
    errors::store_error,
    nodelay,
    options::{MysqlOptions, TlsMode},
    settings,
};
use crate::storage::port::StoreError;

/// How long a statement of ours waits for a row's lock: only another owner's transaction can hold one that long.
const LOCK_WAIT_SECONDS: u32 = 2;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Commits, taking lanes, projections: the server must be set as durability demands, and ends the session, with the
    /// locks that it holds, when nothing is heard of it for this many seconds.
    Write {
        /// How long.
        idle_seconds: u64,
    },
    /// Reads.
    Read,
}

/// Where and as whom.
pub(super) fn target(options: &MysqlOptions) -> Result<MySqlConnectOptions, StoreError> {
    // The cause is not shown: it might quote the password.
    let wrong = || {
        StoreError::Unsafe(
            "store.mysql.url is not a URL of the form mysql://user@host:3306/database: correct it".to_owned(),
        )
    };
    if !options.url.starts_with("mysql://") {
        return Err(wrong());
    }
    let mut target = MySqlConnectOptions::from_str(&options.url).map_err(|_| wrong())?;
    if target.get_database().is_none_or(str::is_empty) {
        return Err(StoreError::Unsafe(
            "store.mysql.url names no database: add one, as in mysql://user@host:3306/hwan".to_owned(),
        ));
    }
    if let Some(password) = &options.password {
        target = target.password(password);
    }
    target = target.ssl_mode(match options.tls.mode {
        TlsMode::Disabled => MySqlSslMode::Disabled,
        TlsMode::Preferred => MySqlSslMode::Preferred,
        TlsMode::Required => MySqlSslMode::Required,
        TlsMode::VerifyCa => MySqlSslMode::VerifyCa,
        TlsMode::VerifyIdentity => MySqlSslMode::VerifyIdentity,
    });
    if let Some(ca) = &options.tls.ca {
        target = target.ssl_ca(ca);
    }
    if let Some((certificate, key)) = &options.tls.identity {
        target = target.ssl_client_cert(certificate).ssl_client_key(key);
    }
    Ok(target.charset("utf8mb4").pipes_as_concat(false).no_engine_substitution(false).disable_statement_logging())
}

/// Opens a connection.
pub(super) async fn open(
    target: &MySqlConnectOptions,
    timeout: Duration,
    purpose: Purpose,
) -> Result<MySqlConnection, StoreError> {
    let opened = async {
        let mut connection = target.connect().await.map_err(|error| store_error(&error))?;
        if let Err(error) = nodelay::send_at_once(target.get_port()) {
            tracing::debug!(%error, "sockets to the server send when Nagle's algorithm lets them: commits may take 40 ms longer");
        }
        prepare(&mut connection, purpose).await.map_err(|error| store_error(&error))?;
        if matches!(purpose, Purpose::Write { .. }) {
            settings::check(&mut connection).await?;
        }
        Ok(connection)
    };
    tokio::time::timeout(timeout, opened).await.unwrap_or_else(|_| {
        Err(StoreError::Unavailable(format!(
            "no connection to {}:{} within {} ms: is the server there?",
            target.get_host(),
            target.get_port(),
            timeout.as_millis()
        )))
    })
}

/// Sets a session.
pub(super) async fn prepare(connection: &mut MySqlConnection, purpose: Purpose) -> Result<(), sqlx::Error> {
    let idle = match purpose {
        Purpose::Write { idle_seconds } => format!(", wait_timeout = {idle_seconds}"),
        Purpose::Read => String::new(),
    };
    let session = format!(
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; \
         SET SESSION autocommit = 1, innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}, time_zone = '+00:00', \
         sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'{idle}"
    );
    sqlx::raw_sql(AssertSqlSafe(session)).execute(connection).await.map(|_| ())
}

/// Closes a connection that may have a transaction open: without a word, so that it takes no time.
pub(super) fn give_up(connection: MySqlConnection) {
    // The server rolls back when the socket closes.
    drop(connection);
}

/// Closes a connection that is idle.
pub(super) async fn close(connection: MySqlConnection) {
    const PATIENCE: Duration = Duration::from_secs(1);
    match tokio::time::timeout(PATIENCE, connection.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection to the server did not close cleanly"),
        Err(_) => tracing::debug!("a connection to the server did not close in time"),
    }
}
