//! The whole API on one page.

use actix_web::{
    App, FromRequest, Handler, Resource, Responder,
    body::{BoxBody, MessageBody},
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web::{self, Data, get, head, method},
};

use super::{
    accounts, alerts, audit,
    auth::Authenticate,
    authorize::Authorize,
    batch, business_date, checks, closings,
    context::Context,
    covers, currencies, customers, entries,
    envelope::envelope,
    exchanges, halts, interest,
    json::BodyBytesMax,
    keys, ledger, limits, openapi,
    operation::{Operation, Verb},
    pairs, positions,
    problem::{ApiCode, Problem},
    quotes, rate_stream, rates, reconciliations, reversals, rounds, statement, transactions,
};
use crate::telemetry::metrics::RouteMetrics;

/// Every resource below `/v1`, with its operations.
fn surface() -> Vec<At> {
    vec![
        // Paths are tried in this order: what is asked for most comes first.
        at("/exchanges").on(&exchanges::CREATE, exchanges::create).on(&exchanges::LIST, exchanges::list),
        at("/exchanges:batch").takes(batch::BYTES_MAX).on(&batch::CREATE, batch::create),
        at("/quotes").on(&quotes::CREATE, quotes::create),
        at("/customers").on(&customers::OPEN, customers::open).on(&customers::LIST, customers::list),
        at("/customers/{id}").on(&customers::GET, customers::get),
        at("/customers/{id}/limits").on(&customers::LIMITS, customers::get_limits),
        at("/customers/{id}/facts").on(&customers::STATE_FACT, customers::state_fact),
        at("/accounts").on(&accounts::OPEN, accounts::open).on(&accounts::LIST, accounts::list),
        at("/accounts/{id}").on(&accounts::GET, accounts::get),
        at("/accounts/{id}/balances").on(&accounts::BALANCES, accounts::get_balances),
        at("/accounts/{id}/statement").on(&statement::GET, statement::get),
        at("/accounts/{id}/entries").on(&entries::LIST, entries::list),
        at("/accounts/{id}/interest").on(&interest::CLAIM, interest::claim).on(&interest::GET, interest::get),
        at("/accounts/{id}/limits").on(&limits::OF_ACCOUNT, limits::get),
        at("/accounts/{id}/checks").on(&checks::TRY, checks::try_out),
        at("/accounts/{id}/facts").on(&accounts::STATE_FACT, accounts::state_fact),
        at("/accounts/{id}/close").on(&accounts::CLOSE, accounts::close),
        at("/currencies").on(&currencies::LIST, currencies::list),
        at("/pairs").on(&pairs::LIST, pairs::list),
        at("/pairs/{currency}").on(&pairs::GET, pairs::get),
        at("/rates").on(&rates::LIST, rates::list),
        at("/rates/stream").on(&rate_stream::STREAM, rate_stream::follow),
        at("/rates/{currency}").on(&rates::GET, rates::get),
        at("/rounds").on(&rounds::PUBLISH, rounds::publish).on(&rounds::LIST, rounds::list),
        at("/rounds/{id}").on(&rounds::GET, rounds::get),
        at("/rounds/{id}/void").on(&rounds::VOID, rounds::void),
        at("/halts").on(&halts::SET, halts::set).on(&halts::LIST, halts::list),
        at("/halts/{currency}/lift").on(&halts::LIFT, halts::lift),
        at("/quotes/{token}").on(&quotes::GET, quotes::get),
        at("/exchanges/{id}").on(&exchanges::GET, exchanges::get),
        at("/exchanges/{id}/reversal").on(&reversals::CREATE, reversals::create),
        at("/reversals/{id}").on(&reversals::GET, reversals::get),
        at("/deposits").on(&transactions::DEPOSIT, transactions::deposit),
        at("/withdrawals").on(&transactions::WITHDRAW, transactions::withdraw),
        at("/transfers").on(&transactions::TRANSFER, transactions::transfer),
        at("/transactions/{id}").on(&transactions::GET, transactions::get),
        at("/positions").on(&positions::LIST, positions::list),
        at("/positions/covers").on(&covers::CREATE, covers::create),
        at("/positions/covers/{id}").on(&covers::GET, covers::get),
        at("/ledger/accounts").on(&ledger::accounts::LIST, ledger::accounts::list),
        at("/ledger/journals").on(&ledger::journals::LIST, ledger::journals::list),
        at("/ledger/journals/{id}").on(&ledger::journals::GET, ledger::journals::get),
        at("/ledger/trial-balance").on(&ledger::trial_balance::GET, ledger::trial_balance::get),
        at("/ledger/lag").on(&ledger::lag::GET, ledger::lag::get),
        at("/ledger/dead-letters").on(&ledger::dead_letters::LIST, ledger::dead_letters::list),
        at("/business-date").on(&business_date::GET, business_date::get).on(&business_date::ROLL, business_date::roll),
        at("/closings").on(&closings::LIST, closings::list).on(&closings::CLOSE, closings::close),
        at("/closings/{date}").on(&closings::GET, closings::get),
        at("/reconciliations")
            .on(&reconciliations::START, reconciliations::start)
            .on(&reconciliations::LIST, reconciliations::list),
        at("/reconciliations/{id}").on(&reconciliations::GET, reconciliations::get),
        at("/idempotency-keys/{key}").on(&keys::GET, keys::get),
        at("/alerts").on(&alerts::LIST, alerts::list),
        at("/alerts/{id}").on(&alerts::GET, alerts::get),
        at("/alerts/{id}/acknowledge").on(&alerts::ACKNOWLEDGE, alerts::acknowledge),
        at("/alerts/{id}/resolve").on(&alerts::RESOLVE, alerts::resolve),
        at("/audit").on(&audit::LIST, audit::list),
    ]
}

/// The application, once for each worker.
pub fn app(
    context: Data<Context>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let scope = surface().into_iter().fold(web::scope("/v1"), |scope, at| scope.service(at.resource()));
    App::new()
        .app_data(context)
        // What can be read about the API needs no credentials.
        .service(open("/v1/openapi.json").route(get().to(openapi::document)).route(head().to(openapi::document)))
        .service(open("/v1/docs").route(get().to(openapi::page)).route(head().to(openapi::page)))
        .service(scope.default_service(web::to(nowhere)).wrap(Authenticate))
        .default_service(web::to(nowhere))
        .wrap(from_fn(envelope))
}

/// Every operation: for the document, and for whoever tests all of them.
pub fn operations() -> Vec<&'static Operation> {
    surface().into_iter().flat_map(|at| at.operations).collect()
}

/// A path below `/v1` and what can be done there.
struct At {
    #[cfg(test)]
    pattern: &'static str,
    resource: Resource,
    operations: Vec<&'static Operation>,
}

fn at(pattern: &'static str) -> At {
    At {
        #[cfg(test)]
        pattern,
        resource: web::resource(pattern).app_data(RouteMetrics::new(pattern)),
        operations: Vec::new(),
    }
}

impl At {
    /// With this operation, open to its roles alone.
    fn on<F, Args>(mut self, operation: &'static Operation, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder<Body: MessageBody> + 'static,
    {
        let verb = match operation.verb {
            Verb::Get => actix_web::http::Method::GET,
            Verb::Post => actix_web::http::Method::POST,
        };
        self.resource = self.resource.route(method(verb).to(handler).wrap(Authorize(operation)));
        self.operations.push(operation);
        self
    }

    /// Takes larger bodies than other resources.
    fn takes(mut self, bytes_max: usize) -> Self {
        self.resource = self.resource.app_data(BodyBytesMax(bytes_max));
        self
    }

    /// What is registered: it counts its answers and says which methods it has.
    fn resource(self) -> Resource {
        let verbs: Vec<&str> = self.operations.iter().map(|operation| operation.verb.as_str()).collect();
        refusing_others(self.resource, verbs.join(", "))
    }
}

/// A resource that needs no credentials.
fn open(pattern: &'static str) -> Resource {
    refusing_others(web::resource(pattern).app_data(RouteMetrics::new(pattern)), "GET, HEAD".to_owned())
}

fn refusing_others(resource: Resource, allow: String) -> Resource {
    resource.default_service(web::to(move || {
        let problem = Problem::method_not_allowed(allow.clone());
        async move { Err::<&str, _>(problem) }
    }))
}

async fn nowhere() -> Result<&'static str, Problem> {
    Err(Problem::new(ApiCode::NotFound, "no route has this path: GET /v1/openapi.json lists them, all under /v1"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_operation_stands_at_its_path_once_and_is_open_to_somebody() {
        let mut ids = HashSet::new();
        for at in surface() {
            for operation in &at.operations {
                assert_eq!(operation.path, at.pattern, "{}", operation.id);
                assert!(ids.insert(operation.id), "{}", operation.id);
                assert!(!operation.roles.is_empty(), "{} is open to nobody", operation.id);
            }
        }
    }
}
