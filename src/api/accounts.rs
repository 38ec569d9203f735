//! `/v1/accounts`: opening, reading, balances, stating facts.

use actix_web::{HttpResponse, web};
use hwan_domain::{
    account::AccountKind,
    check::Subject,
    id::{AccountId, CustomerId},
    money::Money,
    time::{BusinessDate, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::{
    amount::MoneyAnswer,
    answer,
    context::Context,
    facts::{FactAnswer, FactRequest},
    idempotency::OptionalKey,
    json::Body,
    path_id::PathId,
    problem::{ApiCode, Problem},
    wire::{Shown, Text},
};
use crate::actors::{command::Command, view::AccountView};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenRequest<'a> {
    #[serde(borrow)]
    customer_id: Text<'a>,
    kind: Text<'a>,
}

/// An account that was opened.
#[derive(Serialize)]
pub(super) struct OpenedAccount {
    pub(super) id: Shown<AccountId>,
    pub(super) customer_id: Shown<CustomerId>,
    pub(super) kind: &'static str,
    pub(super) opened_at: Shown<Timestamp>,
    pub(super) business_date: Shown<BusinessDate>,
}

#[derive(Serialize)]
struct AccountAnswer {
    id: Shown<AccountId>,
    customer_id: Shown<CustomerId>,
    kind: &'static str,
    version: u64,
    facts: Vec<FactAnswer>,
    balances: Vec<BalanceAnswer>,
}

#[derive(Serialize)]
struct BalancesAnswer {
    account_id: Shown<AccountId>,
    version: u64,
    at: Shown<Timestamp>,
    business_date: Shown<BusinessDate>,
    balances: Vec<BalanceAnswer>,
}

#[derive(Serialize)]
struct BalanceAnswer {
    currency: String,
    booked: MoneyAnswer,
    available: MoneyAnswer,
    reserved: MoneyAnswer,
}

/// One entry for each currency that ever had a posting, in the order of their codes.
fn balances(view: &AccountView) -> Vec<BalanceAnswer> {
    let mut booked: Vec<Money> = view.state.balances.iter().map(|balance| balance.amount).collect();
    booked.sort_by_key(|money| money.currency());
    booked
        .into_iter()
        .map(|booked| BalanceAnswer {
            currency: booked.currency().code().to_owned(),
            booked: MoneyAnswer(booked),
            available: MoneyAnswer(of_currency(booked, view.available.iter().copied())),
            reserved: MoneyAnswer(of_currency(booked, view.reserved)),
        })
        .collect()
}

fn of_currency(booked: Money, amounts: impl IntoIterator<Item = Money>) -> Money {
    let currency = booked.currency();
    amounts.into_iter().find(|money| money.currency() == currency).unwrap_or(Money::zero(currency))
}

/// POST /v1/accounts
pub(super) async fn open(context: web::Data<Context>, key: OptionalKey, body: Body) -> Result<HttpResponse, Problem> {
    let request: OpenRequest<'_> = body.read()?;
    let customer = request.customer_id.id("customer_id")?;
    let kind = AccountKind::parse(request.kind.as_str())
        .ok_or_else(|| Problem::at(ApiCode::OutOfRange, "kind", "expected won or foreign"))?;
    context.execute(key.0, &body, Command::OpenAccount { customer, kind }).await
}

/// GET /v1/accounts/{id}
pub(super) async fn get(context: web::Data<Context>, id: PathId<AccountId>) -> Result<HttpResponse, Problem> {
    let view = context.engine.account(&context.viewer(), id.0).await?.ok_or_else(|| id.not_found())?;
    Ok(answer::ok(&AccountAnswer {
        id: Shown(view.state.id),
        customer_id: Shown(view.state.customer),
        kind: view.state.kind.as_str(),
        version: view.state.version(),
        facts: view.state.facts.iter().map(FactAnswer::of).collect(),
        balances: balances(&view),
    }))
}

/// GET /v1/accounts/{id}/balances
pub(super) async fn get_balances(context: web::Data<Context>, id: PathId<AccountId>) -> Result<HttpResponse, Problem> {
    let view = context.engine.account(&context.viewer(), id.0).await?.ok_or_else(|| id.not_found())?;
    Ok(answer::ok(&BalancesAnswer {
        account_id: Shown(view.state.id),
        version: view.state.version(),
        at: Shown(view.at),
        business_date: Shown(view.business_date),
        balances: balances(&view),
    }))
}

/// POST /v1/accounts/{id}/facts
pub(super) async fn state_fact(
    context: web::Data<Context>,
    id: PathId<AccountId>,
    key: OptionalKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: FactRequest<'_> = body.read()?;
    let (now, _) = context.engine.now();
    let fact = request.fact(Subject::Account, now, &context.currencies)?;
    context.execute(key.0, &body, Command::StateAccountFact { account: id.0, fact, expected: None }).await
}
