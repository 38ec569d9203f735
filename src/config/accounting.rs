//! The books' configuration.

use std::{fmt, net::SocketAddr, path::PathBuf};

use serde::Deserialize;

use super::{
    ConfigError,
    server::address,
    store::{MysqlConfig, StoreKind},
};

/// The bank's own accounting: whether its books are kept, where, and by which process.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountingConfig {
    /// Whether books are kept.
    pub enabled: bool,
    /// Where the books are.
    pub kind: StoreKind,
    /// The database of the books, for the other kind: `mysql://user@host:port/database`.
    pub url: String,
    /// A file of mode 0600 with its password.
    pub password_file: PathBuf,
    /// Its password, from the environment.
    pub password: String,
    /// A file with the bank's own chart of accounts.
    pub chart_file: PathBuf,
    /// Where `hwan accounting` says how it is.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// As which group `hwan accounting` reads from Kafka.
    pub group: String,
}

impl fmt::Debug for AccountingConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // URL and password may hold secrets: neither is shown.
        f.debug_struct("AccountingConfig")
            .field("enabled", &self.enabled)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl AccountingConfig {
    pub(super) fn check(&self, store: &MysqlConfig) -> Result<(), ConfigError> {
        let wrong = |field, found: &str, advice: &str| {
            Err(ConfigError::Bound { field, found: found.to_owned(), advice: advice.to_owned() })
        };
        if !self.listen.ip().is_loopback() {
            let advice = "listen on 127.0.0.1 or [::1]: it asks nobody who they are";
            return wrong("accounting.listen", &self.listen.to_string(), advice);
        }
        if self.group.is_empty() || self.group.len() > 200 {
            return wrong("accounting.group", "empty or too long", "give a name, such as \"hwan-accounting\"");
        }
        if !self.enabled || self.kind == StoreKind::Embedded {
            return Ok(());
        }
        if self.url.is_empty() {
            let advice = "give mysql://user@host:3306/database: a database of the books' own";
            return wrong("accounting.url", "empty", advice);
        }
        if self.url == store.url {
            let advice = "give the books a database of their own: their tables are not the ledger's";
            return wrong("accounting.url", "the same as store.mysql.url", advice);
        }
        self.mysql(store).check()
    }

    /// The server of the books: as the store's, but for where it is and by which password.
    pub fn mysql(&self, store: &MysqlConfig) -> MysqlConfig {
        MysqlConfig {
            url: self.url.clone(),
            password_file: self.password_file.clone(),
            password: self.password.clone(),
            ..store.clone()
        }
    }
}
