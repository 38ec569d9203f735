//! Answers. What was executed is answered from its record alone, so that a replay is equal byte for byte.

use actix_web::{HttpResponse, HttpResponseBuilder, http::StatusCode, http::header::CONTENT_TYPE};
use hwan_domain::{
    id::{AccountId, ChangeId, CustomerId},
    record::{Event, Leg, Record},
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    accounts::{ClosedAccount, OpenedAccount},
    amount::MoneyAnswer,
    business_date::RolledDate,
    covers::CoverTrade,
    customers::OpenedCustomer,
    exchanges::ExchangeAnswer,
    facts::ChangeAnswer,
    halts::{LiftedHalt, SetHalt},
    idempotency::REPLAYED,
    interest::PaymentAnswer,
    openapi::texts::AccountIdText,
    reversals::ReversalAnswer,
    rounds::{PublishedRound, VoidedRound},
    transactions::TransactionAnswer,
    wire::Shown,
};
use crate::actors::command::{Delivery, Executed};

/// Room for an exchange's answer without growing.
const BODY_CAPACITY: usize = 1_024;

/// The body as JSON.
pub(super) fn to_json(body: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BODY_CAPACITY);
    serde_json::to_writer(&mut bytes, body)
        .expect("an answer is made of texts and numbers under fixed names, and a vector takes every byte");
    bytes
}

/// 200 with a body.
pub(super) fn ok(body: &impl Serialize) -> HttpResponse {
    json(HttpResponse::Ok(), to_json(body))
}

/// 201 with a body that no record stands for.
pub(super) fn made(body: &impl Serialize) -> HttpResponse {
    json(HttpResponse::Created(), to_json(body))
}

/// This status with a body.
pub(super) fn with(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    json(HttpResponse::build(status), to_json(body))
}

/// 201 with what the record created, and whether an earlier request did.
pub(super) fn created(executed: &Executed) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::CREATED);
    if executed.delivery == Delivery::Replayed {
        response.insert_header((REPLAYED.clone(), "true"));
    }
    json(response, body(&executed.record))
}

fn json(mut response: HttpResponseBuilder, body: Vec<u8>) -> HttpResponse {
    response.insert_header((CONTENT_TYPE, "application/json")).body(body)
}

/// The answer to the command that made this record, as a piece of another answer.
pub(super) fn raw(record: &Record) -> Box<RawValue> {
    let text = String::from_utf8(body(record)).expect("JSON is UTF-8");
    RawValue::from_string(text).expect("it was written as JSON")
}

/// The answer to the command that made this record. Without a wildcard: a new event has to be placed here.
pub(super) fn body(record: &Record) -> Vec<u8> {
    match &record.event {
        Event::CustomerOpened { reference, channel } => to_json(&OpenedCustomer {
            id: Shown(CustomerId::at(record.position)),
            reference: reference.as_deref(),
            channel: channel.as_deref().unwrap_or(&record.origin.caller),
            opened_at: Shown(record.at),
            business_date: Shown(record.business_date),
        }),
        Event::AccountOpened { customer, kind } => to_json(&OpenedAccount {
            id: Shown(AccountId::at(record.position)),
            customer_id: Shown(*customer),
            kind: kind.as_str(),
            opened_at: Shown(record.at),
            business_date: Shown(record.business_date),
        }),
        Event::AccountClosed { account, customer } => to_json(&ClosedAccount::of(record, *account, *customer)),
        Event::AccountFactStated { account, customer, fact } => {
            to_json(&ChangeAnswer::of(record, ChangeId::at(record.position), *customer, Some(*account), fact))
        }
        Event::CustomerFactStated { customer, fact } => {
            to_json(&ChangeAnswer::of(record, ChangeId::at(record.position), *customer, None, fact))
        }
        Event::Deposited { .. } | Event::Withdrawn { .. } | Event::Transferred { .. } => {
            to_json(&TransactionAnswer::of(record))
        }
        Event::Exchanged { terms, quote, debit, credit, .. } => {
            to_json(&ExchangeAnswer::of(record, terms, *quote, (debit, credit), None))
        }
        Event::Reversed { .. } => to_json(&ReversalAnswer::of(record)),
        Event::InterestPaid { .. } => to_json(&PaymentAnswer::of(record)),
        Event::RoundPublished { round, findings } => to_json(&PublishedRound::of(Some(round), findings)),
        Event::RoundRefused { findings, .. } => to_json(&PublishedRound::of(None, findings)),
        Event::RoundVoided { round, currency, reason } => to_json(&VoidedRound::of(record, *round, currency, reason)),
        Event::PairHalted { currency, reason } => to_json(&SetHalt::of(record, currency, reason)),
        Event::PairResumed { currency } => to_json(&LiftedHalt::of(record, currency)),
        Event::Covered { cover } => to_json(&CoverTrade::of(record, cover)),
        Event::DateRolled { .. } => to_json(&RolledDate::of(record)),
    }
}

/// One side of a movement, as it is answered.
#[derive(Serialize, ToSchema)]
pub(super) struct Posting {
    /// The account.
    #[schema(value_type = AccountIdText)]
    account_id: Shown<AccountId>,
    /// What was posted: negative for a debit.
    amount: MoneyAnswer,
    /// What the account held of this currency afterwards.
    balance_after: MoneyAnswer,
    /// How many postings the account had had by then.
    version: u64,
}

impl Posting {
    pub(super) const fn of(leg: &Leg) -> Self {
        Self {
            account_id: Shown(leg.account),
            amount: MoneyAnswer(leg.amount),
            balance_after: MoneyAnswer(leg.balance_after),
            version: leg.version,
        }
    }
}
