//! Every operation, by every role, on what is the caller's own, another's, and nobody's: made of the operations that the
//! router serves, so that a new one is in it.

use std::collections::BTreeMap;

use http_body_util::Full;
use hwan::{
    access::{
        key_file::{KeyFile, NewKey},
        role::{Role, Roles},
    },
    api::{
        operation::{KeyRule, Operation, Verb},
        router,
    },
};
use hwan_domain::time::Timestamp;
use hyper::Request;
use serde_json::{Value, json};

use super::server::{Answer, Customer, NOW, Server, order, text};

/// The other channel, whose customers are foreign to everybody who sees only his own.
const RIVAL: &str = "rival";

/// A bank with a caller for each role, and another channel.
struct Bank {
    server: Server,
    keys: BTreeMap<String, String>,
    requests: std::cell::Cell<u32>,
    /// A deal of the bank's own.
    cover: String,
}

/// What belongs to one customer.
struct Belongings {
    customer: Customer,
    /// The won account of another customer of the same channel.
    partner: String,
    exchange: String,
    reversal: String,
    transaction: String,
    quote: String,
    key: String,
}

/// Whose thing an operation is tried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Own,
    Foreign,
    Absent,
}

impl Bank {
    async fn open() -> Self {
        let server = Server::start().await;
        let file = KeyFile::of(&server.data());
        let now = Timestamp::parse_rfc3339(NOW).unwrap();
        let mut keys = BTreeMap::new();
        let callers = Role::ALL.map(|role| (role.as_str(), Roles::of(&[role])));
        for (name, roles) in callers.into_iter().chain([(RIVAL, Roles::of(&[Role::CustomerChannel]))]) {
            let new = NewKey { name: name.to_owned(), roles, lifetime_seconds: None, rate_per_second: None };
            let (fresh, _) = file.create(&new, now).unwrap();
            keys.insert(name.to_owned(), fresh.reveal().to_owned());
        }
        let mut bank = Self { server, keys, requests: std::cell::Cell::new(0), cover: String::new() };
        // The server looks at its keys every second or so.
        for _ in 0..100 {
            if bank.send(RIVAL, "GET", "/v1/rates", None, None).await.status == 200 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        bank.server.publish("USD", "1350.50").await;
        let deal = json!({ "side": "sell", "amount": { "amount": "1.00", "currency": "USD" }, "rate": "1349.00" });
        let cover = bank.send("treasury", "POST", "/v1/positions/covers", Some("cover-1"), Some(&deal)).await;
        bank.cover = text(&cover.expect(201)["id"]);
        bank
    }

    async fn send(&self, caller: &str, verb: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> Answer {
        let mut request = Request::builder()
            .method(verb)
            .uri(path)
            .header("host", self.server.address.to_string())
            .header("authorization", format!("Bearer {}", self.keys[caller]));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let bytes = body.map(|body| body.to_string()).unwrap_or_default();
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        self.server.send(request.body(Full::from(bytes)).unwrap()).await
    }

    fn fresh_key(&self) -> String {
        self.requests.set(self.requests.get() + 1);
        format!("request-{}", self.requests.get())
    }

    /// A customer of this channel with money, an exchange, a reversal, a quote.
    async fn belongings(&self, channel: &str) -> Belongings {
        let opened = self.send(channel, "POST", "/v1/customers", None, Some(&json!({}))).await.expect(201);
        let id = text(&opened["id"]);
        let mut accounts = Vec::new();
        for kind in ["won", "foreign"] {
            let body = json!({ "customer_id": id, "kind": kind });
            accounts.push(text(&self.send(channel, "POST", "/v1/accounts", None, Some(&body)).await.expect(201)["id"]));
        }
        let customer = Customer { id, won: accounts[0].clone(), foreign: accounts[1].clone() };
        let body = json!({ "account_id": customer.won, "amount": { "amount": "1000000", "currency": "KRW" } });
        let deposit =
            self.send(channel, "POST", "/v1/deposits", Some(&self.fresh_key()), Some(&body)).await.expect(201);
        let buy = order(&customer, "buy", "100.00", "USD");
        let key = self.fresh_key();
        let exchange = self.send(channel, "POST", "/v1/exchanges", Some(&key), Some(&buy)).await.expect(201);
        let spare = self.send(channel, "POST", "/v1/exchanges", Some(&self.fresh_key()), Some(&buy)).await.expect(201);
        let path = format!("/v1/exchanges/{}/reversal", text(&spare["id"]));
        let reason = json!({ "reason": "test" });
        let reversal = self.send("teller", "POST", &path, Some(&self.fresh_key()), Some(&reason)).await.expect(201);
        let quote = self.send(channel, "POST", "/v1/quotes", None, Some(&buy)).await.expect(201);
        let other = self.send(channel, "POST", "/v1/customers", None, Some(&json!({}))).await.expect(201);
        let body = json!({ "customer_id": other["id"], "kind": "won" });
        let partner = self.send(channel, "POST", "/v1/accounts", None, Some(&body)).await.expect(201);
        Belongings {
            partner: text(&partner["id"]),
            exchange: text(&exchange["id"]),
            reversal: text(&reversal["id"]),
            transaction: text(&deposit["id"]),
            quote: text(&quote["quote"]),
            customer,
            key,
        }
    }

    /// Tries an operation as this caller on these belongings.
    async fn attempt(&self, operation: &Operation, caller: &str, of: &Belongings, absent: bool) -> Answer {
        let id = |kind: &str, real: &str| if absent { format!("{kind}_0008zzzzzzzzz") } else { real.to_owned() };
        let named = match operation.path.split('/').nth(1).unwrap_or_default() {
            "customers" => id("cus", &of.customer.id),
            "accounts" => id("acc", &of.customer.won),
            "exchanges" => id("exg", &of.exchange),
            "reversals" => id("rev", &of.reversal),
            "transactions" => id("txn", &of.transaction),
            "positions" => id("cov", &self.cover),
            "rounds" => "USD-20261123-1".to_owned(),
            "quotes" => of.quote.clone(),
            "idempotency-keys" => of.key.clone(),
            _ => "USD".to_owned(),
        };
        let mut path = format!("/v1{}", operation.path);
        if let Some(parameter) = &operation.named {
            path = path.replace(&format!("{{{}}}", parameter.name), &named);
        }
        let query: Vec<String> = operation
            .query
            .iter()
            .filter_map(|parameter| match parameter.name {
                "customer_id" => Some(format!("customer_id={}", id("cus", &of.customer.id))),
                "account_id" if operation.id != "keys.get" => {
                    Some(format!("account_id={}", id("acc", &of.customer.won)))
                }
                "currency" => Some("currency=USD".to_owned()),
                _ => None,
            })
            .collect();
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let body = operation.body.as_ref().map(|body| {
            let mut body: Value = serde_json::from_str(body.example).unwrap();
            substitute(&mut body, &|field, value| match field {
                "customer_id" => *value = json!(id("cus", &of.customer.id)),
                "account_id" | "from_account_id" => *value = json!(id("acc", &of.customer.won)),
                "to_account_id" => *value = json!(id("acc", &of.partner)),
                "key" => *value = json!(self.fresh_key()),
                "channel" | "valid_until" => *value = json!("2026-11-23T02:00:00Z"),
                _ => {}
            });
            body
        });
        let key = (operation.key != KeyRule::Unused).then(|| self.fresh_key());
        let verb = if operation.verb == Verb::Get { "GET" } else { "POST" };
        self.send(caller, verb, &path, key.as_deref(), body.as_ref()).await
    }
}

fn substitute(value: &mut Value, change: &impl Fn(&str, &mut Value)) {
    match value {
        Value::Object(object) => {
            for (field, value) in object {
                if value.is_string() {
                    change(field, value);
                }
                substitute(value, change);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| substitute(item, change)),
        _ => {}
    }
}

/// Whether an operation is about a customer's things.
fn is_about_a_customer(operation: &Operation) -> bool {
    let path = operation.path;
    let named = ["/customers/", "/accounts/", "/exchanges/", "/reversals/", "/transactions/", "/quotes/"];
    named.iter().any(|start| path.starts_with(start))
        || ["accounts.open", "accounts.list", "quotes.create", "exchanges.create", "exchanges.list", "exchanges.batch"]
            .contains(&operation.id)
        || ["/deposits", "/withdrawals", "/transfers"].contains(&path)
        || operation.id == "keys.get"
}

/// What an answer says beside the names in it: ids, keys, times.
fn words(answer: &Answer, of: &Belongings) -> String {
    let mut text = String::from_utf8_lossy(&answer.bytes).into_owned();
    for (name, real) in [
        ("cus", &of.customer.id),
        ("acc", &of.customer.won),
        ("exg", &of.exchange),
        ("rev", &of.reversal),
        ("txn", &of.transaction),
    ] {
        text = text.replace(real.as_str(), &format!("{name}_0008zzzzzzzzz"));
    }
    for account in [&of.customer.foreign, &of.partner] {
        text = text.replace(account.as_str(), "acc_0008zzzzzzzzz");
    }
    let mut value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    substitute(&mut value, &|field, value| {
        if ["request_id", "key"].contains(&field) {
            *value = json!("");
        }
    });
    format!("{} {value}", answer.status)
}

#[tokio::test]
async fn every_operation_is_open_to_its_roles_alone_and_what_is_foreign_looks_like_what_is_not_there() {
    let bank = Bank::open().await;
    let mut tried = 0;
    for operation in router::operations() {
        if operation.id == "rates.stream" {
            assert_eq!(operation.roles, Roles::all()); // does not end: its own test reads it
            continue;
        }
        for role in Role::ALL {
            let caller = role.as_str();
            let may = operation.roles.has(role);
            for whose in [Whose::Own, Whose::Foreign, Whose::Absent] {
                // A channel's own; for all others it is the same whose it is.
                let owner = if whose == Whose::Own { Role::CustomerChannel.as_str() } else { RIVAL };
                if operation.id.starts_with("halts.") || operation.id == "rounds.void" {
                    lift(&bank).await; // what the attempt before halted or voided
                }
                let of = bank.belongings(owner).await;
                let answer = bank.attempt(operation, caller, &of, whose == Whose::Absent).await;
                let about = format!("{} by {caller} on {whose:?}: {} {:?}", operation.id, answer.status, answer.bytes);
                tried += 1;
                // Whoever may not read what is of customers may not ask for keys of their requests either.
                let may = may && !(operation.id == "keys.get" && [Role::Rates, Role::Treasury].contains(&role));
                if !may {
                    assert_eq!(answer.problem(), (403, "forbidden".to_owned()), "{about}");
                    continue;
                }
                assert!(![401, 403, 405].contains(&answer.status) && answer.status < 500, "{about}");
                if !is_about_a_customer(operation) {
                    continue;
                }
                let is_batch = operation.id == "exchanges.batch";
                let status =
                    if is_batch { answer.json()["items"][0]["status"].as_u64().unwrap() } else { answer.status.into() };
                let is_hidden = whose == Whose::Foreign && role == Role::CustomerChannel;
                // Quotes have no id that nobody has; somebody else's key is nobody's.
                match (whose, operation.id) {
                    (_, "keys.get") if role != Role::CustomerChannel || whose != Whose::Own => {
                        assert_eq!(status, 404, "{about}")
                    }
                    (Whose::Absent, "quotes.get") => {}
                    (Whose::Absent, _) => assert_eq!(status, 404, "{about}"),
                    _ if is_hidden => assert_eq!(status, 404, "{about}"),
                    _ => assert_ne!(status, 404, "{about}"),
                }
                if is_hidden && operation.id != "quotes.get" {
                    let absent = bank.attempt(operation, caller, &of, true).await;
                    assert_eq!(words(&answer, &of), words(&absent, &of), "{about}");
                }
            }
        }
        lift(&bank).await;
    }
    assert!(tried >= 37 * 7 * 3, "{tried}");
}

async fn lift(bank: &Bank) {
    bank.send("approver", "POST", "/v1/halts/USD/lift", None, Some(&json!({}))).await;
    bank.server.publish("USD", "1350.50").await;
}

#[tokio::test]
async fn a_further_role_does_not_widen_what_the_channels_role_reaches() {
    let bank = Bank::open().await;
    let file = KeyFile::of(&bank.server.data());
    let mut keys = bank.keys.clone();
    let others = [Role::Rates, Role::Ops, Role::Auditor, Role::Approver, Role::Treasury];
    for role in others {
        let roles = Roles::of(&[Role::CustomerChannel, role]);
        let name = format!("channel-{role}");
        let new = NewKey { name: name.clone(), roles, lifetime_seconds: None, rate_per_second: None };
        let (fresh, _) = file.create(&new, Timestamp::parse_rfc3339(NOW).unwrap()).unwrap();
        keys.insert(name, fresh.reveal().to_owned());
    }
    let bank = Bank { keys, ..bank };
    tokio::time::sleep(std::time::Duration::from_secs(2)).await; // the server looks at its keys every second or so
    let of = bank.belongings(RIVAL).await;
    for role in others {
        let caller = format!("channel-{role}");
        let body = json!({ "account_id": of.customer.won, "amount": { "amount": "1", "currency": "KRW" } });
        for path in ["/v1/deposits", "/v1/withdrawals"] {
            let answer = bank.send(&caller, "POST", path, Some(&bank.fresh_key()), Some(&body)).await;
            assert_eq!(answer.problem(), (404, "account_not_found".to_owned()), "{caller} {path}");
        }
        // What the other role itself is for, it still does for every customer.
        let read = bank.send(&caller, "GET", &format!("/v1/customers/{}", of.customer.id), None, None).await;
        let reads_none = [Role::Rates, Role::Treasury].contains(&role);
        assert_eq!(read.status, if reads_none { 404 } else { 200 }, "{caller}");
        let look = format!("/v1/idempotency-keys/{}?customer_id={}", of.key, of.customer.id);
        assert_eq!(bank.send(&caller, "GET", &look, None, None).await.status, 404, "{caller}");
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_credential_and_a_channel_opens_customers_for_itself_alone() {
    let bank = Bank::open().await;
    for operation in router::operations() {
        let path = format!("/v1{}", operation.path.replace(['{', '}'], ""));
        let request = Request::builder()
            .method(operation.verb.as_str())
            .uri(&path)
            .header("host", bank.server.address.to_string());
        let answer = bank.server.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(answer.problem(), (401, "unauthorized".to_owned()), "{path}");
        assert!(answer.header("www-authenticate").is_some());
    }
    let body = json!({ "channel": RIVAL });
    let answer = bank.send("customer_channel", "POST", "/v1/customers", None, Some(&body)).await;
    assert_eq!(answer.problem(), (403, "forbidden".to_owned()));
    let opened = bank.send("teller", "POST", "/v1/customers", None, Some(&body)).await.expect(201);
    let path = format!("/v1/customers/{}", text(&opened["id"]));
    assert_eq!(bank.send(RIVAL, "GET", &path, None, None).await.status, 200);
    assert_eq!(bank.send("customer_channel", "GET", &path, None, None).await.status, 404);
    let listed = bank.send(RIVAL, "GET", "/v1/customers", None, None).await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}
