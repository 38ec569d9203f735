//! `GET /v1/rates/stream`: rates as they change, as server-sent events.
//!
//! First the rate of every pair, then each one that changed. A slow reader misses nothing but what was superseded before it
//! read on: every event is a pair's whole rate, so memory does not grow. The event's id is the system lane's seq at which
//! the board stood so. Bounded by the number of streams; a stop, or a rate that expires, is seen at the next heartbeat.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    web::{self, Bytes},
};
use futures_util::stream;
use hwan_domain::id::Seq;
use tokio::sync::watch;
use utoipa::ToSchema;

use super::{
    answer,
    context::Context,
    operation::{Described, Operation, Shape},
    problem::{ApiCode, Problem},
    rates::{self, RateAnswer},
};
use crate::access::role::Roles;

/// The most streams at once.
const STREAMS_MAX: usize = 1_024;
/// How often a sign of life is sent when nothing changes.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is looked whether the server stops.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many streams are open.
#[derive(Debug, Default)]
pub struct Streams(AtomicUsize);

/// A stream's place; given back when it ends, or its reader hangs up.
struct Seat(web::Data<Context>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.streams.0.fetch_sub(1, Ordering::AcqRel);
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
    changes: watch::Receiver<Seq>,
    told: Vec<RateAnswer>,
    quiet: Duration,
}

impl Following {
    /// What changed since it was last told, as events; empty for nothing.
    fn news(&mut self) -> Vec<u8> {
        let context = &self.seat.0;
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
            if self.seat.0.is_draining() {
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
pub(super) async fn follow(context: web::Data<Context>) -> Result<HttpResponse, Problem> {
    let before = context.streams.0.fetch_add(1, Ordering::AcqRel);
    let seat = Seat(context.clone());
    if before >= STREAMS_MAX {
        return Err(Problem::new(
            ApiCode::StreamsFull,
            format!("{STREAMS_MAX} streams are open: GET /v1/rates answers too"),
        ));
    }
    let changes = context.engine.board_changes();
    let following = Following { seat, changes, told: Vec::new(), quiet: Duration::ZERO };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(stream::unfold(following, Following::next)))
}
