//! The HTTP server's configuration.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Deserializer, de};

use super::{ConfigError, number::within, tls::TlsConfig};

/// How the API listens, and what one client may take of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port; beyond loopback only with TLS. Port 0 takes a free one.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// Further names by which clients may call this server: what the header `Host` may say.
    pub hosts: Vec<String>,
    /// TLS, of this port and of an admin port beyond loopback.
    pub tls: TlsConfig,
    /// Threads that read requests and write answers.
    pub workers: usize,
    /// Open connections at once, over all workers; further ones wait in the backlog.
    pub connections_max: usize,
    /// Connections that the operating system holds before they are accepted.
    pub backlog: u32,
    /// How long an idle connection stays open, in seconds.
    pub keep_alive_seconds: u64,
    /// How long a request's head may take, in milliseconds; then 408.
    pub head_timeout_ms: u64,
    /// How long a request's body may take, in milliseconds; then 408.
    pub body_timeout_ms: u64,
    /// The largest body, in bytes; beyond it 413.
    pub body_bytes_max: usize,
    /// How long a stop may take, in seconds; then exit 1.
    pub drain_seconds_max: u64,
}

impl ServerConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.tls.check()?;
        self.needs_tls_beyond_loopback("server.listen", self.listen)?;
        if let Some(host) = self.hosts.iter().find(|host| !is_host(host)) {
            return Err(ConfigError::Bound {
                field: "server.hosts",
                found: format!("{host:?}"),
                advice: "write names without scheme and port, such as \"fx.bank.example\"".to_owned(),
            });
        }
        within("server.workers", self.workers, 1..=64)?;
        within("server.connections_max", self.connections_max, 1..=1_000_000)?;
        within("server.backlog", self.backlog, 1..=65_535)?;
        within("server.keep_alive_seconds", self.keep_alive_seconds, 1..=3_600)?;
        within("server.head_timeout_ms", self.head_timeout_ms, 10..=60_000)?;
        within("server.body_timeout_ms", self.body_timeout_ms, 10..=60_000)?;
        within("server.body_bytes_max", self.body_bytes_max, 1_024..=16_777_216)?;
        within("server.drain_seconds_max", self.drain_seconds_max, 1..=600)
    }

    /// Credentials and customers' data do not travel in the clear.
    pub(super) fn needs_tls_beyond_loopback(&self, field: &'static str, listen: SocketAddr) -> Result<(), ConfigError> {
        if listen.ip().is_loopback() || self.tls.files().is_some() {
            return Ok(());
        }
        Err(ConfigError::Bound {
            field,
            found: listen.to_string(),
            advice:
                "beyond loopback hwan speaks TLS only: set server.tls.certificate and server.tls.key, or listen on \
                     127.0.0.1 or [::1] behind a TLS proxy"
                    .to_owned(),
        })
    }

    /// How long a request's body may take.
    pub const fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }

    /// How long a stop may take.
    pub const fn drain_max(&self) -> Duration {
        Duration::from_secs(self.drain_seconds_max)
    }
}

fn is_host(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
        || (1..=253).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        de::Error::invalid_value(de::Unexpected::Str(&text), &"an address and a port, such as 127.0.0.1:8080")
    })
}
