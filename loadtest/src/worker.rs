//! The hot loop: one connection, one request in flight, requests patched in place.
//!
//! What it costs matters, since it shares its cores with the server: no formatting, no parsing of a good answer's
//! body, no allocation per exchange.

use std::{
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use hwan_client::{
    ClientError, Connection, ExchangeOrder, MarketOrder, Money, PreparedRequest, Request, ServerAddr, Side,
};
use rand::{RngExt, rngs::StdRng};

use crate::{
    batch::{self, BatchOrder},
    customers::{ID_LEN, SeededCustomer},
    key::{KEY_LEN, KeyClock},
    tally::{Ended, Outcome, Tally},
};

/// What the body of an exchange begins with; the customer's id follows.
const BODY_START: &[u8] = b"{\"customer_id\":\"";
/// The longest that a worker waits when the server asks for patience, or cannot be reached.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Which side each exchange takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mix {
    /// Each customer buys and sells in turn.
    Alternate,
    /// By chance.
    Weighted {
        /// Weight of buys.
        buy: u32,
        /// Weight of sells.
        sell: u32,
    },
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "alternate" {
            return Ok(Self::Alternate);
        }
        let weights = text.split_once(':').and_then(|(buy, sell)| Some((buy.parse().ok()?, sell.parse().ok()?)));
        match weights {
            Some((buy @ 0..=1_000, sell @ 0..=1_000)) if buy + sell > 0 => Ok(Self::Weighted { buy, sell }),
            _ => Err(format!("{text:?} is neither `alternate` nor weights such as 70:30")),
        }
    }
}

/// A customer as the hot loop sees it.
#[derive(Debug)]
pub(crate) struct Driven {
    id: [u8; ID_LEN],
    sells_next: AtomicBool,
}

impl Driven {
    /// Takes over a seeded customer.
    pub(crate) fn new(customer: &SeededCustomer) -> Result<Self> {
        let id = customer.id.as_bytes().try_into()?;
        Ok(Self { id, sells_next: AtomicBool::new(false) })
    }
}

/// When a run measures, and when it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// From here on answers count.
    pub(crate) from: Instant,
    /// From here on nothing is sent, and answers do not count.
    pub(crate) to: Instant,
}

/// What all workers of a thread share.
#[derive(Debug)]
pub(crate) struct Drive {
    pub(crate) server: ServerAddr,
    pub(crate) customers: Arc<[Driven]>,
    pub(crate) mix: Mix,
    pub(crate) batch: Option<u16>,
    pub(crate) window: Window,
    pub(crate) deadline: Duration,
    pub(crate) keys: KeyClock,
    pub(crate) tally: Mutex<Tally>,
    pub(crate) answered: Arc<AtomicU64>,
}

/// The requests of a worker.
enum Load {
    Single(Orders),
    Batch(BatchOrder),
}

/// The two requests of a worker that sends exchange by exchange.
struct Orders {
    buy: PreparedRequest,
    sell: PreparedRequest,
}

impl Orders {
    fn prepare(server: &ServerAddr) -> Result<Self> {
        let order = |side| -> Result<PreparedRequest> {
            let order = MarketOrder::of_foreign("x".repeat(ID_LEN), side, Money::new("1.00", "USD"));
            let body = serde_json::to_vec(&ExchangeOrder::from(order))?;
            ensure!(body.starts_with(BODY_START), "the body of an exchange no longer begins with the customer");
            Ok(Request::post("/v1/exchanges", body).with_key("k".repeat(KEY_LEN)).prepare(server)?)
        };
        Ok(Self { buy: order(Side::Buy)?, sell: order(Side::Sell)? })
    }
}

/// Writes the customer into a prepared order.
fn name_customer(request: &mut PreparedRequest, customer: &Driven) {
    let place = BODY_START.len()..BODY_START.len() + ID_LEN;
    if let Some(id) = request.body_mut().get_mut(place) {
        id.copy_from_slice(&customer.id);
    }
}

impl Drive {
    /// Whose exchange is next, and whether it sells; nobody where there is no customer.
    fn next(&self, random: &mut StdRng) -> Option<(&Driven, bool)> {
        let customer = self.customers.get(random.random_range(0..self.customers.len()))?;
        let sells = match self.mix {
            Mix::Alternate => customer.sells_next.fetch_not(Ordering::Relaxed),
            Mix::Weighted { buy, sell } => random.random_range(0..buy + sell) >= buy,
        };
        Some((customer, sells))
    }

    /// Makes the next request ready; how many exchanges it holds.
    fn load<'a>(&self, load: &'a mut Load, random: &mut StdRng) -> Option<(&'a PreparedRequest, u16)> {
        match load {
            Load::Single(orders) => {
                let (customer, sells) = self.next(random)?;
                let request = if sells { &mut orders.sell } else { &mut orders.buy };
                name_customer(request, customer);
                self.keys.write(random, request.key_mut());
                Some((request, 1))
            }
            Load::Batch(order) => {
                for index in 0..order.size() {
                    let (customer, sells) = self.next(random)?;
                    order.write(index, &customer.id, sells, |key| self.keys.write(random, key));
                }
                Some((order.request(), order.size()))
            }
        }
    }
}

/// Exchanges over one connection until the window closes.
pub(crate) async fn work(drive: Arc<Drive>, mut random: StdRng) -> Result<()> {
    let mut load = match drive.batch {
        None => Load::Single(Orders::prepare(&drive.server)?),
        Some(size) => Load::Batch(BatchOrder::prepare(&drive.server, size)?),
    };
    let mut connection = None;
    while Instant::now() < drive.window.to {
        let Some((request, exchanges)) = drive.load(&mut load, &mut random) else { break };
        let started = Instant::now();
        let (ended, pause) = exchange(&drive, &mut connection, request, exchanges).await;
        let now = Instant::now();
        if drive.window.from <= now && now < drive.window.to {
            drive.tally.lock().unwrap_or_else(PoisonError::into_inner).count(ended, now - started);
        }
        drive.answered.fetch_add(exchanges.into(), Ordering::Relaxed);
        if let Some(pause) = pause {
            tokio::time::sleep(pause.min(PAUSE_MAX)).await;
        }
    }
    Ok(())
}

/// One request: how its exchanges ended, and how long to wait before the next.
async fn exchange(
    drive: &Drive,
    connection: &mut Option<Connection>,
    request: &PreparedRequest,
    exchanges: u16,
) -> (Ended, Option<Duration>) {
    let all = |outcome| Ended::all(outcome, exchanges.into());
    let open = match connection.take().filter(Connection::is_open) {
        Some(open) => open,
        None => match Connection::open(&drive.server, drive.deadline).await {
            Ok(open) => open,
            Err(error) => return (all(failure(&error)), Some(PAUSE_MAX)),
        },
    };
    let reply = connection.insert(open).call(request, drive.deadline).await;
    match reply {
        Ok(reply) if reply.status == 200 && drive.batch.is_some() => (batch::ended(reply.body, exchanges), None),
        Ok(reply) if reply.status == 201 && reply.body.starts_with(b"{\"id\":\"exg_") => {
            (all(if reply.replayed { Outcome::Replayed } else { Outcome::Executed }), None)
        }
        Ok(reply) => {
            let pause = reply.retry_after_s.map(|seconds| Duration::from_secs(seconds.into()));
            (all(refusal(reply.status, reply.body)), pause)
        }
        Err(error) => (all(failure(&error)), Some(Duration::from_millis(100))),
    }
}

fn refusal(status: u16, body: &[u8]) -> Outcome {
    #[derive(serde::Deserialize)]
    struct Coded {
        code: String,
    }
    match serde_json::from_slice::<Coded>(body) {
        Ok(problem) => Outcome::Refused(problem.code),
        Err(_) => Outcome::Foreign(format!("status {status}")),
    }
}

fn failure(error: &ClientError) -> Outcome {
    match error {
        ClientError::Connection { cause, .. } => Outcome::Connection(cause.kind().to_string()),
        ClientError::Protocol { reason } => Outcome::Foreign(reason.clone()),
        ClientError::Problem(problem) => Outcome::Refused(problem.code.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_alternates_or_has_weights() {
        assert_eq!("alternate".parse(), Ok(Mix::Alternate));
        assert_eq!("70:30".parse(), Ok(Mix::Weighted { buy: 70, sell: 30 }));
        assert_eq!("0:1".parse(), Ok(Mix::Weighted { buy: 0, sell: 1 }));
        for bad in ["", "buy", "0:0", "1:-1", "1", "2000:1"] {
            assert!(bad.parse::<Mix>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_order_names_the_customer_that_is_patched_in() {
        let server = ServerAddr::loopback("http://127.0.0.1:1").unwrap();
        let mut orders = Orders::prepare(&server).unwrap();
        let customer = SeededCustomer {
            id: "cus_0000000000042".into(),
            won_account: String::new(),
            foreign_account: String::new(),
        };
        name_customer(&mut orders.sell, &Driven::new(&customer).unwrap());
        assert_eq!(
            std::str::from_utf8(orders.sell.body()).unwrap(),
            r#"{"customer_id":"cus_0000000000042","side":"sell","currency":"USD","foreign_amount":{"amount":"1.00","currency":"USD"}}"#
        );
    }
}
