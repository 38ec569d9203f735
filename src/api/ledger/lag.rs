//! `GET /v1/ledger/lag`: how far the books are behind the engine, lane by lane.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use hwan_domain::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    accounting::lag::{self, LaneLag},
    api::{
        answer,
        context::Context,
        openapi::texts::{InstantText, LaneNumber},
        operation::{BOOKS, Described, Operation, Shape},
        problem::Problem,
        wire::Shown,
    },
};

/// A lane of the books beside the lane of the engine.
#[derive(Serialize, ToSchema)]
#[schema(as = LedgerLane)]
struct LaneAnswer {
    /// Which.
    #[schema(value_type = LaneNumber)]
    lane: u16,
    /// The engine's newest durable record.
    engine_seq: u64,
    /// The newest record that is posted; 0 at the beginning.
    ledger_seq: u64,
    /// How many records are not posted yet.
    records: u64,
    /// For how long the oldest of them has waited, in seconds.
    seconds: f64,
    /// When the newest record that is posted was sequenced; null at the beginning.
    #[schema(value_type = Option<InstantText>, required)]
    posted_at: Option<Shown<Timestamp>>,
    /// Why the lane's books stopped; null while they do not.
    #[schema(required)]
    stopped: Option<String>,
    /// How many of its records could not be posted and wait to be redelivered.
    dead_letters: u64,
}

/// How far the books are behind.
#[derive(Serialize, ToSchema)]
#[schema(as = LedgerLag)]
struct LagAnswer {
    /// Records of all lanes that are not posted yet.
    records: u64,
    /// The longest that one of them has waited, in seconds.
    seconds: f64,
    /// Lane by lane; 0 is the system lane.
    lanes: Vec<LaneAnswer>,
}

/// Reads the lag.
pub(in crate::api) const GET: Operation = Operation {
    roles: BOOKS,
    refusals: &[404],
    notes: "The customer's balance is done when the exchange answers; the books follow. A lane that stopped waits for an operator.",
    ..Operation::read(
        "ledger.lag",
        "/ledger/lag",
        "Read how far the books are behind the engine",
        Described {
            shape: Shape::of::<LagAnswer>(),
            example: r#"{"records":2,"seconds":0.012,"lanes":[{"lane":1,"engine_seq":9,"ledger_seq":7,"records":2,"seconds":0.012,"posted_at":"2026-11-23T01:00:00.000000Z","stopped":null,"dead_letters":0}]}"#,
        },
    )
};

impl LaneAnswer {
    fn of(lag: LaneLag, now: Timestamp) -> Self {
        Self {
            lane: lag.lane.number(),
            engine_seq: lag.engine.number(),
            ledger_seq: lag.ledger.number(),
            records: lag.records(),
            seconds: seconds(lag.micros(now)),
            posted_at: lag.posted_at.map(Shown),
            stopped: lag.stopped,
            dead_letters: lag.dead_letters,
        }
    }
}

fn seconds(micros: i64) -> f64 {
    Duration::from_micros(micros.unsigned_abs()).as_secs_f64()
}

/// GET /v1/ledger/lag
pub(in crate::api) async fn get(context: web::Data<Context>) -> Result<HttpResponse, Problem> {
    let progress = context.books()?.progress().await?;
    let heads = context.engine.lanes().into_iter().map(|view| (view.lane, view.durable));
    let mut lanes = lag::lanes(heads, &progress);
    for lane in lanes.iter_mut().filter(|lane| lane.records() > 0) {
        let waits = context.engine.journal(lane.lane, lane.ledger, 1).await?;
        lane.waits_since = waits.first().map(|record| record.at);
    }
    let (now, _) = context.engine.now();
    Ok(answer::ok(&LagAnswer {
        records: lanes.iter().map(LaneLag::records).sum(),
        seconds: seconds(lanes.iter().map(|lane| lane.micros(now)).max().unwrap_or(0)),
        lanes: lanes.into_iter().map(|lane| LaneAnswer::of(lane, now)).collect(),
    }))
}
