//! The whole API on one page.

use actix_web::{
    App, Resource,
    body::BoxBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web::{self, Data, get, post},
};

use super::{
    accounts,
    auth::Authenticate,
    context::Context,
    currencies, customers,
    envelope::envelope,
    exchanges,
    problem::{ApiCode, Problem},
    quotes, rates, rounds, transactions,
};
use crate::telemetry::metrics::RouteMetrics;

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
    App::new()
        .app_data(context)
        .service(
            web::scope("/v1")
                .service(at("/exchanges", "POST").route(post().to(exchanges::create)))
                .service(at("/exchanges/{id}", "GET").route(get().to(exchanges::get)))
                .service(at("/quotes", "POST").route(post().to(quotes::create)))
                .service(at("/customers", "POST").route(post().to(customers::open)))
                .service(at("/customers/{id}", "GET").route(get().to(customers::get)))
                .service(at("/customers/{id}/facts", "POST").route(post().to(customers::state_fact)))
                .service(at("/accounts", "POST").route(post().to(accounts::open)))
                .service(at("/accounts/{id}", "GET").route(get().to(accounts::get)))
                .service(at("/accounts/{id}/balances", "GET").route(get().to(accounts::get_balances)))
                .service(at("/accounts/{id}/facts", "POST").route(post().to(accounts::state_fact)))
                .service(at("/deposits", "POST").route(post().to(transactions::deposit)))
                .service(at("/withdrawals", "POST").route(post().to(transactions::withdraw)))
                .service(at("/transfers", "POST").route(post().to(transactions::transfer)))
                .service(at("/transactions/{id}", "GET").route(get().to(transactions::get)))
                .service(at("/currencies", "GET").route(get().to(currencies::list)))
                .service(at("/rates", "GET").route(get().to(rates::list)))
                .service(at("/rates/{currency}", "GET").route(get().to(rates::get)))
                .service(at("/rounds", "POST").route(post().to(rounds::publish)))
                .service(at("/rounds/{id}", "GET").route(get().to(rounds::get)))
                .default_service(web::to(nowhere))
                .wrap(Authenticate),
        )
        .default_service(web::to(nowhere))
        .wrap(from_fn(envelope))
}

/// A resource that counts its answers and says which methods it has.
fn at(pattern: &'static str, allow: &'static str) -> Resource {
    web::resource(pattern)
        .app_data(RouteMetrics::new(pattern))
        .default_service(web::to(move || async move { Err::<&str, _>(Problem::method_not_allowed(allow.to_owned())) }))
}

async fn nowhere() -> Result<&'static str, Problem> {
    Err(Problem::new(ApiCode::NotFound, "no route has this path: the router's page lists them, all under /v1"))
}
