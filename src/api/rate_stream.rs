//! `GET /v1/rates/stream`: rates as they change, as server-sent events.
//!
//! First the rate of every pair, then each one that changed. A slow reader misses nothing but what was superseded before it
//! read on: every event is a pair's whole rate, so memory does not grow. The event's id is the system lane's seq at which
//! the board stood so. Bounded by the number of streams, of all and of one
//! caller; a stop, a rate that expires, or a credential that no longer holds is seen within a second.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE},
    web::{self, Bytes},
};
use futures_util::stream;
use hwan_domain::id::Seq;
use tokio::sync::watch;
use utoipa::ToSchema;

use super::{
    answer,
    authorize::By,
    context::Context,
    operation::{Described, Operation, Shape},
    problem::{ApiCode, Problem},
    rates::{self, RateAnswer},
};
use crate::access::role::Roles;

/// The most streams at once.
const STREAMS_MAX: usize = 1_024;
/// The most streams of one caller.
const STREAMS_OF_CALLER_MAX: usize = 128;
/// How often a sign of life is sent when nothing changes.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is looked whether a rate expired, the server stops, or the caller's credential no longer holds.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many streams each caller has open.
#[derive(Debug, Default)]
pub struct Streams(Mutex<HashMap<Arc<str>, usize>>);

impl Streams {
    fn open(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream's place; given back when it ends, or its reader hangs up.
struct Seat {
    context: web::Data<Context>,
    caller: Arc<str>,
}

impl Seat {
    /// A place for one more stream of this caller, while there is one.
    fn take(context: &web::Data<Context>, caller: &Arc<str>) -> Option<Self> {
        let mut open = context.streams.open();
        let own = open.get(caller).copied().unwrap_or(0);
        if own >= STREAMS_OF_CALLER_MAX || open.values().sum::<usize>() >= STREAMS_MAX {
            return None;
        }
        open.insert(Arc::clone(caller), own + 1);
        Some(Self { context: context.clone(), caller: Arc::clone(caller) })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.context.streams.open();
        match open.get_mut(&self.caller) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(open.remove(&self.caller)),
        }
    }
}

/// A server-sent event.
#[derive(ToSchema)]
#[schema(as = RateEvent)]
#[expect(dead_code, reason = "describes what is written piece by piece")]
struct EventText {
    /// Always rate.
    event: String,
    /// The newest change of rates that it shows.
    #[schema(pattern = "^[0-9]+$")]
    id: String,
    /// A Rate, as JSON.
    data: String,
}

/// Follows rates.
pub(super) const STREAM: Operation = Operation {
    roles: Roles::all(),
    media: "text/event-stream",
    notes: "text/event-stream: an event named rate for every pair, then one for each change. A comment every 15 s is a sign of \
            life. Nothing has to be caught up after a break: connect again and get all pairs.",
    ..Operation::read(
        "rates.stream",
        "/rates/stream",
        "Follow rates as they change",
        Described {
            shape: Shape::of::<EventText>(),
            example: r#"{"event":"rate","id":"18","data":"{\"currency\":\"USD\",\"unit\":1,\"status\":\"unavailable\"}"}"#,
        },
    )
};

struct Following {
    seat: Seat,
    /// With what the caller has proved itself: a stream ends with it.
    authorization: Vec<u8>,
    changes: watch::Receiver<Seq>,
    told: Vec<RateAnswer>,
    quiet: Duration,
}

impl Following {
    /// What changed since it was last told, as events; empty for nothing.
    fn news(&mut self) -> Vec<u8> {
        let context = &self.seat.context;
        let seq = *self.changes.borrow_and_update();
        let board = context.engine.board();
        let (now, _) = context.engine.now();
        let mut events = Vec::new();
        let foreign = context.currencies.foreign();
        for (index, (currency, spec)) in foreign.enumerate() {
            let rate = rates::rate(&board, spec, currency, now);
            if self.told.get(index) == Some(&rate) {
                continue;
            }
            events.extend_from_slice(format!("event: rate\nid: {}\ndata: ", seq.number()).as_bytes());
            events.extend_from_slice(&answer::to_json(&rate));
            events.extend_from_slice(b"\n\n");
            match self.told.get_mut(index) {
                Some(told) => *told = rate,
                None => self.told.push(rate),
            }
        }
        events
    }

    /// The next piece of the stream; `None` when the server stops.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            let context = &self.seat.context;
            if context.is_draining() || context.access.authenticate(Some(&self.authorization)).is_err() {
                return None;
            }
            let events = self.news();
            if !events.is_empty() {
                self.quiet = Duration::ZERO;
                return Some((Ok(events.into()), self));
            }
            if self.quiet >= HEARTBEAT {
                self.quiet = Duration::ZERO;
                return Some((Ok(Bytes::from_static(b": alive\n\n")), self));
            }
            match tokio::time::timeout(LOOK_EVERY, self.changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None, // the engine is gone
                Err(_) => self.quiet += LOOK_EVERY,
            }
        }
    }
}

/// GET /v1/rates/stream
pub(super) async fn follow(context: web::Data<Context>, by: By, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let full = || {
        let detail = format!(
            "{STREAMS_OF_CALLER_MAX} streams of one caller, {STREAMS_MAX} of all are the most: GET /v1/rates answers too"
        );
        Problem::new(ApiCode::StreamsFull, detail)
    };
    let seat = Seat::take(&context, &by.0.name).ok_or_else(full)?;
    let authorization = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    let changes = context.engine.board_changes();
    let following = Following { seat, authorization, changes, told: Vec::new(), quiet: Duration::ZERO };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(stream::unfold(following, Following::next)))
}
