//! `/v1/customers`: opening, reading, stating facts.

use actix_web::{HttpResponse, web};
use hwan_domain::{
    check::Subject,
    id::{AccountId, CustomerId},
    time::{BusinessDate, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::{
    amount::WonAnswer,
    answer,
    context::Context,
    facts::{FactAnswer, FactRequest},
    idempotency::OptionalKey,
    json::Body,
    path_id::PathId,
    problem::{ApiCode, Problem},
    wire::{Shown, Text},
};
use crate::actors::{command::Command, view::CustomerView};

/// The longest reference, in characters.
const REFERENCE_LEN_MAX: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenRequest<'a> {
    #[serde(borrow)]
    reference: Option<Text<'a>>,
}

/// A customer that was opened.
#[derive(Serialize)]
pub(super) struct OpenedCustomer<'a> {
    pub(super) id: Shown<CustomerId>,
    pub(super) reference: Option<&'a str>,
    pub(super) opened_at: Shown<Timestamp>,
    pub(super) business_date: Shown<BusinessDate>,
}

#[derive(Serialize)]
struct CustomerAnswer<'a> {
    id: Shown<CustomerId>,
    reference: Option<&'a str>,
    accounts: Vec<Shown<AccountId>>,
    facts: Vec<FactAnswer>,
    limits: Limits,
}

#[derive(Serialize)]
struct Limits {
    daily: Limit,
    monthly: Limit,
}

#[derive(Serialize)]
struct Limit {
    max: WonAnswer,
    used: WonAnswer,
    in_flight: WonAnswer,
    remaining: WonAnswer,
    reset_at: Shown<Timestamp>,
}

impl Limit {
    const fn of(max: i64, used: i64, in_flight: i64, reset_at: Timestamp) -> Self {
        let remaining = max.saturating_sub(used).saturating_sub(in_flight);
        Self {
            max: WonAnswer(max),
            used: WonAnswer(used),
            in_flight: WonAnswer(in_flight),
            remaining: WonAnswer(if remaining < 0 { 0 } else { remaining }),
            reset_at: Shown(reset_at),
        }
    }
}

/// POST /v1/customers
pub(super) async fn open(context: web::Data<Context>, key: OptionalKey, body: Body) -> Result<HttpResponse, Problem> {
    let request: OpenRequest<'_> = body.read()?;
    let reference = request.reference.map(|reference| reference_of(&reference)).transpose()?;
    context.execute(key.0, &body, Command::OpenCustomer { reference, channel: None }).await
}

fn reference_of(text: &Text<'_>) -> Result<Box<str>, Problem> {
    let reference = text.as_str();
    let length = reference.chars().count();
    if !(1..=REFERENCE_LEN_MAX).contains(&length) || reference.chars().any(char::is_control) {
        let detail = format!("a reference has 1 to {REFERENCE_LEN_MAX} characters, none of them a control character");
        return Err(Problem::at(ApiCode::OutOfRange, "reference", detail));
    }
    Ok(reference.into())
}

/// GET /v1/customers/{id}
pub(super) async fn get(context: web::Data<Context>, id: PathId<CustomerId>) -> Result<HttpResponse, Problem> {
    let view = context.engine.customer(&context.viewer(), id.0).await?.ok_or_else(|| id.not_found())?;
    let CustomerView { state, accounts, in_flight_won, window, at } = &view;
    let (policy, used) = (context.engine.policy(), state.limits.at(*at));
    Ok(answer::ok(&CustomerAnswer {
        id: Shown(state.id),
        reference: state.reference.as_deref(),
        accounts: accounts.iter().copied().map(Shown).collect(),
        facts: state.facts.iter().map(FactAnswer::of).collect(),
        limits: Limits {
            daily: Limit::of(policy.daily_won, used.day_won, *in_flight_won, window.day_ends),
            monthly: Limit::of(policy.monthly_won, used.month_won, *in_flight_won, window.month_ends),
        },
    }))
}

/// POST /v1/customers/{id}/facts
pub(super) async fn state_fact(
    context: web::Data<Context>,
    id: PathId<CustomerId>,
    key: OptionalKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: FactRequest<'_> = body.read()?;
    let (now, _) = context.engine.now();
    let fact = request.fact(Subject::Customer, now, &context.currencies)?;
    context.execute(key.0, &body, Command::StateCustomerFact { customer: id.0, fact }).await
}
