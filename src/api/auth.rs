//! Who is calling: asked of the gate for each request under `/v1`, before anything of its body is read.
//!
//! A caller that is let in stands as `Arc<Principal>` in the request's extensions; what it may do there is the router's
//! to say. Nobody: 401. A caller beyond its allowance: 429.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    Error, HttpMessage,
    body::BoxBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::header::AUTHORIZATION,
    web,
};
use futures_util::future::Either;

use super::{
    context::Context,
    problem::{ApiCode, Problem},
};
use crate::access::principal::Principal;

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
        ready(Ok(Gate { service }))
    }
}

/// Stands before `/v1`.
pub(super) struct Gate<S> {
    service: S,
}

impl<S> Service<ServiceRequest> for Gate<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Either<Ready<Result<ServiceResponse<BoxBody>, Error>>, S::Future>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        match principal(&request) {
            Ok(principal) => {
                request.extensions_mut().insert(principal);
                Either::Right(self.service.call(request))
            }
            Err(problem) => Either::Left(ready(Ok(request.error_response(problem)))),
        }
    }
}

/// Who is calling, if it may ask now.
fn principal(request: &ServiceRequest) -> Result<Arc<Principal>, Problem> {
    let Some(context) = request.app_data::<web::Data<Context>>() else {
        return Err(Problem::new(ApiCode::Unauthorized, "nobody is known here"));
    };
    let authorization = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes());
    match context.access.authenticate(authorization) {
        Ok(principal) => match principal.admit(1) {
            Ok(()) => Ok(principal),
            Err(wait) => Err(Problem::rate_limited("the caller's allowance is spent", wait)),
        },
        Err(refused) => match context.access.admit_refusal() {
            Ok(()) => Err(Problem::new(ApiCode::Unauthorized, refused.to_string())),
            Err(wait) => Err(Problem::rate_limited("too many requests without a right credential", wait)),
        },
    }
}
