//! The comfortable way: a pool of connections, the token, a deadline on every call.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    connection::Connection,
    error::{self, ClientError},
    request::Request,
};

/// Why a URL is not one that the client takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerAddrError {
    /// Not `http://host:port`.
    #[error("url must be of the form http://127.0.0.1:8080, found {0:?}")]
    Form(String),
    /// A host that is not this machine.
    #[error("host {0} is not a loopback address: hwan's token must not travel in the clear")]
    NotLoopback(String),
}

/// Where a server listens, and the token that it expects.
#[derive(Clone)]
pub struct ServerAddr {
    addr: SocketAddr,
    host: String,
    token: Option<String>,
    admin: Option<Box<ServerAddr>>,
}

impl ServerAddr {
    /// From a URL as the server's banner prints it; only loopback, since there is no TLS.
    pub fn loopback(url: &str) -> Result<Self, ServerAddrError> {
        let form = || ServerAddrError::Form(url.to_owned());
        let authority = url.strip_prefix("http://").ok_or_else(form)?.trim_end_matches('/');
        let (host, port) = authority.rsplit_once(':').ok_or_else(form)?;
        let port = port.parse::<u16>().map_err(|_| form())?;
        let ip = if host == "localhost" {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        } else {
            host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().map_err(|_| form())?
        };
        if !ip.is_loopback() {
            return Err(ServerAddrError::NotLoopback(host.to_owned()));
        }
        Ok(Self { addr: SocketAddr::new(ip, port), host: authority.to_owned(), token: None, admin: None })
    }

    /// With the token for `/v1`; surrounding white space, as of a file's end, is dropped.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.trim().to_owned());
        self
    }

    /// With the address for those who run the server: health, version, metrics, the clock of a test. Plain http on
    /// loopback; no token is sent there.
    pub fn with_admin(mut self, url: &str) -> Result<Self, ServerAddrError> {
        self.admin = Some(Box::new(Self::loopback(url)?));
        Ok(self)
    }

    /// Where to connect.
    pub fn socket_addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn admin(&self) -> Option<&ServerAddr> {
        self.admin.as_deref()
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

impl fmt::Debug for ServerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerAddr({})", self.addr) // never the token
    }
}

/// The bounds of a [`Client`].
#[derive(Clone, Copy, Debug)]
pub struct ClientConfig {
    /// Connections at once; further calls wait for one, within their deadline.
    pub connections_max: usize,
    /// How long a call may take, waiting for a connection included.
    pub deadline: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self { connections_max: 16, deadline: Duration::from_secs(10) }
    }
}

/// An answer: typed, and as it came.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// What it says.
    pub value: T,
    /// The status, below 400.
    pub status: u16,
    /// Whether it repeats the answer to an earlier request with the same key.
    pub replayed: bool,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// A client of one server. Clones share the pool.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    server: ServerAddr,
    config: ClientConfig,
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.shared.server).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of `server`; connects at the first call.
    pub fn new(server: ServerAddr, config: ClientConfig) -> Self {
        let permits = Semaphore::new(config.connections_max.max(1));
        Self { shared: Arc::new(Shared { server, config, permits, idle: Mutex::new(Vec::new()) }) }
    }

    /// Whom it talks to.
    pub fn server(&self) -> &ServerAddr {
        &self.shared.server
    }

    /// Sends any request and gives the answer as it came; a status from 400 on is an error.
    pub async fn send(&self, request: &Request) -> Result<Answer<()>, ClientError> {
        let deadline = self.shared.config.deadline;
        let prepared = request.prepare(&self.shared.server)?;
        let started = tokio::time::Instant::now();
        let timed_out = || ClientError::unsent(std::io::ErrorKind::TimedOut.into());
        let permit = timeout(deadline, self.shared.permits.acquire()).await.map_err(|_| timed_out())?;
        let mut connection = match self.idle_connection() {
            Some(connection) => connection,
            None => Connection::open(&self.shared.server, deadline.saturating_sub(started.elapsed())).await?,
        };
        let reply = connection.call(&prepared, deadline.saturating_sub(started.elapsed())).await?;
        let answer = if reply.status < 400 {
            Ok(Answer { value: (), status: reply.status, replayed: reply.replayed, body: reply.body.to_vec() })
        } else {
            Err(error::problem(reply.status, reply.retry_after_s, reply.body))
        };
        if connection.is_open() {
            self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection); // ≤ connections_max
        }
        drop(permit);
        answer
    }

    /// Sends a request to the admin address, on a connection of its own; without such an address to the server itself.
    pub(crate) async fn send_to_admin(&self, request: &Request) -> Result<Answer<()>, ClientError> {
        let Some(server) = self.shared.server.admin() else { return self.send(request).await };
        let deadline = self.shared.config.deadline;
        let prepared = request.prepare(server)?;
        let started = tokio::time::Instant::now();
        let mut connection = Connection::open(server, deadline).await?;
        let reply = connection.call(&prepared, deadline.saturating_sub(started.elapsed())).await?;
        if reply.status >= 400 {
            return Err(error::problem(reply.status, reply.retry_after_s, reply.body));
        }
        Ok(Answer { value: (), status: reply.status, replayed: reply.replayed, body: reply.body.to_vec() })
    }

    /// Reads `path` as `T`.
    pub async fn get<T: DeserializeOwned>(&self, path: impl Into<String>) -> Result<Answer<T>, ClientError> {
        typed(self.send(&Request::get(path)).await?)
    }

    /// Posts `body` to `path` and reads the answer as `T`.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: impl Into<String>,
        body: &impl Serialize,
        key: Option<&str>,
    ) -> Result<Answer<T>, ClientError> {
        let body = serde_json::to_vec(body).map_err(|error| ClientError::unsent(error.into()))?;
        let request = Request::post(path, body);
        typed(
            self.send(&match key {
                Some(key) => request.with_key(key),
                None => request,
            })
            .await?,
        )
    }

    /// A connection that is still good; those that the server closed meanwhile are dropped.
    fn idle_connection(&self) -> Option<Connection> {
        let mut idle = self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find(Connection::is_quiet)
    }
}

pub(crate) fn typed<T: DeserializeOwned>(answer: Answer<()>) -> Result<Answer<T>, ClientError> {
    let value = serde_json::from_slice(&answer.body).map_err(|error| {
        ClientError::protocol(format!("status {} with a body of another form: {error}", answer.status))
    })?;
    Ok(Answer { value, status: answer.status, replayed: answer.replayed, body: answer.body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_urls_are_taken() {
        for url in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://localhost:1", "http://[::1]:80"] {
            assert!(ServerAddr::loopback(url).is_ok(), "{url}");
        }
        assert_eq!(
            ServerAddr::loopback("http://10.0.0.1:80").unwrap_err(),
            ServerAddrError::NotLoopback("10.0.0.1".into())
        );
        for url in
            ["https://127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1", "http://bank.example:80", "http://127.0.0.1:x"]
        {
            assert!(matches!(ServerAddr::loopback(url), Err(ServerAddrError::Form(_))), "{url}");
        }
    }

    #[test]
    fn the_token_is_never_printed() {
        let server = ServerAddr::loopback("http://127.0.0.1:8080").unwrap().with_token("secret\n");
        let client = Client::new(server.clone(), ClientConfig::default());
        assert!(!format!("{server:?} {client:?}").contains("secret"));
    }
}
