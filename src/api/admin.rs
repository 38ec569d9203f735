//! The admin port on one page: for those who run hwan, beside the API and never under `/v1`.
//!
//! On loopback it asks nobody who they are. Beyond it (with TLS only) all but `/livez` and `/readyz` take a caller with
//! the role ops or auditor. `/clock` exists only in a server for tests, which is on loopback.

use actix_web::{
    App, FromRequest, Handler, HttpMessage, HttpRequest, HttpResponse, Resource, Responder,
    body::BoxBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web::{self, Data, get, head},
};
use hwan_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    answer, auth,
    context::Context,
    envelope::envelope,
    health,
    json::Body,
    problem::{ApiCode, Problem},
    wire::Shown,
};
use crate::{
    access::role::{Role, Roles},
    telemetry::metrics::RouteMetrics,
};

/// Who beyond loopback may read metrics and versions.
const READERS: Roles = Roles::of(&[Role::Ops, Role::Auditor]);

/// From where the port can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// From this machine alone.
    Loopback,
    /// From others too.
    Network,
}

/// The application of the admin port.
pub fn app(
    context: Data<Context>,
    exposure: Exposure,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let has_test_clock = context.test_clock.is_some();
    let app = App::new()
        .app_data(context)
        .app_data(exposure)
        .service(read("/livez", health::live))
        .service(read("/readyz", health::ready))
        .service(read("/version", health::version))
        .service(read("/metrics", health::scrape));
    let app = if has_test_clock {
        let clock = web::resource("/clock").route(get().to(read_clock)).route(web::post().to(move_clock));
        app.service(refusing_others(clock.app_data(RouteMetrics::new("/clock")), "GET, POST"))
    } else {
        app
    };
    app.default_service(web::to(nowhere)).wrap(from_fn(envelope))
}

/// What is only read, by GET or HEAD.
fn read<F, Args>(pattern: &'static str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder<Body = BoxBody> + 'static,
{
    let resource = web::resource(pattern).app_data(RouteMetrics::new(pattern));
    refusing_others(resource.route(get().to(handler.clone())).route(head().to(handler)), "GET, HEAD")
}

fn refusing_others(resource: Resource, allow: &'static str) -> Resource {
    resource
        .default_service(web::to(move || async move { Err::<&str, _>(Problem::method_not_allowed(allow.to_owned())) }))
}

async fn nowhere() -> Result<&'static str, Problem> {
    Err(Problem::new(ApiCode::NotFound, "the admin port has /livez, /readyz, /version and /metrics"))
}

/// Whether the port tells this to whoever asks; an extractor, so that no handler forgets it.
pub(super) struct Reader;

impl FromRequest for Reader {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        std::future::ready(admit(request).map(|()| Self))
    }
}

fn admit(request: &HttpRequest) -> Result<(), Problem> {
    if request.app_data::<Exposure>() == Some(&Exposure::Loopback) {
        return Ok(());
    }
    let context = request.app_data::<Data<Context>>();
    let context = context.ok_or_else(|| Problem::new(ApiCode::Unauthorized, "nobody is known here"))?;
    let principal = auth::principal(context, request)?;
    let may = principal.roles.meets(READERS);
    request.extensions_mut().insert(principal);
    if may {
        return Ok(());
    }
    Err(Problem::new(ApiCode::Forbidden, format!("this takes one of the roles {READERS}")))
}

#[derive(Serialize)]
struct ClockAnswer {
    now: Shown<Timestamp>,
}

/// How to move the clock: by a span, or to an instant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockRequest<'a> {
    advance_ms: Option<u64>,
    #[serde(borrow)]
    set: Option<std::borrow::Cow<'a, str>>,
}

/// GET /clock
async fn read_clock(context: Data<Context>) -> Result<HttpResponse, Problem> {
    let clock = context.test_clock.as_ref().ok_or_else(no_test_clock)?;
    Ok(answer::ok(&ClockAnswer { now: Shown(clock.stands_at()) }))
}

/// POST /clock
async fn move_clock(context: Data<Context>, body: Body) -> Result<HttpResponse, Problem> {
    let clock = context.test_clock.as_ref().ok_or_else(no_test_clock)?;
    let request: ClockRequest<'_> = body.read()?;
    let moved = match (request.advance_ms, request.set) {
        (Some(ms), None) => Some(clock.advance_ms(ms)),
        (None, Some(text)) => {
            let at = Timestamp::parse_rfc3339(&text).ok_or_else(|| {
                Problem::at(ApiCode::MalformedTime, "set", "write a time such as 2026-11-23T01:00:00Z")
            })?;
            clock.set(at)
        }
        _ => return Err(Problem::new(ApiCode::MalformedBody, "send either advance_ms or set")),
    };
    let now = moved.ok_or_else(|| {
        let detail = format!("the clock stands at {} and never goes back", clock.stands_at());
        Problem::at(ApiCode::OutOfRange, "set", detail)
    })?;
    tracing::info!(%now, "test clock moved");
    // Who moved it goes on as on any later day: no lane is still at the date before.
    context.engine.dates_follow().await;
    Ok(answer::ok(&ClockAnswer { now: Shown(now) }))
}

fn no_test_clock() -> Problem {
    Problem::new(ApiCode::NotFound, "this server goes by the machine's clock")
}
