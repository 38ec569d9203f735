//! The server, its callers by name, and one request with its answer.

use std::{collections::BTreeMap, time::Duration};

use hwan_client::{Client, ClientConfig, Method, RawAnswer, ServerAddr};
use serde_json::Value;

/// Connections at once: what a parallel of any size goes over. Below what hwan lets one customer have in flight.
pub(crate) const CONNECTIONS_MAX: usize = 256;
/// How long one request may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// How often a request is sent again that the server was too busy for.
const BUSY_RETRIES_MAX: u32 = 60;
/// The longest that is waited before that, whatever the server asks for.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(2);
/// What says that nothing happened and that the same request may come again: not an answer to a scenario's step.
const BUSY: [&str; 6] =
    ["rate_limited", "in_flight", "in_flight_of_customer", "projection_lag", "deadline_passed", "commit_failed"];
/// The caller without credentials.
pub(crate) const NOBODY: &str = "nobody";

/// A request as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) key: Option<String>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Outgoing {
    /// Reads a path.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::Get, path: path.into(), query: Vec::new(), headers: Vec::new(), key: None, body: None }
    }

    /// Posts JSON.
    pub(crate) fn post(path: impl Into<String>, body: &Value) -> Self {
        Self { method: Method::Post, body: Some(body.to_string().into_bytes()), ..Self::get(path) }
    }
}

/// A request and its answer, as a report shows them.
#[derive(Clone, Debug)]
pub(crate) struct Exchanged {
    pub(crate) outgoing: Outgoing,
    pub(crate) status: u16,
    pub(crate) answer: RawAnswer,
    /// The body, where it is JSON.
    pub(crate) body: Option<Value>,
}

impl Exchanged {
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.answer.header("x-request-id").or_else(|| self.body.as_ref()?.get("request_id")?.as_str())
    }

    /// What became of it, in one word: `completed`, or the problem's code.
    pub(crate) fn outcome(&self) -> String {
        if self.status < 400 {
            return "completed".to_owned();
        }
        let code = self.body.as_ref().and_then(|body| body.get("code")).and_then(Value::as_str);
        code.map_or_else(|| format!("status_{}", self.status), str::to_owned)
    }

    fn is_busy(&self) -> bool {
        self.status >= 400 && BUSY.contains(&self.outcome().as_str())
    }

    fn retry_after(&self) -> Duration {
        let seconds = self.answer.header("retry-after").and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
        Duration::from_secs(seconds).min(BUSY_WAIT_MAX)
    }
}

/// The server and who may call it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    default: Client,
    named: BTreeMap<String, Client>,
    admin: Option<Client>,
}

impl Target {
    /// `server` carries the default token; `tokens` are the others by name.
    pub(crate) fn new(server: ServerAddr, tokens: &BTreeMap<String, String>, admin: Option<ServerAddr>) -> Self {
        let config = ClientConfig { connections_max: CONNECTIONS_MAX, deadline: DEADLINE };
        let default = Client::new(server, config);
        let mut named: BTreeMap<String, Client> =
            tokens.iter().map(|(name, token)| (name.clone(), default.with_token(token))).collect();
        named.insert(NOBODY.to_owned(), default.without_token());
        Self { default, named, admin: admin.map(|admin| Client::new(admin, config)) }
    }

    /// Whether there is a token of this name.
    pub(crate) fn knows(&self, caller: &str) -> bool {
        self.named.contains_key(caller)
    }

    /// All callers' names; `None` is the default one.
    pub(crate) fn callers(&self) -> impl Iterator<Item = Option<&str>> {
        let named = self.named.keys().map(String::as_str).filter(|name| *name != NOBODY);
        named.map(Some).chain([None])
    }

    /// Whether the clock can be moved.
    pub(crate) const fn has_admin(&self) -> bool {
        self.admin.is_some()
    }

    /// Sends a request of a caller; again, with the same key, while the server is too busy for it. A code of these that
    /// is `awaited` is an answer like any other.
    pub(crate) async fn send(
        &self,
        caller: Option<&str>,
        outgoing: Outgoing,
        awaited: Option<&str>,
    ) -> Result<Exchanged, String> {
        let client = match caller {
            None => &self.default,
            Some(name) => self.named.get(name).ok_or_else(|| format!("there is no token `{name}`"))?,
        };
        let mut retries = 0;
        loop {
            let exchanged = exchange(client, outgoing.clone()).await?;
            if !exchanged.is_busy() || awaited == Some(exchanged.outcome().as_str()) || retries >= BUSY_RETRIES_MAX {
                return Ok(exchanged);
            }
            retries += 1;
            tokio::time::sleep(exchanged.retry_after()).await;
        }
    }

    /// Sends a request to the admin port.
    pub(crate) async fn send_to_admin(&self, outgoing: Outgoing) -> Result<Exchanged, String> {
        let admin = self.admin.as_ref().ok_or("the clock needs --admin URL")?;
        exchange(admin, outgoing).await
    }
}

async fn exchange(client: &Client, outgoing: Outgoing) -> Result<Exchanged, String> {
    let query: Vec<(&str, &str)> = outgoing.query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let key = outgoing.key.iter().map(|key| ("Idempotency-Key", key.as_str()));
    let own = outgoing.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let headers: Vec<(&str, &str)> = key.chain(own).collect();
    let answer = client.call(outgoing.method, &outgoing.path, &query, &headers, outgoing.body.clone()).await;
    let answer = answer.map_err(|error| format!("{} {}: {error}", outgoing.method.as_str(), outgoing.path))?;
    let body = serde_json::from_slice(&answer.body).ok();
    Ok(Exchanged { status: answer.status, body, answer, outgoing })
}
