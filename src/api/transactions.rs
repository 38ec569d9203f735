//! `/v1/deposits`, `/v1/withdrawals`, `/v1/transfers`, and `/v1/transactions` to read them.

use actix_web::{HttpResponse, web};
use hwan_domain::{
    id::{AccountId, TransactionId},
    money::Money,
    record::{Event, Record},
    time::{BusinessDate, Timestamp},
};
use serde::{Deserialize, Serialize};

use super::{
    amount::Amount,
    answer::{self, Posting},
    context::Context,
    idempotency::RequiredKey,
    json::Body,
    path_id::PathId,
    problem::Problem,
    wire::{Shown, Text},
};
use crate::actors::command::Command;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CashRequest<'a> {
    #[serde(borrow)]
    account_id: Text<'a>,
    #[serde(borrow)]
    amount: Amount<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TransferRequest<'a> {
    #[serde(borrow)]
    from_account_id: Text<'a>,
    to_account_id: Text<'a>,
    #[serde(borrow)]
    amount: Amount<'a>,
}

/// A deposit, withdrawal or transfer that took place.
#[derive(Serialize)]
pub(super) struct TransactionAnswer {
    id: Shown<TransactionId>,
    kind: &'static str,
    postings: Vec<Posting>,
    at: Shown<Timestamp>,
    business_date: Shown<BusinessDate>,
}

impl TransactionAnswer {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            id: Shown(TransactionId::at(record.position)),
            kind: kind(&record.event).unwrap_or_else(|| record.event.name()),
            postings: record.event.legs().map(Posting::of).collect(),
            at: Shown(record.at),
            business_date: Shown(record.business_date),
        }
    }
}

const fn kind(event: &Event) -> Option<&'static str> {
    match event {
        Event::Deposited { .. } => Some("deposit"),
        Event::Withdrawn { .. } => Some("withdrawal"),
        Event::Transferred { .. } => Some("transfer"),
        _ => None,
    }
}

fn cash(body: &Body, context: &Context) -> Result<(AccountId, Money), Problem> {
    let request: CashRequest<'_> = body.read()?;
    Ok((request.account_id.id("account_id")?, request.amount.positive("amount", &context.currencies)?))
}

/// POST /v1/deposits
pub(super) async fn deposit(
    context: web::Data<Context>,
    key: RequiredKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (account, amount) = cash(&body, &context)?;
    context.execute(Some(key.0), &body, Command::Deposit { account, amount }).await
}

/// POST /v1/withdrawals
pub(super) async fn withdraw(
    context: web::Data<Context>,
    key: RequiredKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (account, amount) = cash(&body, &context)?;
    context.execute(Some(key.0), &body, Command::Withdraw { account, amount }).await
}

/// POST /v1/transfers
pub(super) async fn transfer(
    context: web::Data<Context>,
    key: RequiredKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: TransferRequest<'_> = body.read()?;
    let from = request.from_account_id.id("from_account_id")?;
    let to = request.to_account_id.id("to_account_id")?;
    let amount = request.amount.positive("amount", &context.currencies)?;
    context.execute(Some(key.0), &body, Command::Transfer { from, to, amount }).await
}

/// GET /v1/transactions/{id}
pub(super) async fn get(context: web::Data<Context>, id: PathId<TransactionId>) -> Result<HttpResponse, Problem> {
    let record = context.engine.record(id.0.position()).await?.ok_or_else(|| id.not_found())?;
    if kind(&record.event).is_none() {
        return Err(id.not_found());
    }
    Ok(answer::ok(&TransactionAnswer::of(&record)))
}
