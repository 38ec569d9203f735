//! The hot loop over HTTP: one connection, one request in flight, requests patched in place.
//!
//! What it costs matters, since it shares its cores with the server: no formatting, no parsing of a good answer's
//! body, no allocation per exchange.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use hwan_client::{ClientError, Connection, PreparedRequest, Reply, ServerAddr};
use rand::{SeedableRng, rngs::StdRng};

use super::{
    batch::{self, BatchOrder},
    orders::{Orders, Sent},
    quoted::{self, Usage},
};
use crate::{
    customers::{ID_LEN, SeededCustomer},
    drive::{Answered, Caller, Target},
    key::KeyClock,
    tally::{Ended, Outcome},
    workload::Workload,
};

/// After a connection failed: how long before the next one is tried.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);
/// After a call failed.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// A customer as the hot loop sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Customer([u8; ID_LEN]);

impl Customer {
    /// Takes over a seeded customer.
    pub(crate) fn new(customer: &SeededCustomer) -> Result<Self> {
        Ok(Self(customer.id.as_bytes().try_into()?))
    }
}

/// A server to be driven over HTTP.
#[derive(Clone, Debug)]
pub(crate) struct HttpTarget {
    pub(crate) server: ServerAddr,
    pub(crate) customers: Arc<[Customer]>,
    /// Exchanges in a request of `POST /v1/exchanges:batch`; without, `POST /v1/exchanges` with one.
    pub(crate) batch: Option<u16>,
    /// How long a request may take.
    pub(crate) deadline: Duration,
    pub(crate) keys: KeyClock,
}

impl Target for HttpTarget {
    type Caller = HttpCaller;

    async fn connect(&self) -> Result<HttpCaller> {
        let load = match self.batch {
            Some(size) => Load::Batch(BatchOrder::prepare(&self.server, size)?),
            None => Load::Single(Box::new(Single {
                exchange: Orders::prepare(&self.server, Sent::ToExchange)?,
                quote: Orders::prepare(&self.server, Sent::ToQuote)?,
                usage: Usage::new(&self.server),
                next: Next { sells: false, quoted: false },
            })),
        };
        let keys_random = StdRng::from_rng(&mut rand::rng());
        Ok(HttpCaller { line: Line { target: self.clone(), connection: None }, load, keys_random })
    }
}

/// One connection with its requests.
pub(crate) struct HttpCaller {
    line: Line,
    load: Load,
    keys_random: StdRng,
}

/// The requests of a connection.
enum Load {
    Single(Box<Single>),
    Batch(BatchOrder),
}

/// The requests of a connection that exchanges one by one.
struct Single {
    exchange: Orders,
    quote: Orders,
    usage: Usage,
    next: Next,
}

/// Which request is ready.
#[derive(Clone, Copy, Debug)]
struct Next {
    sells: bool,
    quoted: bool,
}

/// The connection itself.
struct Line {
    target: HttpTarget,
    connection: Option<Connection>,
}

/// Why there is no reply.
struct Failed {
    outcome: Outcome,
    pause: Duration,
}

impl Caller for HttpCaller {
    fn prepare(&mut self, workload: &Workload, random: &mut StdRng) -> u64 {
        let HttpCaller { line: Line { target, .. }, load, .. } = self;
        let HttpTarget { customers, keys, .. } = target;
        let absent = Customer([b'0'; ID_LEN]); // the workload is made for as many customers as there are
        match load {
            Load::Single(single) => {
                let Single { exchange, quote, next, .. } = single.as_mut();
                let turn = workload.next(random);
                let Customer(id) = customers.get(turn.customer).unwrap_or(&absent);
                *next = Next { sells: turn.sells, quoted: turn.quoted };
                if turn.quoted {
                    quote.write(id, turn.sells, |_| {});
                } else {
                    exchange.write(id, turn.sells, |key| keys.write(random, key));
                }
                1
            }
            Load::Batch(order) => {
                for index in 0..order.size() {
                    let turn = workload.next(random);
                    let Customer(id) = customers.get(turn.customer).unwrap_or(&absent);
                    order.write(index, id, turn.sells, |key| keys.write(random, key));
                }
                order.size().into()
            }
        }
    }

    async fn call(&mut self) -> Answered {
        let keys = self.line.target.keys;
        match &mut self.load {
            Load::Batch(order) => {
                let size = order.size();
                match self.line.call(order.request()).await {
                    Ok(reply) if reply.status == 200 => batch::ended(reply.body, size).into(),
                    Ok(reply) => refused(&reply, size),
                    Err(failed) => failed.of(size),
                }
            }
            Load::Single(single) => match single.as_mut() {
                Single { exchange, next: Next { sells, quoted: false }, .. } => {
                    executed(self.line.call(exchange.request(*sells)).await)
                }
                Single { quote, usage, next: Next { sells, quoted: true }, .. } => {
                    let began = Instant::now();
                    let used = match self.line.call(quote.request(*sells)).await {
                        Ok(reply) if reply.status == 201 => match quoted::capability(reply.body) {
                            Some(capability) => usage.write(capability, |key| keys.write(&mut self.keys_random, key)),
                            None => return foreign("a quote without its capability"),
                        },
                        Ok(reply) => return refused(&reply, 1),
                        Err(failed) => return failed.of(1),
                    };
                    let Ok(used) = used else { return foreign("a capability that cannot be sent") };
                    let quote = Some(began.elapsed());
                    Answered { quote, ..executed(self.line.call(used).await) }
                }
            },
        }
    }
}

impl Line {
    /// Sends a request, over a new connection if the last one has ended.
    async fn call(&mut self, request: &PreparedRequest) -> Result<Reply<'_>, Failed> {
        let deadline = self.target.deadline;
        let open = match self.connection.take().filter(Connection::is_open) {
            Some(open) => open,
            None => Connection::open(&self.target.server, deadline)
                .await
                .map_err(|error| Failed { outcome: failure(&error), pause: RECONNECT_AFTER })?,
        };
        let called = self.connection.insert(open).call(request, deadline).await;
        called.map_err(|error| Failed { outcome: failure(&error), pause: RETRY_AFTER })
    }
}

impl Failed {
    fn of(self, exchanges: u16) -> Answered {
        Answered { ended: Ended::all(self.outcome, exchanges.into()), quote: None, pause: Some(self.pause) }
    }
}

fn executed(reply: Result<Reply<'_>, Failed>) -> Answered {
    match reply {
        Ok(reply) if reply.status == 201 && reply.body.starts_with(b"{\"id\":\"exg_") => {
            Ended::all(if reply.replayed { Outcome::Replayed } else { Outcome::Executed }, 1).into()
        }
        Ok(reply) => refused(&reply, 1),
        Err(failed) => failed.of(1),
    }
}

fn refused(reply: &Reply<'_>, exchanges: u16) -> Answered {
    #[derive(serde::Deserialize)]
    struct Coded {
        code: String,
    }
    let outcome = match serde_json::from_slice::<Coded>(reply.body) {
        Ok(problem) => Outcome::Refused(problem.code),
        Err(_) => Outcome::Foreign(format!("status {}", reply.status)),
    };
    let pause = reply.retry_after_s.map(|seconds| Duration::from_secs(seconds.into()));
    Answered { ended: Ended::all(outcome, exchanges.into()), quote: None, pause }
}

fn foreign(reason: &str) -> Answered {
    Ended::all(Outcome::Foreign(reason.to_owned()), 1).into()
}

fn failure(error: &ClientError) -> Outcome {
    match error {
        ClientError::Connection { cause, .. } => Outcome::Connection(cause.kind().to_string()),
        ClientError::Protocol { reason } => Outcome::Foreign(reason.clone()),
        ClientError::Problem(problem) => Outcome::Refused(problem.code.clone()),
    }
}
