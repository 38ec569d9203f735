//! The port of `hwan accounting`: how the process is, for those who run it. Loopback only; it asks nobody who they are.

use actix_web::{
    App, HttpResponse,
    body::BoxBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    http::header::CONTENT_TYPE,
    web::{self, Data, get},
};
use serde::Serialize;

use super::{answer, health};
use crate::{accounting::books::Books, telemetry::metrics};

#[derive(Serialize)]
struct ReadyAnswer {
    status: &'static str,
    lanes: Vec<LaneAnswer>,
}

#[derive(Serialize)]
struct LaneAnswer {
    lane: u16,
    posted: u64,
    stopped: Option<String>,
    dead_letters: u64,
}

#[derive(Serialize)]
struct VersionAnswer {
    name: &'static str,
    version: &'static str,
}

/// The application.
pub fn app(
    books: Books,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(Data::new(books))
        .route("/livez", get().to(health::live))
        .route("/readyz", get().to(ready))
        .route("/version", get().to(version))
        .route("/metrics", get().to(scrape))
        .default_service(web::to(nowhere))
}

pub(super) async fn nowhere() -> HttpResponse {
    HttpResponse::NotFound()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body("this port has /livez, /readyz, /version and /metrics\n")
}

/// Ready while the books can be read and no lane's have stopped.
async fn ready(books: Data<Books>) -> HttpResponse {
    let Ok(progress) = books.progress().await else {
        return unavailable(&ReadyAnswer { status: "books_unavailable", lanes: Vec::new() });
    };
    let is_stopped = progress.iter().any(|lane| lane.stopped.is_some());
    let lanes = progress.into_iter().map(|lane| LaneAnswer {
        lane: lane.lane.number(),
        posted: lane.seq.number(),
        stopped: lane.stopped,
        dead_letters: lane.dead_letters,
    });
    let lanes = lanes.collect();
    if is_stopped {
        return unavailable(&ReadyAnswer { status: "stopped", lanes });
    }
    answer::ok(&ReadyAnswer { status: "ready", lanes })
}

fn unavailable(body: &ReadyAnswer) -> HttpResponse {
    HttpResponse::ServiceUnavailable().insert_header((CONTENT_TYPE, "application/json")).body(answer::to_json(body))
}

async fn version() -> HttpResponse {
    answer::ok(&VersionAnswer { name: "hwan accounting", version: env!("CARGO_PKG_VERSION") })
}

pub(super) async fn scrape() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")).body(metrics::render())
}
