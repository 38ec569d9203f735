//! Whether this caller may use this operation. Refused by default: a route without an operation does not exist, and an
//! operation is open to the roles that it lists and to nobody else.

use std::{
    future::{Ready, ready},
    rc::Rc,
    sync::Arc,
};

use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest,
    body::BoxBody,
    dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use futures_util::future::Either;

use super::{
    note::Privileged,
    operation::Operation,
    problem::{ApiCode, Problem},
};
use crate::{
    access::principal::Principal,
    actors::command::{Reach, Viewer},
};

/// Who is asking: for handlers.
#[derive(Clone, Debug)]
pub(super) struct By(pub(super) Arc<Principal>);

impl By {
    /// What the caller may see.
    pub(super) fn viewer(&self) -> Viewer {
        let reach = if self.0.roles.is_confined() { Reach::OwnCustomers } else { Reach::All };
        Viewer { name: Arc::clone(&self.0.name), reach }
    }

    /// Spends more of the caller's allowance than the one request that the gate has taken.
    pub(super) fn admit_more(&self, cost: usize) -> Result<(), Problem> {
        let admitted = self.0.admit(u32::try_from(cost).unwrap_or(u32::MAX));
        admitted.map_err(|wait| Problem::rate_limited("the caller's allowance is spent", wait))
    }
}

impl FromRequest for By {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let principal = request.extensions().get::<Arc<Principal>>().map(|principal| Self(Arc::clone(principal)));
        // The gate before `/v1` lets nobody through unnamed.
        ready(principal.ok_or_else(|| Problem::new(ApiCode::Unauthorized, "the request comes from nobody")))
    }
}

/// Lets callers with a role of the operation through, answers 403 to all others.
pub(super) struct Authorize(pub(super) &'static Operation);

impl<S> Transform<S, ServiceRequest> for Authorize
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = RoleGate<S>;
    type InitError = ();
    type Future = Ready<Result<RoleGate<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(RoleGate { operation: self.0, service: Rc::new(service) }))
    }
}

/// The gate before one operation.
pub(super) struct RoleGate<S> {
    operation: &'static Operation,
    service: Rc<S>,
}

impl<S> Service<ServiceRequest> for RoleGate<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Either<Ready<Result<ServiceResponse<BoxBody>, Error>>, S::Future>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let may = request
            .extensions()
            .get::<Arc<Principal>>()
            .is_some_and(|principal| principal.roles.meets(self.operation.roles));
        if may {
            if self.operation.is_privileged {
                request.extensions_mut().insert(Privileged);
            }
            return Either::Right(self.service.call(request));
        }
        let detail = format!("{} takes one of the roles {}", self.operation.id, self.operation.roles);
        let problem = Problem::new(ApiCode::Forbidden, detail);
        Either::Left(ready(Ok(request.error_response(problem))))
    }
}
