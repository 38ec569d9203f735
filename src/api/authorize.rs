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
    access::{principal::Principal, role::Role},
    actors::command::{Reach, Viewer},
};

/// Who is asking, and whose customers it reaches by this operation: for handlers.
#[derive(Clone, Debug)]
pub(super) struct By(pub(super) Arc<Principal>, pub(super) Reach);

impl By {
    /// What the caller may see.
    pub(super) fn viewer(&self) -> Viewer {
        Viewer { name: Arc::clone(&self.0.name), reach: self.1 }
    }

    /// Whether it reaches its own customers alone.
    pub(super) fn is_confined(&self) -> bool {
        self.1 == Reach::OwnCustomers
    }

    /// Spends as much of the caller's allowance as a request of many items takes beside the one that the gate has taken.
    pub(super) fn charge_more(&self, items: usize) {
        self.0.charge(u32::try_from(items).unwrap_or(u32::MAX));
    }
}

impl FromRequest for By {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        // Without a word on its reach a caller reaches the least.
        let reach = extensions.get::<Reach>().copied().unwrap_or(Reach::OwnCustomers);
        let principal = extensions.get::<Arc<Principal>>().map(|principal| Self(Arc::clone(principal), reach));
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
        let roles = request.extensions().get::<Arc<Principal>>().map(|principal| principal.roles);
        let roles = roles.filter(|roles| roles.meets(self.operation.roles));
        if let Some(roles) = roles {
            // By the channel's role alone it reaches its own customers, whatever else it may do elsewhere.
            let others = self.operation.roles.without(Role::CustomerChannel);
            let reach = if roles.meets(others) { Reach::All } else { Reach::OwnCustomers };
            request.extensions_mut().insert(reach);
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
