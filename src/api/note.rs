//! Which answers leave a line in the audit trail: every 401 and 403, and whatever a privileged operation did.
//!
//! What moved money or changed a customer stands in the journal with its caller. Refusals do not; and what only some may
//! do (halt, lift, void, reverse, close, state a fact) stands in both, so that those who audit access find it in one
//! place. A route says that it is such a one by `Privileged` in its request's extensions.

use std::sync::Arc;

use actix_web::{
    HttpMessage, HttpRequest,
    body::BoxBody,
    dev::ServiceResponse,
    http::{StatusCode, header::HeaderValue},
    web::Data,
};

use super::{context::Context, problem::Problem, request_id::RequestId};
use crate::{
    access::{audit::Noted, principal::Principal, refused::Refused},
    tls::ClientCertificate,
};

/// In a request's extensions: what it does is privileged, and noted once it is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Privileged;

/// Notes the answer if it is one to be noted; its body is not written yet.
pub(super) fn note(answer: &ServiceResponse<BoxBody>, id: &RequestId, trace: Option<&HeaderValue>) {
    let (request, status) = (answer.request(), answer.status());
    let event = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "refused",
        _ if status.is_success() && request.extensions().contains::<Privileged>() => "privileged",
        _ => return,
    };
    let Some(context) = request.app_data::<Data<Context>>() else { return };
    let problem = answer.response().error().and_then(|error| error.as_error::<Problem>());
    write(
        context,
        request,
        &Noted {
            event,
            request_id: Some(id.as_str()),
            traceparent: trace.and_then(|value| value.to_str().ok()),
            status: Some(status.as_u16()),
            code: problem.map(Problem::code),
            ..Noted::default()
        },
    );
}

fn write(context: &Context, request: &HttpRequest, noted: &Noted<'_>) {
    let extensions = request.extensions();
    let principal = extensions.get::<Arc<Principal>>();
    let refused = extensions.get::<Refused>().copied();
    let key = principal.and_then(|principal| principal.key_id()).or_else(|| refused.and_then(Refused::key_id));
    let peer = request.peer_addr().map(|peer| peer.to_string());
    context.audit.note(&Noted {
        caller: principal.map(|principal| &*principal.name),
        key: key.as_ref().map(|id| id.as_str()),
        peer: peer.as_deref(),
        certificate: request.conn_data::<ClientCertificate>().map(|certificate| &*certificate.subject),
        method: Some(request.method().as_str()),
        path: Some(request.path()),
        detail: refused.map(Refused::as_str),
        ..*noted
    });
}
