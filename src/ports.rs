//! The two ports: the API's and the admin's. Wired by `startup` alone.
//!
//! The API's speaks TLS if the configuration has a certificate. The admin's does so beyond loopback; on loopback, where
//! probes and scrapers of the same machine ask, it is plain and asks nobody who they are.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{HttpServer, dev::ServerHandle, rt, web::Data};
use rustls::ServerConfig as TlsServerConfig;
use tokio::task::JoinHandle;

use crate::{
    api::{
        admin::{self, Exposure},
        context::Context,
        router,
    },
    config::server::ServerConfig,
    tls::ClientCertificate,
};

/// Connections of the admin port at once: probes and scrapers.
const ADMIN_CONNECTIONS_MAX: usize = 256;

/// A port that is listened on.
#[derive(Debug)]
pub(crate) struct Port {
    /// Where.
    pub(crate) address: SocketAddr,
    /// What it speaks.
    pub(crate) scheme: &'static str,
    /// By which it is stopped.
    pub(crate) server: ServerHandle,
    /// Ends with it.
    pub(crate) serving: JoinHandle<io::Result<()>>,
}

/// Listens for the API.
pub(crate) fn listen(config: &ServerConfig, tls: Option<&TlsServerConfig>, context: Data<Context>) -> io::Result<Port> {
    let server = HttpServer::new(move || router::app(context.clone()))
        .workers(config.workers)
        .max_connections(config.connections_max.div_ceil(config.workers))
        .backlog(config.backlog)
        .keep_alive(Duration::from_secs(config.keep_alive_seconds))
        .tcp_nodelay(true)
        .client_request_timeout(Duration::from_millis(config.head_timeout_ms))
        .shutdown_timeout(config.drain_seconds_max)
        .on_connect(ClientCertificate::keep)
        .disable_signals();
    let (server, scheme) = match tls {
        Some(tls) => (server.bind_rustls_0_23(config.listen, tls.clone())?, "https"),
        None => (server.bind(config.listen)?, "http"),
    };
    let address = server.addrs().first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let server = server.run();
    Ok(Port { address, scheme, server: server.handle(), serving: rt::spawn(server) })
}

/// Listens for those who run hwan.
pub(crate) fn listen_for_admin(
    listen: SocketAddr,
    config: &ServerConfig,
    tls: Option<&TlsServerConfig>,
    context: Data<Context>,
) -> io::Result<Port> {
    let exposure = if listen.ip().is_loopback() { Exposure::Loopback } else { Exposure::Network };
    let context = Arc::clone(&context);
    let server = HttpServer::new(move || admin::app(Data::from(Arc::clone(&context)), exposure))
        .workers(1)
        .max_connections(ADMIN_CONNECTIONS_MAX)
        .keep_alive(Duration::from_secs(config.keep_alive_seconds))
        .tcp_nodelay(true)
        .client_request_timeout(Duration::from_millis(config.head_timeout_ms))
        .shutdown_timeout(1)
        .on_connect(ClientCertificate::keep)
        .disable_signals();
    let (server, scheme) = match (exposure, tls) {
        (Exposure::Loopback, _) => (server.bind(listen)?, "http"),
        (Exposure::Network, Some(tls)) => (server.bind_rustls_0_23(listen, tls.clone())?, "https"),
        // The configuration is refused before it comes to this.
        (Exposure::Network, None) => return Err(io::Error::other("beyond loopback hwan speaks TLS only")),
    };
    let address = server.addrs().first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let server = server.run();
    Ok(Port { address, scheme, server: server.handle(), serving: rt::spawn(server) })
}
