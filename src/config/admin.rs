//! The admin port's configuration.

use std::net::SocketAddr;

use serde::Deserialize;

use super::server::address;

/// Where those who run hwan ask.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminConfig {
    /// Address and port; beyond loopback only with TLS, and then with credentials. Port 0 takes a free one.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
}
