//! The store's configuration.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::{ConfigError, number::within};
use crate::{
    secret_file,
    storage::mysql::{MysqlOptions, Tls, TlsMode},
};

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// SQLite in the data directory.
    Embedded,
    /// A server of MySQL or MariaDB.
    Mysql,
}

/// Where everything lies that outlives the program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// Which store.
    pub kind: StoreKind,
    /// The directory of the embedded store, the token and the quote keys; created with mode 0700 if it is missing.
    pub directory: PathBuf,
    /// The server, for the other kind.
    pub mysql: MysqlConfig,
}

/// How far the connection to the server is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsTrust {
    /// Plain text.
    Disabled,
    /// Encrypted where the server can.
    Preferred,
    /// Encrypted.
    Required,
    /// Encrypted, and the server's certificate leads to `ca`.
    VerifyCa,
    /// The same, and it is of the host that was asked for.
    VerifyIdentity,
}

/// A server of MySQL or MariaDB.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MysqlConfig {
    /// `mysql://user@host:port/database`.
    pub url: String,
    /// A file of mode 0600 with the password.
    pub password_file: PathBuf,
    /// The password, from the environment.
    pub password: String,
    /// How far the connection is trusted.
    pub tls: TlsTrust,
    /// A PEM file: the root that the server's certificate leads to.
    pub ca: PathBuf,
    /// A PEM file: hwan's own certificate.
    pub certificate: PathBuf,
    /// A PEM file: its key.
    pub key: PathBuf,
    /// Connections that commit.
    pub commit_connections: u32,
    /// Connections that read, at most.
    pub readers_max: u32,
    /// In milliseconds.
    pub connect_timeout_ms: u32,
    /// In milliseconds.
    pub commit_timeout_ms: u32,
    /// In milliseconds.
    pub read_timeout_ms: u32,
    /// In milliseconds.
    pub lease_ms: u32,
}

impl fmt::Debug for MysqlConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // URL and password may hold secrets: neither is shown.
        f.debug_struct("MysqlConfig").field("tls", &self.tls).field("lease_ms", &self.lease_ms).finish_non_exhaustive()
    }
}

fn wrong(field: &'static str, found: &str, advice: &str) -> ConfigError {
    ConfigError::Bound { field, found: found.to_owned(), advice: advice.to_owned() }
}

fn path(path: &Path) -> Option<PathBuf> {
    Some(path.to_owned()).filter(|path| !path.as_os_str().is_empty())
}

impl StoreConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.directory.as_os_str().is_empty() {
            return Err(wrong("store.directory", "empty", "name a directory, such as \"data\""));
        }
        match self.kind {
            StoreKind::Embedded => Ok(()),
            StoreKind::Mysql => self.mysql.check(),
        }
    }
}

impl MysqlConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Some(place) = self.url.strip_prefix("mysql://").filter(|place| !place.is_empty()) else {
            let found = if self.url.is_empty() { "empty" } else { "something else" };
            return Err(wrong("store.mysql.url", found, "give mysql://user@host:3306/database"));
        };
        // Behind the user and password, which may hold anything but a slash.
        let authority = place.split(['/', '?']).next().unwrap_or(place);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let name = host.split(['/', '?']).next().unwrap_or(host);
        let name = match name.strip_prefix('[') {
            Some(address) => address.split(']').next().unwrap_or(address),
            None => name.split(':').next().unwrap_or(name),
        };
        let is_near =
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if !is_near && !matches!(self.tls, TlsTrust::VerifyCa | TlsTrust::VerifyIdentity) {
            let advice = "the server is beyond loopback: use \"verify_identity\" or \"verify_ca\", with store.mysql.ca";
            return Err(wrong("store.mysql.tls", &format!("{:?}", self.tls).to_lowercase(), advice));
        }
        if path(&self.certificate).is_some() != path(&self.key).is_some() {
            return Err(wrong("store.mysql.certificate", "without key, or the key without it", "give both or neither"));
        }
        if path(&self.password_file).is_some() && !self.password.is_empty() {
            return Err(wrong("store.mysql.password", "given beside password_file", "give one of the two"));
        }
        within("store.mysql.commit_connections", self.commit_connections, 1..=64)?;
        within("store.mysql.readers_max", self.readers_max, 1..=512)?;
        within("store.mysql.connect_timeout_ms", self.connect_timeout_ms, 100..=60_000)?;
        within("store.mysql.commit_timeout_ms", self.commit_timeout_ms, 100..=60_000)?;
        within("store.mysql.read_timeout_ms", self.read_timeout_ms, 100..=60_000)?;
        within("store.mysql.lease_ms", self.lease_ms, 500..=60_000)
    }

    /// As the store takes them; reads the file of the password.
    pub fn options(&self) -> Result<MysqlOptions, ConfigError> {
        let password = match path(&self.password_file) {
            None => Some(self.password.clone()).filter(|password| !password.is_empty()),
            Some(path) => {
                let field = "store.mysql.password_file";
                let text = secret_file::read(&path)
                    .map_err(|error| wrong(field, "not usable", &error.to_string()))?
                    .ok_or_else(|| {
                        wrong(field, &path.display().to_string(), "the file is not there: create it with mode 0600")
                    })?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
        };
        let millis = |millis: u32| Duration::from_millis(millis.into());
        Ok(MysqlOptions {
            url: self.url.clone(),
            password,
            tls: Tls {
                mode: match self.tls {
                    TlsTrust::Disabled => TlsMode::Disabled,
                    TlsTrust::Preferred => TlsMode::Preferred,
                    TlsTrust::Required => TlsMode::Required,
                    TlsTrust::VerifyCa => TlsMode::VerifyCa,
                    TlsTrust::VerifyIdentity => TlsMode::VerifyIdentity,
                },
                ca: path(&self.ca),
                identity: path(&self.certificate).zip(path(&self.key)),
            },
            commit_connections: usize::try_from(self.commit_connections).unwrap_or(1),
            readers: self.readers_max,
            connect_timeout: millis(self.connect_timeout_ms),
            commit_timeout: millis(self.commit_timeout_ms),
            read_timeout: millis(self.read_timeout_ms),
            lease: millis(self.lease_ms),
        })
    }
}
