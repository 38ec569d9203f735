//! `/livez`, `/readyz`, `/version`, `/metrics`: for those who run it, on the admin port.

use actix_web::{HttpResponse, http::header::CONTENT_TYPE, web};
use serde::Serialize;

use super::{admin::Reader, answer, context::Context};
use crate::{
    actors::view::{LaneStatus, LaneView},
    telemetry::metrics,
};

#[derive(Serialize)]
struct StatusAnswer {
    status: &'static str,
}

#[derive(Serialize)]
struct ReadyAnswer {
    status: &'static str,
    lanes: Vec<LaneAnswer>,
}

#[derive(Serialize)]
struct LaneAnswer {
    lane: u16,
    status: &'static str,
    durable: u64,
    projected: u64,
}

#[derive(Serialize)]
struct VersionAnswer<'a> {
    name: &'static str,
    version: &'static str,
    store: &'a str,
}

impl LaneAnswer {
    const fn of(lane: &LaneView) -> Self {
        Self {
            lane: lane.lane.number(),
            status: lane.status.as_str(),
            durable: lane.durable.number(),
            projected: lane.projected.number(),
        }
    }
}

/// GET /livez
pub(super) async fn live() -> HttpResponse {
    answer::ok(&StatusAnswer { status: "alive" })
}

/// GET /readyz
pub(super) async fn ready(context: web::Data<Context>) -> HttpResponse {
    let lanes = context.engine.lanes();
    let status = if context.is_draining() {
        "draining"
    } else if lanes.iter().all(|lane| lane.status == LaneStatus::Open) {
        "ready"
    } else {
        "not_ready"
    };
    let body = ReadyAnswer { status, lanes: lanes.iter().map(LaneAnswer::of).collect() };
    if status == "ready" {
        return answer::ok(&body);
    }
    HttpResponse::ServiceUnavailable().insert_header((CONTENT_TYPE, "application/json")).body(answer::to_json(&body))
}

/// GET /version
pub(super) async fn version(_: Reader, context: web::Data<Context>) -> HttpResponse {
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    answer::ok(&VersionAnswer { name, version, store: &context.store_name })
}

/// GET /metrics
pub(super) async fn scrape(_: Reader, context: web::Data<Context>) -> HttpResponse {
    context.engine.observe();
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")).body(metrics::render())
}
