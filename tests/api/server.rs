//! Starts the real server, and speaks HTTP to it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use http_body_util::{BodyExt, Full};
use hwan::{
    clock::ManualClock,
    config::{Config, Overrides},
    demonstration::DemonstrationCustomer,
    shutdown, startup,
};
use hwan_domain::time::Timestamp;
use hyper::{HeaderMap, Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpStream, sync::oneshot};

use super::contract::{Contract, contract};

/// Monday, 10:00 in Seoul.
pub const NOW: &str = "2026-11-23T01:00:00.000000Z";

/// A server that runs until it is stopped.
pub struct Server {
    pub address: SocketAddr,
    pub admin_address: SocketAddr,
    pub token: String,
    pub clock: Arc<ManualClock>,
    pub demonstration: Option<DemonstrationCustomer>,
    directory: Arc<TempDir>,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    keys: AtomicU64,
    contract: Option<&'static Contract>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and code of a problem, having checked its shape.
    pub fn problem(&self) -> (u16, String) {
        let body = self.json();
        let code = body["code"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned();
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(body["type"], format!("urn:hwan:problem:{code}"));
        assert_eq!(body["status"], self.status);
        assert!(body["title"].is_string() && body["detail"].is_string() && body["retryable"].is_boolean(), "{body}");
        assert_eq!(body["violations"][0]["code"], code);
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"));
        (self.status, code)
    }

    /// The body of an answer with this status.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self.json()
    }
}

/// A customer with a won and a foreign account.
pub struct Customer {
    pub id: String,
    pub won: String,
    pub foreign: String,
}

impl Server {
    /// On a fresh data directory, without demonstration.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same, with a change to the configuration.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let at = Timestamp::parse_rfc3339(NOW).unwrap();
        Self::start_on(Arc::new(tempfile::tempdir().unwrap()), Arc::new(ManualClock::at(at)), change).await
    }

    /// Stops in order, and starts again on the same data.
    pub async fn restart(mut self, change: impl FnOnce(&mut Config)) -> Self {
        self.stop();
        Self::start_on(Arc::clone(&self.directory), Arc::clone(&self.clock), change).await
    }

    async fn start_on(directory: Arc<TempDir>, clock: Arc<ManualClock>, change: impl FnOnce(&mut Config)) -> Self {
        let overrides = Overrides {
            listen: Some("127.0.0.1:0".parse().unwrap()),
            admin_listen: Some("127.0.0.1:0".parse().unwrap()),
            directory: Some(directory.path().join("data")),
            ..Overrides::default()
        };
        let mut config = Config::load(&overrides).unwrap();
        config.rates.demonstration = false;
        change(&mut config);
        let (started, starting) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let its_clock = Arc::clone(&clock);
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let running = startup::start(&config, its_clock).await.unwrap();
                started
                    .send((
                        running.address,
                        running.admin_address,
                        running.token_path.clone().unwrap(),
                        running.demonstration,
                    ))
                    .unwrap();
                // An error means that the test has ended: stop all the same.
                let _ended = stopped.await;
                shutdown::stop(running, &mut shutdown::Step::Engine).await;
            });
        });
        let (address, admin_address, token_path, demonstration) = starting.await.expect("the server did not start");
        let token = std::fs::read_to_string(token_path).unwrap();
        let running = Some((stop, thread));
        let keys = AtomicU64::new(1);
        let mut server =
            Self { address, admin_address, token, clock, demonstration, directory, running, keys, contract: None };
        let document = server.get("/v1/openapi.json").await;
        assert_eq!(document.status, 200);
        server.contract = Some(contract(&document.bytes));
        server
    }

    /// Stops in order.
    pub fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            let _already_ended = stop.send(());
            thread.join().unwrap();
        }
    }

    pub fn data(&self) -> PathBuf {
        Path::new(self.directory.path()).join("data")
    }

    /// A key that no other request of this test has.
    pub fn key(&self) -> String {
        format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed))
    }

    /// What this build promises.
    pub fn contract(&self) -> &'static Contract {
        self.contract.expect("set at start")
    }

    /// Sends a request exactly as it is, on a connection of its own. The answer has to be one that the document promises.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let (method, path) = (request.method().to_string(), request.uri().to_string());
        let answer = self.send_to(self.address, request).await;
        if let Some(contract) = self.contract.filter(|_| method != "HEAD") {
            contract.judge(&method, &path, answer.status, &answer.headers, &answer.bytes);
        }
        answer
    }

    /// Sends a request to one of the two ports, whatever is answered.
    pub async fn send_to(&self, address: SocketAddr, request: Request<Full<Bytes>>) -> Answer {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.unwrap();
        let (head, body) = answer.into_parts();
        Answer { status: head.status.as_u16(), headers: head.headers, bytes: body.collect().await.unwrap().to_bytes() }
    }

    /// A request with the token.
    pub fn request(&self, method: &str, path: &str) -> hyper::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string())
            .header("authorization", format!("Bearer {}", self.token))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path).body(Full::default()).unwrap()).await
    }

    /// Posts JSON without a key.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.request("POST", path).header("content-type", "application/json");
        self.send(request.body(Full::from(body.to_string())).unwrap()).await
    }

    /// Posts JSON with a key.
    pub async fn post_with(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request =
            self.request("POST", path).header("content-type", "application/json").header("idempotency-key", key);
        self.send(request.body(Full::from(body.to_string())).unwrap()).await
    }

    /// Posts a text as JSON with a fresh key.
    pub async fn post_text(&self, path: &str, text: impl Into<Bytes>) -> Answer {
        let request =
            self.request("POST", path).header("content-type", "application/json").header("idempotency-key", self.key());
        self.send(request.body(Full::from(text.into())).unwrap()).await
    }

    /// Publishes a round that is valid for an hour.
    pub async fn publish(&self, currency: &str, mid: &str) -> Value {
        let valid_until = "2026-11-23T02:00:00Z";
        let body = json!({ "currency": currency, "mid": mid, "valid_until": valid_until });
        self.post("/v1/rounds", &body).await.expect(201)
    }

    /// A customer whose accounts hold this.
    pub async fn customer(&self, holdings: &[(&str, &str)]) -> Customer {
        let id = text(&self.post("/v1/customers", &json!({})).await.expect(201)["id"]);
        let mut accounts = Vec::new();
        for kind in ["won", "foreign"] {
            let body = json!({ "customer_id": id, "kind": kind });
            accounts.push(text(&self.post("/v1/accounts", &body).await.expect(201)["id"]));
        }
        let customer = Customer { id, won: accounts[0].clone(), foreign: accounts[1].clone() };
        for (currency, amount) in holdings {
            let account = if *currency == "KRW" { &customer.won } else { &customer.foreign };
            let body = json!({ "account_id": account, "amount": { "amount": amount, "currency": currency } });
            self.post_with("/v1/deposits", &self.key(), &body).await.expect(201);
        }
        customer
    }

    /// What an account holds of a currency, as text; "-" for a currency it never had.
    pub async fn booked(&self, account: &str, currency: &str) -> String {
        let body = self.get(&format!("/v1/accounts/{account}/balances")).await.expect(200);
        let balances = body["balances"].as_array().unwrap();
        let balance = balances.iter().find(|balance| balance["currency"] == currency);
        balance.map_or("-".to_owned(), |balance| text(&balance["booked"]["amount"]))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

/// A JSON text's content.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// A buy or sell of a foreign amount.
pub fn order(customer: &Customer, side: &str, amount: &str, currency: &str) -> Value {
    json!({
        "customer_id": customer.id,
        "side": side,
        "currency": currency,
        "foreign_amount": { "amount": amount, "currency": currency },
    })
}
