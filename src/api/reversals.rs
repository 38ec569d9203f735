//! `/v1/exchanges/{id}/reversal` and `/v1/reversals`: an exchange is taken back at its original numbers.

use actix_web::{HttpResponse, web};
use hwan_domain::{
    exchange::Side,
    id::{CustomerId, ExchangeId, ReversalId},
    record::{Event, Landing, Record},
    time::{BusinessDate, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    amount::MoneyAnswer,
    answer::{self, Posting},
    authorize::By,
    context::Context,
    exchanges,
    idempotency::RequiredKey,
    json::Body,
    openapi::texts::{CustomerIdText, DateText, ExchangeIdText, InstantText, ReversalIdText},
    operation::{Described, KeyRule, Operation, Parameter, Shape},
    path_id::PathId,
    problem::Problem,
    reason::{ReasonText, reason},
    wire::{Shown, Text},
};
use crate::{
    access::role::{Role, Roles},
    actors::command::Command,
};

/// Why an exchange is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewReversal<'a> {
    /// Why: it stands in the journal and is shown with the reversal.
    #[serde(borrow)]
    #[schema(value_type = ReasonText)]
    reason: Text<'a>,
}

/// A reversal: both amounts of an exchange went back, whatever the rate is now.
#[derive(Serialize, ToSchema)]
#[schema(as = Reversal)]
pub(super) struct ReversalAnswer<'a> {
    /// Its id.
    #[schema(value_type = ReversalIdText)]
    id: Shown<ReversalId>,
    /// What was taken back.
    #[schema(value_type = ExchangeIdText)]
    exchange_id: Shown<ExchangeId>,
    /// Whose.
    #[schema(value_type = CustomerIdText)]
    customer_id: Shown<CustomerId>,
    /// Why.
    #[schema(value_type = ReasonText)]
    reason: &'a str,
    /// The won leg: back to the customer after a buy.
    won: MoneyAnswer,
    /// The foreign leg: back to the customer after a sale.
    foreign: MoneyAnswer,
    /// The debit, then the credit; without a credit where the money waits in suspense.
    postings: Vec<Posting>,
    /// What waits in suspense, because its account is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = MoneyAnswer, required = false)]
    suspense: Option<MoneyAnswer>,
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
}

impl<'a> ReversalAnswer<'a> {
    /// Of a record that is a reversal.
    pub(super) fn of(record: &'a Record) -> Option<Self> {
        let Event::Reversed { exchange, reason, terms, debit, landing, .. } = &record.event else { return None };
        let (credit, suspense) = match landing {
            Landing::Account(leg) => (leg.amount, None),
            Landing::Suspense(money) => (*money, Some(MoneyAnswer(*money))),
        };
        let debited = debit.amount.negated();
        let (won, foreign) = match terms.side {
            Side::Buy => (credit, debited),
            Side::Sell => (debited, credit),
        };
        Some(Self {
            id: Shown(ReversalId::at(record.position)),
            exchange_id: Shown(*exchange),
            customer_id: Shown(debit.customer),
            reason,
            won: MoneyAnswer(won),
            foreign: MoneyAnswer(foreign),
            postings: record.event.legs().map(Posting::of).collect(),
            suspense,
            at: Shown(record.at),
            business_date: Shown(record.business_date),
        })
    }
}

const EXAMPLE: &str = r#"{"id":"rev_0008000000007","exchange_id":"exg_0008000000006","customer_id":"cus_0008000000002","reason":"wrong rate","won":{"amount":"135050","currency":"KRW"},"foreign":{"amount":"100.00","currency":"USD"},"postings":[{"account_id":"acc_0008000000004","amount":{"amount":"-100.00","currency":"USD"},"balance_after":{"amount":"0.00","currency":"USD"},"version":2},{"account_id":"acc_0008000000003","amount":{"amount":"135050","currency":"KRW"},"balance_after":{"amount":"1000000","currency":"KRW"},"version":3}],"at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#;

/// Takes an exchange back.
pub(super) const CREATE: Operation = Operation {
    is_privileged: true,
    roles: Roles::of(&[Role::Teller]),
    key: KeyRule::Required,
    named: Some(exchanges::NAMED),
    notes: "Once for each exchange, at its original numbers. The credit passes holds and blocks; if its account is closed the \
            money waits in suspense. What the exchange used of the limits is given back while the same limit day or month lasts; the daily cap of a \
            limited account is not.",
    ..Operation::command(
        "exchanges.reverse",
        "/exchanges/{id}/reversal",
        "Take an exchange back",
        Described { shape: Shape::of::<NewReversal<'_>>(), example: r#"{"reason":"wrong rate"}"# },
        Described { shape: Shape::of::<ReversalAnswer<'_>>(), example: EXAMPLE },
    )
};

/// Reads a reversal.
pub(super) const GET: Operation = Operation {
    named: Some(Parameter {
        name: "id",
        about: "The reversal",
        shape: Shape::of::<ReversalIdText>(),
        example: "rev_0008000000007",
    }),
    refusals: &[404],
    ..Operation::read(
        "reversals.get",
        "/reversals/{id}",
        "Read a reversal",
        Described { shape: Shape::of::<ReversalAnswer<'_>>(), example: EXAMPLE },
    )
};

/// POST /v1/exchanges/{id}/reversal
pub(super) async fn create(
    context: web::Data<Context>,
    by: By,
    id: PathId<ExchangeId>,
    key: RequiredKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: NewReversal<'_> = body.read()?;
    let reason = reason(&request.reason)?;
    let exchange = context.record_for(&by, id.0.position()).await?.ok_or_else(|| id.not_found())?;
    context.execute(&by, Some(key.0), &body, Command::Reverse { exchange, reason }).await
}

/// GET /v1/reversals/{id}
pub(super) async fn get(context: web::Data<Context>, by: By, id: PathId<ReversalId>) -> Result<HttpResponse, Problem> {
    let record = context.record_for(&by, id.0.position()).await?.ok_or_else(|| id.not_found())?;
    ReversalAnswer::of(&record).map(|reversal| answer::ok(&reversal)).ok_or_else(|| id.not_found())
}
