//! The comfortable way: a pool of connections, the token, a deadline on every call.

use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout},
};

use crate::{
    address::ServerAddr,
    answer::{Answer, RawAnswer},
    connection::{Connection, Reply},
    error::{self, ClientError},
    request::{Headers, Method, Request},
};

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

/// A client of one server. Clones share the pool, as do those that [`Client::with_token`] and [`Client::with_header`]
/// give: so many callers of a test need no more connections than one.
#[derive(Clone)]
pub struct Client {
    server: Arc<ServerAddr>,
    headers: Arc<Headers>,
    config: ClientConfig,
    pool: Arc<Pool>,
    admin: Arc<Pool>,
}

/// Connections to one address.
struct Pool {
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of `server`; connects at the first call.
    pub fn new(server: ServerAddr, config: ClientConfig) -> Self {
        let pool = || Arc::new(Pool::of(config.connections_max));
        Self { server: Arc::new(server), headers: Arc::default(), config, pool: pool(), admin: pool() }
    }

    /// Whom it talks to.
    pub fn server(&self) -> &ServerAddr {
        &self.server
    }

    /// The same pool, for another caller.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { server: Arc::new(ServerAddr::clone(&self.server).with_token(token)), ..self.clone() }
    }

    /// The same pool, for a caller without credentials.
    #[must_use]
    pub fn without_token(&self) -> Self {
        Self { server: Arc::new(ServerAddr::clone(&self.server).without_token()), ..self.clone() }
    }

    /// The same pool, with a header on every request that does not set it itself: a request id, a trace.
    #[must_use]
    pub fn with_header(&self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let mut headers = Headers::clone(&self.headers);
        headers.set(name.into(), value.into());
        Self { headers: Arc::new(headers), ..self.clone() }
    }

    /// The same pool, with an `Idempotency-Key` on every request that has none: for a call whose key is optional.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        self.with_header("Idempotency-Key", key)
    }

    /// Sends any request and gives the answer as it came, problems too; an error only where there was no answer.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<RawAnswer, ClientError> {
        let request = Request::new(method, path, body);
        let request = query.iter().fold(request, |request, (name, value)| request.with_query(name, value));
        let request = headers.iter().fold(request, |request, (name, value)| request.with_header(*name, *value));
        self.answer(&request).await
    }

    /// Sends a request that is at hand; as [`Client::call`].
    pub async fn answer(&self, request: &Request) -> Result<RawAnswer, ClientError> {
        self.through(Port::Api, request, |reply| RawAnswer::of(&reply)).await
    }

    /// Sends any request and gives the answer as it came; a status from 400 on is an error.
    pub async fn send(&self, request: &Request) -> Result<Answer<()>, ClientError> {
        self.through(Port::Api, request, judged).await?
    }

    /// The same, to the address for those who run the server.
    pub(crate) async fn send_to_admin(&self, request: &Request) -> Result<Answer<()>, ClientError> {
        self.through(Port::Admin, request, judged).await?
    }

    async fn through<T>(
        &self,
        port: Port,
        request: &Request,
        read: impl FnOnce(Reply<'_>) -> T,
    ) -> Result<T, ClientError> {
        let none = || ClientError::unsent(io::Error::other("no admin address was given: ServerAddr::with_admin"));
        let (server, pool) = match port {
            Port::Api => (&*self.server, &self.pool),
            Port::Admin => (self.server.admin().ok_or_else(none)?, &self.admin),
        };
        let prepared = request.prepare_with(server, &self.headers)?;
        let until = Instant::now() + self.config.deadline;
        let left = || until.saturating_duration_since(Instant::now());
        let permit = pool.permit(left()).await?;
        let mut connection = match pool.idle_connection() {
            Some(connection) => connection,
            None => Connection::open(server, left()).await?,
        };
        let answer = read(connection.call(&prepared, left()).await?);
        pool.give_back(connection);
        drop(permit);
        Ok(answer)
    }

    /// Reads `path` as `T`.
    pub async fn get<T: DeserializeOwned>(&self, path: impl Into<String>) -> Result<Answer<T>, ClientError> {
        self.typed(&Request::get(path)).await
    }

    /// Posts `body` to `path` and reads the answer as `T`.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: impl Into<String>,
        body: &impl Serialize,
        key: Option<&str>,
    ) -> Result<Answer<T>, ClientError> {
        let request = Request::post(path, json(body)?);
        self.typed(&match key {
            Some(key) => request.with_key(key),
            None => request,
        })
        .await
    }

    /// Sends any request and reads the answer as `T`.
    pub async fn typed<T: DeserializeOwned>(&self, request: &Request) -> Result<Answer<T>, ClientError> {
        self.send(request).await?.typed()
    }

    /// Reads `path` as `T` unless it still has `etag`.
    pub(crate) async fn unless<T: DeserializeOwned>(
        &self,
        path: String,
        etag: &str,
    ) -> Result<Option<Answer<T>>, ClientError> {
        match self.send(&Request::get(path).with_header("If-None-Match", etag)).await? {
            answer if answer.status == 304 => Ok(None),
            answer => answer.typed().map(Some),
        }
    }

    pub(crate) fn headers(&self) -> &Headers {
        &self.headers
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.config.deadline
    }
}

/// A body as JSON.
pub(crate) fn json(body: &impl Serialize) -> Result<Vec<u8>, ClientError> {
    serde_json::to_vec(body).map_err(|error| ClientError::unsent(error.into()))
}

/// Which of the server's addresses.
#[derive(Clone, Copy)]
enum Port {
    Api,
    Admin,
}

/// An answer below 400, or the problem.
fn judged(reply: Reply<'_>) -> Result<Answer<()>, ClientError> {
    if reply.status < 400 {
        Ok(Answer::of(&reply))
    } else {
        Err(error::problem(reply.status, reply.retry_after_s, reply.body))
    }
}

impl Pool {
    fn of(connections_max: usize) -> Self {
        Self { permits: Semaphore::new(connections_max.max(1)), idle: Mutex::new(Vec::new()) }
    }

    async fn permit(&self, within: Duration) -> Result<SemaphorePermit<'_>, ClientError> {
        let timed_out = || ClientError::unsent(io::ErrorKind::TimedOut.into());
        timeout(within, self.permits.acquire())
            .await
            .map_err(|_| timed_out())?
            .map_err(|closed| ClientError::unsent(io::Error::other(closed)))
    }

    /// A connection that is still good; those that the server closed meanwhile are dropped.
    fn idle_connection(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find_map(|mut connection| connection.is_quiet().then_some(connection))
    }

    fn give_back(&self, connection: Connection) {
        if connection.is_open() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection); // ≤ connections_max
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_never_printed() {
        let server = ServerAddr::loopback("http://127.0.0.1:8080").unwrap().with_token("secret\n");
        let client = Client::new(server, ClientConfig::default());
        assert!(!format!("{client:?} {:?}", client.with_token("secret")).contains("secret"));
    }
}
