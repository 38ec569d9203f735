//! What goes around every answer: whether the request names this server, its id and its trace, the body of a problem,
//! the route's metrics, and the line of the audit trail where there is to be one.

use std::time::Instant;

use actix_web::{
    Error, HttpMessage,
    body::BoxBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use tracing::Instrument;

use super::{
    context::Context,
    note,
    problem::{ApiCode, Problem},
    request_id::{self, RequestId},
    trace_parent,
};
use crate::telemetry::metrics::RouteMetrics;

/// Wraps the whole application.
pub(super) async fn envelope(request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let trace = trace_parent::of(request.headers());
    let known = request.app_data::<Data<Context>>().map_or(Ok(()), |context| context.hosts.check(&request));
    let answer = match (known, &trace) {
        (Err(problem), _) => request.error_response(problem),
        (Ok(()), None) => next.call(request).await?,
        (Ok(()), Some(trace)) => {
            // A span costs more than all else here, so only those pay that look for it.
            let traceparent = trace.to_str().unwrap_or_default();
            let span = tracing::info_span!("request", id = id.as_str(), traceparent);
            next.call(request).instrument(span).await?
        }
    };
    note::note(&answer, &id, trace.as_ref());
    let mut answer = written_out(answer, &id);
    tracing::debug!(
        id = id.as_str(),
        traceparent = text(trace.as_ref()),
        status = answer.status().as_u16(),
        "answered"
    );
    let draining = answer.request().app_data::<Data<Context>>().is_some_and(|context| context.is_draining());
    if draining {
        // The client's next request finds another instance sooner on a new connection.
        answer.response_mut().head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
    }
    if let Some(trace) = trace {
        answer.headers_mut().insert(trace_parent::HEADER.clone(), trace);
    }
    if let Some(id) = id.header() {
        answer.headers_mut().insert(request_id::HEADER.clone(), id);
    }
    if let Some(route) = answer.request().app_data::<RouteMetrics>() {
        route.answered(answer.status().as_u16(), began.elapsed());
    }
    Ok(answer)
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}

/// A problem with its body in place; anything else as it is.
fn written_out(answer: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    if answer.status().as_u16() < 400 {
        return answer;
    }
    let problem = answer.response().error().and_then(|error| error.as_error::<Problem>());
    let response = match problem {
        Some(problem) => problem.response(id),
        // A failure of the framework's own, such as a payload that breaks off.
        None if !answer.headers().contains_key(header::CONTENT_TYPE) => {
            let code = match answer.status() {
                StatusCode::BAD_REQUEST => ApiCode::MalformedBody,
                StatusCode::NOT_FOUND => ApiCode::NotFound,
                StatusCode::REQUEST_TIMEOUT => ApiCode::RequestTimeout,
                StatusCode::PAYLOAD_TOO_LARGE => ApiCode::BodyTooLarge,
                _ => return answer,
            };
            Problem::new(code, "the request cannot be read").response(id)
        }
        None => return answer,
    };
    answer.into_response(response)
}
