//! What the server must be set to. Crash tests of a process cannot see a server that loses commits with the power, so this is
//! asked of the server itself: at the start, and of every new connection that writes, since after a failover it may be
//! another server.

use std::collections::HashMap;

use sqlx::{MySqlConnection, Row};

use super::errors::store_error;
use crate::storage::port::StoreError;

/// The smallest packet that the server must take, in bytes.
const PACKET_BYTES_MIN: u64 = 16 << 20;

/// The settings that are looked at.
const LOOKED_AT: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'innodb_flush_log_at_trx_commit', 'log_bin', \
    'sync_binlog', 'binlog_error_action', 'binlog_format', 'innodb_doublewrite', 'innodb_flush_method', 'max_allowed_packet', 'read_only', \
    'super_read_only', 'innodb_read_only', 'innodb_force_recovery', 'system_time_zone')";
/// What the session really runs with.
const SESSION: &str = "SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation', 'time_zone', \
    'autocommit', 'character_set_client', 'sql_mode')";

/// Whether commits are written ahead at all; MySQL alone says.
const REDO: &str = "SHOW GLOBAL STATUS LIKE 'Innodb_redo_log_enabled'";

/// Settings by name.
type Settings = HashMap<String, String>;

/// Refuses a server on which an acknowledged commit could be lost, or that takes no writes.
pub(super) async fn check(connection: &mut MySqlConnection) -> Result<(), StoreError> {
    let server = read(connection, LOOKED_AT).await?;
    let session = read(connection, SESSION).await?;
    judge_version(&server)?;
    judge_session(&session)?;
    judge(&server)?;
    judge_redo(&read(connection, REDO).await?)
}

/// What the server is: `mysql 9.7.0`, `mariadb 10.11.6`.
pub(super) async fn name(connection: &mut MySqlConnection) -> Result<String, StoreError> {
    let server = read(connection, LOOKED_AT).await?;
    let version = value(&server, "version");
    let kind = if is_mariadb(version) { "mariadb" } else { "mysql" };
    let number = version.split(['-', '+']).next().unwrap_or(version);
    Ok(format!("{kind} {number}"))
}

/// What tells this server from others: its own id where it has one, else where it runs.
pub(super) async fn server(connection: &mut MySqlConnection) -> Result<String, StoreError> {
    const NAMING: &str =
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid', 'hostname', 'port', 'datadir')";
    let named = read(connection, NAMING).await?;
    let own = ["server_uuid", "server_uid"].map(|name| value(&named, name)).into_iter().find(|own| !own.is_empty());
    let server =
        own.map_or_else(|| ["hostname", "port", "datadir"].map(|name| value(&named, name)).join("/"), str::to_owned);
    Ok(server.chars().filter(char::is_ascii).take(190).collect())
}

async fn read(connection: &mut MySqlConnection, sql: &'static str) -> Result<Settings, StoreError> {
    let rows = sqlx::raw_sql(sql).fetch_all(connection).await.map_err(|error| store_error(&error))?;
    rows.iter()
        .map(|row| Ok((row.try_get::<String, _>(0)?.to_lowercase(), row.try_get(1)?)))
        .collect::<Result<_, sqlx::Error>>()
        .map_err(|error| store_error(&error))
}

fn value<'a>(settings: &'a Settings, name: &str) -> &'a str {
    settings.get(name).map_or("", String::as_str)
}

fn is_on(text: &str) -> bool {
    text.eq_ignore_ascii_case("on") || text == "1"
}

fn is_mariadb(version: &str) -> bool {
    version.to_lowercase().contains("mariadb")
}

fn wrong(name: &str, found: &str, needed: &str, why: &str) -> StoreError {
    StoreError::Unsafe(format!("the server's setting {name} is {found:?}, it must be {needed}: {why}"))
}

/// MySQL from 8.4 on, MariaDB from 10.11 on.
fn judge_version(settings: &Settings) -> Result<(), StoreError> {
    let version = value(settings, "version");
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let (least, name) = if is_mariadb(version) { ((10, 11), "MariaDB 10.11") } else { ((8, 4), "MySQL 8.4") };
    if found >= least {
        return Ok(());
    }
    Err(wrong("version", version, &format!("at least {name}"), "older servers are not tested"))
}

/// The session must be as `connect` set it: a proxy between may keep its own.
fn judge_session(settings: &Settings) -> Result<(), StoreError> {
    let isolation = [value(settings, "transaction_isolation"), value(settings, "tx_isolation")];
    if !isolation.iter().any(|level| level.eq_ignore_ascii_case("READ-COMMITTED")) {
        let found = isolation.into_iter().find(|level| !level.is_empty()).unwrap_or("");
        return Err(wrong(
            "transaction_isolation",
            found,
            "READ-COMMITTED in hwan's sessions",
            "is a proxy in between?",
        ));
    }
    for (name, needed) in [("time_zone", "+00:00"), ("autocommit", "ON"), ("character_set_client", "utf8mb4")] {
        let found = value(settings, name);
        if !found.eq_ignore_ascii_case(needed) {
            return Err(wrong(name, found, &format!("{needed:?} in hwan's sessions"), "is a proxy in between?"));
        }
    }
    let mode = value(settings, "sql_mode");
    for harmful in ["NO_BACKSLASH_ESCAPES", "ANSI_QUOTES"] {
        if mode.contains(harmful) {
            return Err(wrong(
                "sql_mode",
                mode,
                &format!("without {harmful} in hwan's sessions"),
                "is a proxy in between?",
            ));
        }
    }
    Ok(())
}

/// Durability, room, and whether it takes writes.
fn judge(settings: &Settings) -> Result<(), StoreError> {
    let flush = value(settings, "innodb_flush_log_at_trx_commit");
    if flush != "1" {
        let why = "else a commit is lost when the machine or the server stops";
        return Err(wrong("innodb_flush_log_at_trx_commit", flush, "1", why));
    }
    if is_on(value(settings, "log_bin")) {
        let sync = value(settings, "sync_binlog");
        if sync != "1" {
            let why = "else the binary log, and replicas with it, miss commits after a loss of power";
            return Err(wrong("sync_binlog", sync, "1", why));
        }
        let format = value(settings, "binlog_format");
        if format.eq_ignore_ascii_case("STATEMENT") {
            return Err(wrong("binlog_format", format, "ROW or MIXED", "replicas would not follow exactly"));
        }
    }
    let binlog_error = value(settings, "binlog_error_action");
    if binlog_error.eq_ignore_ascii_case("IGNORE_ERROR") {
        let why = "else commits go on that replicas never hear of";
        return Err(wrong("binlog_error_action", binlog_error, "ABORT_SERVER", why));
    }
    let doublewrite = value(settings, "innodb_doublewrite");
    if ["OFF", "0", "DETECT_ONLY"].iter().any(|off| doublewrite.eq_ignore_ascii_case(off)) {
        return Err(wrong("innodb_doublewrite", doublewrite, "ON", "else a loss of power tears pages"));
    }
    let method = value(settings, "innodb_flush_method");
    if method.eq_ignore_ascii_case("nosync") || method.eq_ignore_ascii_case("littlesync") {
        return Err(wrong("innodb_flush_method", method, "fsync or O_DIRECT", "else nothing reaches the disk in time"));
    }
    let recovery = value(settings, "innodb_force_recovery");
    if !matches!(recovery, "" | "0") {
        return Err(wrong("innodb_force_recovery", recovery, "0", "the server is being repaired"));
    }
    let packet = value(settings, "max_allowed_packet");
    if packet.parse::<u64>().unwrap_or(0) < PACKET_BYTES_MIN {
        return Err(wrong("max_allowed_packet", packet, "at least 16777216", "a batch goes in one packet"));
    }
    for name in ["read_only", "super_read_only", "innodb_read_only"] {
        let found = value(settings, name);
        if is_on(found) {
            // Not "unsafe": it passes, when the failover is over.
            return Err(StoreError::Unavailable(format!(
                "the server's setting {name} is {found:?}: it takes no writes; is it the primary?"
            )));
        }
    }
    Ok(())
}

/// `ALTER INSTANCE DISABLE INNODB REDO_LOG` is for loading data, not for money.
fn judge_redo(status: &Settings) -> Result<(), StoreError> {
    let enabled = value(status, "innodb_redo_log_enabled");
    if enabled.is_empty() || is_on(enabled) {
        return Ok(());
    }
    Err(wrong(
        "Innodb_redo_log_enabled",
        enabled,
        "ON",
        "run ALTER INSTANCE ENABLE INNODB REDO_LOG: else a crash loses all",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Settings {
        [
            ("version", "9.7.0"),
            ("innodb_flush_log_at_trx_commit", "1"),
            ("log_bin", "ON"),
            ("sync_binlog", "1"),
            ("binlog_format", "ROW"),
            ("innodb_doublewrite", "ON"),
            ("innodb_flush_method", "O_DIRECT"),
            ("innodb_force_recovery", "0"),
            ("max_allowed_packet", "67108864"),
            ("read_only", "OFF"),
            ("super_read_only", "OFF"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn session() -> Settings {
        [
            ("transaction_isolation", "READ-COMMITTED"),
            ("time_zone", "+00:00"),
            ("autocommit", "ON"),
            ("character_set_client", "utf8mb4"),
            ("sql_mode", "STRICT_ALL_TABLES"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn a_setting_that_is_not_durable_is_refused_by_its_name() {
        assert!(judge(&good()).is_ok() && judge_version(&good()).is_ok());
        for (name, value) in [
            ("innodb_flush_log_at_trx_commit", "2"),
            ("innodb_flush_log_at_trx_commit", "0"),
            ("sync_binlog", "0"),
            ("sync_binlog", "1000"),
            ("binlog_format", "STATEMENT"),
            ("binlog_error_action", "IGNORE_ERROR"),
            ("innodb_doublewrite", "OFF"),
            ("innodb_doublewrite", "DETECT_ONLY"),
            ("innodb_flush_method", "nosync"),
            ("innodb_force_recovery", "1"),
            ("max_allowed_packet", "4194304"),
        ] {
            let mut settings = good();
            settings.insert(name.to_owned(), value.to_owned());
            let refused = judge(&settings).unwrap_err();
            assert!(
                matches!(&refused, StoreError::Unsafe(text) if text.contains(name) && text.contains(value)),
                "{refused}"
            );
        }
        for name in ["read_only", "super_read_only", "innodb_read_only"] {
            let mut settings = good();
            settings.insert(name.to_owned(), "ON".to_owned());
            let refused = judge(&settings).unwrap_err();
            assert!(matches!(&refused, StoreError::Unavailable(text) if text.contains(name)), "{refused}");
        }
        let redo =
            |value: &str| judge_redo(&Settings::from([("innodb_redo_log_enabled".to_owned(), value.to_owned())]));
        assert!(redo("ON").is_ok() && judge_redo(&Settings::new()).is_ok());
        assert!(matches!(redo("OFF"), Err(StoreError::Unsafe(text)) if text.contains("REDO_LOG")));
        let mut without_binlog = good();
        without_binlog.insert("log_bin".to_owned(), "OFF".to_owned());
        without_binlog.insert("sync_binlog".to_owned(), "0".to_owned());
        assert!(judge(&without_binlog).is_ok(), "without a binary log there is nothing to sync");
    }

    #[test]
    fn old_servers_are_refused() {
        for (version, is_good) in [
            ("8.4.3", true),
            ("9.7.0-debian", true),
            ("8.0.40", false),
            ("5.7.44-log", false),
            ("10.11.6-MariaDB-0+deb12u1", true),
            ("11.4.2-MariaDB", true),
            ("10.6.18-MariaDB", false),
            ("", false),
        ] {
            let settings = Settings::from([("version".to_owned(), version.to_owned())]);
            assert_eq!(judge_version(&settings).is_ok(), is_good, "{version}");
        }
    }

    #[test]
    fn a_session_that_something_in_between_has_changed_is_refused() {
        assert!(judge_session(&session()).is_ok());
        let mut mariadb = session();
        let level = mariadb.remove("transaction_isolation").unwrap();
        mariadb.insert("tx_isolation".to_owned(), level);
        assert!(judge_session(&mariadb).is_ok());
        for (name, value) in [
            ("transaction_isolation", "REPEATABLE-READ"),
            ("time_zone", "SYSTEM"),
            ("autocommit", "OFF"),
            ("character_set_client", "latin1"),
            ("sql_mode", "NO_BACKSLASH_ESCAPES"),
            ("sql_mode", "ANSI,ANSI_QUOTES"),
        ] {
            let mut settings = session();
            settings.insert(name.to_owned(), value.to_owned());
            let refused = judge_session(&settings).unwrap_err();
            assert!(matches!(&refused, StoreError::Unsafe(text) if text.contains(name)), "{refused}");
        }
    }
}
