//! Who is calling: asked of the gate for each request under `/v1`, before anything of its body is read.
//!
//! A caller that is let in stands as `Arc<Principal>` in the request's extensions; what it may do there is the router's
//! to say. Nobody: 401. A caller beyond its allowance: 429.

use std::{
    future::{Ready, ready},
    rc::Rc,
    sync::Arc,
};

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::BoxBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::header::{AUTHORIZATION, HeaderValue},
    web,
};
use futures_util::future::{Either, LocalBoxFuture};

use super::{
    context::Context,
    problem::{ApiCode, Problem},
};
use crate::access::{principal::Principal, refused::Refused};

/// Lets requests of known callers through, answers all others.
pub(super) struct Authenticate;

impl<S> Transform<S, ServiceRequest> for Authenticate
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = Gate<S>;
    type InitError = ();
    type Future = Ready<Result<Gate<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Gate { service: Rc::new(service) }))
    }
}

/// Stands before `/v1`.
pub(super) struct Gate<S> {
    service: Rc<S>,
}

type Answered = Result<ServiceResponse<BoxBody>, Error>;

impl<S> Service<ServiceRequest> for Gate<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Either<Ready<Answered>, Either<S::Future, LocalBoxFuture<'static, Answered>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let Some(context) = request.app_data::<web::Data<Context>>() else {
            let problem = Problem::new(ApiCode::Unauthorized, "nobody is known here");
            return Either::Left(ready(Ok(request.error_response(problem))));
        };
        match context.access.authenticate(authorization(&request)) {
            Err(Refused::UnknownSigner) => {
                // The provider may have a new key: rare enough for a future of its own.
                let (context, service) = (context.clone(), Rc::clone(&self.service));
                Either::Right(Either::Right(Box::pin(async move {
                    context.access.read_key_set_again().await;
                    let again = context.access.authenticate(authorization(&request));
                    match admit(&context, &request, again) {
                        Ok(()) => service.call(request).await,
                        Err(problem) => Ok(request.error_response(problem)),
                    }
                })))
            }
            known => match admit(context, &request, known) {
                Ok(()) => Either::Right(Either::Left(self.service.call(request))),
                Err(problem) => Either::Left(ready(Ok(request.error_response(problem)))),
            },
        }
    }
}

fn authorization(request: &ServiceRequest) -> Option<&[u8]> {
    request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes)
}

/// Puts the caller into the request's extensions, if it may ask now.
fn admit(context: &Context, request: &ServiceRequest, known: Result<Arc<Principal>, Refused>) -> Result<(), Problem> {
    let principal = judge(context, request, known)?;
    request.extensions_mut().insert(principal);
    Ok(())
}

/// Who is calling with this header, if it may ask now.
pub(super) fn principal(context: &Context, request: &HttpRequest) -> Result<Arc<Principal>, Problem> {
    let authorization = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    judge(context, request, context.access.authenticate(authorization))
}

/// The caller, having spent its allowance. Why it is none stays with the request, for the audit trail.
fn judge(
    context: &Context,
    request: &impl HttpMessage,
    known: Result<Arc<Principal>, Refused>,
) -> Result<Arc<Principal>, Problem> {
    match known {
        Ok(principal) => match principal.admit(1) {
            Ok(()) => Ok(principal),
            Err(wait) => {
                context.access.metrics().callers_limited.increment(1);
                Err(Problem::rate_limited("the caller's allowance is spent", wait))
            }
        },
        Err(refused) => Err(refusal(context, request, refused)),
    }
}

fn refusal(context: &Context, request: &impl HttpMessage, refused: Refused) -> Problem {
    context.access.metrics().refused(refused.as_str());
    match context.access.admit_refusal() {
        Ok(()) => {
            let problem = Problem::new(ApiCode::Unauthorized, refused.to_string());
            request.extensions_mut().insert(refused);
            problem
        }
        Err(wait) => {
            context.access.metrics().strangers_limited.increment(1);
            Problem::rate_limited("too many requests without a right credential", wait)
        }
    }
}
