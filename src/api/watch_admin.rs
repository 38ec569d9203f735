//! The port of `hwan watch`: how the process is, for those who run it. Loopback only; it asks nobody who they are.

use actix_web::{
    App, HttpResponse,
    body::BoxBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    web::{self, Data, get},
};
use serde::Serialize;

use super::{
    accounting_admin::{nowhere, scrape},
    answer, health,
};
use crate::watch::watcher::Watch;

#[derive(Serialize)]
struct VersionAnswer {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct ReadyAnswer {
    status: &'static str,
    lanes: Vec<LaneAnswer>,
}

#[derive(Serialize)]
struct LaneAnswer {
    lane: u16,
    judged: u64,
}

/// The application.
pub fn app(
    watch: Watch,
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
        .app_data(Data::new(watch))
        .route("/livez", get().to(health::live))
        .route("/readyz", get().to(ready))
        .route("/version", get().to(version))
        .route("/metrics", get().to(scrape))
        .default_service(web::to(nowhere))
}

/// Ready from the start: with no lane it waits for the group to give it some.
async fn ready(watch: Data<Watch>) -> HttpResponse {
    let lanes = watch.stands().into_iter();
    let lanes = lanes.map(|stands| LaneAnswer { lane: stands.lane.number(), judged: stands.seq.number() }).collect();
    answer::ok(&ReadyAnswer { status: "ready", lanes })
}

async fn version() -> HttpResponse {
    answer::ok(&VersionAnswer { name: "hwan watch", version: env!("CARGO_PKG_VERSION") })
}
