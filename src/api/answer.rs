//! Answers. What was executed is answered from its record alone, so that a replay is equal byte for byte.

use actix_web::{HttpResponse, HttpResponseBuilder, http::StatusCode, http::header::CONTENT_TYPE};
use hwan_domain::{
    id::{AccountId, ChangeId, CustomerId, ExchangeId},
    record::{Event, Leg, Record},
    time::{BusinessDate, Timestamp},
};
use serde::Serialize;

use super::{
    accounts::OpenedAccount, amount::MoneyAnswer, customers::OpenedCustomer, exchanges::ExchangeAnswer,
    facts::ChangeAnswer, idempotency::REPLAYED, rounds::PublishedRound, transactions::TransactionAnswer, wire::Shown,
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

/// The answer to the command that made this record. Without a wildcard: a new event has to be placed here.
fn body(record: &Record) -> Vec<u8> {
    match &record.event {
        Event::CustomerOpened { reference, .. } => to_json(&OpenedCustomer {
            id: Shown(CustomerId::at(record.position)),
            reference: reference.as_deref(),
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
            to_json(&ExchangeAnswer::of(record, ExchangeId::at(record.position), terms, *quote, debit, credit))
        }
        Event::RoundPublished { round, findings } => to_json(&PublishedRound::of(Some(round), findings)),
        Event::RoundRefused { findings, .. } => to_json(&PublishedRound::of(None, findings)),
        // No route asks for these yet.
        Event::AccountClosed { .. }
        | Event::Reversed { .. }
        | Event::DateRolled { .. }
        | Event::RoundVoided { .. }
        | Event::PairHalted { .. }
        | Event::PairResumed { .. } => to_json(&EventAnswer {
            event: record.event.name(),
            at: Shown(record.at),
            business_date: Shown(record.business_date),
        }),
    }
}

#[derive(Serialize)]
struct EventAnswer {
    event: &'static str,
    at: Shown<Timestamp>,
    business_date: Shown<BusinessDate>,
}

/// One side of a movement, as it is answered.
#[derive(Serialize)]
pub(super) struct Posting {
    account_id: Shown<AccountId>,
    amount: MoneyAnswer,
    balance_after: MoneyAnswer,
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
