//! What can be set about the store on MySQL.

use std::{fmt, path::PathBuf, time::Duration};

/// How far the connection to the server is trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// Plain text. On loopback only.
    Disabled,
    /// Encrypted where the server can.
    #[default]
    Preferred,
    /// Encrypted or not at all.
    Required,
    /// Encrypted, and the server's certificate leads to the given root.
    VerifyCa,
    /// The same, and the certificate is of the host that was asked for.
    VerifyIdentity,
}

/// TLS to the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// How far the connection is trusted.
    pub mode: TlsMode,
    /// A PEM file: the root that the server's certificate leads to.
    pub ca: Option<PathBuf>,
    /// PEM files: the certificate by which hwan names itself, and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Settings of the store on MySQL.
#[derive(Clone, PartialEq, Eq)]
pub struct MysqlOptions {
    /// `mysql://user@host:port/database`, with or without a password.
    pub url: String,
    /// The password, where the URL has none.
    pub password: Option<String>,
    /// TLS.
    pub tls: Tls,
    /// Connections that commit; lanes are dealt out over them.
    pub commit_connections: usize,
    /// Connections that read, at most. Reads beyond them wait.
    pub readers: u32,
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
    /// How long a commit, or any other transaction of a lane, may take from its first statement to its answer.
    pub commit_timeout: Duration,
    /// How long a read may take, the wait for a connection included.
    pub read_timeout: Duration,
    /// How long a lane stays its owner's after the last sign of life.
    pub lease: Duration,
}

impl MysqlOptions {
    /// The defaults, for a server at this URL.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            password: None,
            tls: Tls::default(),
            commit_connections: 1,
            readers: 8,
            connect_timeout: Duration::from_secs(3),
            commit_timeout: Duration::from_secs(4),
            read_timeout: Duration::from_secs(10),
            lease: Duration::from_secs(5),
        }
    }
}

impl fmt::Debug for MysqlOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // URL and password may hold secrets: neither is shown.
        f.debug_struct("MysqlOptions")
            .field("tls", &self.tls)
            .field("commit_connections", &self.commit_connections)
            .field("readers", &self.readers)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}
