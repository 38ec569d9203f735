//! `GET /v1/idempotency-keys/{key}`: what became of my request?

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::{
    id::{AccountId, ChangeId, CoverId, CustomerId, ExchangeId, ReversalId, TransactionId},
    record::{Event, Record},
    time::{BusinessDate, Timestamp},
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    accounts::OF_ACCOUNT,
    answer,
    authorize::By,
    context::Context,
    customers::OF_CUSTOMER,
    idempotency,
    openapi::texts::{AnyIdText, DateText, InstantText, KeyText},
    operation::{Described, Operation, Parameter, READERS, Shape},
    problem::{ApiCode, Problem},
    query::Query,
    wire::Shown,
};
use crate::{
    access::role::Roles,
    actors::view::{KeyScope, KeyView},
};

/// Whether a request is done.
#[derive(ToSchema)]
#[schema(as = KeyState, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum StateText {
    InFlight,
    Completed,
}

/// What became of a request. What follows the state is there once it is completed.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyUse)]
struct KeyAnswer<'a> {
    /// Its key.
    #[schema(value_type = KeyText)]
    key: &'a str,
    /// In flight: ask again. Completed: it took effect.
    #[schema(value_type = StateText)]
    state: &'static str,
    /// The kind of record that it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    event: Option<&'static str>,
    /// What it created or changed; absent for a round.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = AnyIdText, required = false)]
    id: Option<String>,
    /// Where that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    location: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = InstantText, required = false)]
    at: Option<Shown<Timestamp>>,
    /// On which business date.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = DateText, required = false)]
    business_date: Option<Shown<BusinessDate>>,
    /// The status of its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    status: Option<u16>,
    /// Its answer, byte for byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    body: Option<Box<RawValue>>,
}

impl<'a> KeyAnswer<'a> {
    const fn in_flight(key: &'a str) -> Self {
        Self {
            key,
            state: "in_flight",
            event: None,
            id: None,
            location: None,
            at: None,
            business_date: None,
            status: None,
            body: None,
        }
    }

    fn completed(key: &'a str, record: &Record) -> Self {
        let (id, folder) = place(record).unzip();
        let location = folder.flatten().zip(id.as_ref()).map(|(folder, id)| format!("/v1/{folder}/{id}"));
        Self {
            state: "completed",
            event: Some(record.event.name()),
            id,
            location,
            at: Some(Shown(record.at)),
            business_date: Some(Shown(record.business_date)),
            status: Some(201),
            body: Some(answer::raw(record)),
            ..Self::in_flight(key)
        }
    }
}

/// What a record created or changed, and under which folder it can be read.
pub(super) fn place(record: &Record) -> Option<(String, Option<&'static str>)> {
    let at = record.position;
    Some(match &record.event {
        Event::CustomerOpened { .. } => (CustomerId::at(at).to_string(), Some("customers")),
        Event::AccountOpened { .. } => (AccountId::at(at).to_string(), Some("accounts")),
        Event::Exchanged { .. } => (ExchangeId::at(at).to_string(), Some("exchanges")),
        Event::Reversed { .. } => (ReversalId::at(at).to_string(), Some("reversals")),
        Event::Covered { .. } => (CoverId::at(at).to_string(), Some("positions/covers")),
        Event::Deposited { .. } | Event::Withdrawn { .. } | Event::Transferred { .. } | Event::InterestPaid { .. } => {
            (TransactionId::at(at).to_string(), Some("transactions"))
        }
        Event::AccountFactStated { .. }
        | Event::CustomerFactStated { .. }
        | Event::AccountClosed { .. }
        | Event::RoundVoided { .. }
        | Event::PairHalted { .. }
        | Event::PairResumed { .. } => (ChangeId::at(at).to_string(), None),
        Event::DateRolled { .. } | Event::RoundPublished { .. } | Event::RoundRefused { .. } => return None,
    })
}

/// Looks a key up.
pub(super) const GET: Operation = Operation {
    roles: Roles::all(),
    named: Some(Parameter {
        name: "key",
        about: "The idempotency key of the request, percent-encoded",
        shape: Shape::of::<KeyText>(),
        example: "order-1",
    }),
    query: &[OF_CUSTOMER, OF_ACCOUNT],
    refusals: &[404],
    notes: "One's own keys alone. A key counts within a customer: name the customer, or an account of his, that the request \
            was about (the debit of a transfer); without either, a request that is about none (opening a customer, rounds, halts). \
            404 means that it took no effect: the same key may be sent again.",
    ..Operation::read(
        "keys.get",
        "/idempotency-keys/{key}",
        "Read what became of a request",
        Described { shape: Shape::of::<KeyAnswer<'_>>(), example: r#"{"key":"order-1","state":"in_flight"}"# },
    )
};

/// GET /v1/idempotency-keys/{key}
pub(super) async fn get(context: web::Data<Context>, by: By, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, &GET)?;
    let scope = match (query.id::<CustomerId>(&OF_CUSTOMER)?, query.id::<AccountId>(&OF_ACCOUNT)?) {
        (None, None) => KeyScope::Unscoped,
        (Some(customer), None) => KeyScope::Customer(customer),
        (None, Some(account)) => KeyScope::OwnerOf(account),
        (Some(_), Some(_)) => {
            let detail = "name the customer or an account, not both";
            return Err(Problem::at(ApiCode::OutOfRange, OF_ACCOUNT.name, detail));
        }
    };
    if scope != KeyScope::Unscoped && !by.0.roles.meets(READERS) {
        let detail = format!("keys of customers' requests take one of the roles {READERS}");
        return Err(Problem::new(ApiCode::Forbidden, detail));
    }
    let key = percent_decoded(request.match_info().get("key").unwrap_or_default());
    let key = idempotency::checked(&key)?;
    let not_found = || {
        let detail = "no request of yours with this key took effect here: it may be sent (again)";
        Problem::new(ApiCode::KeyNotFound, detail)
    };
    match context.engine.key(&by.viewer(), key, scope).await? {
        KeyView::Absent => Err(not_found()),
        KeyView::InFlight => Ok(answer::ok(&KeyAnswer::in_flight(key))),
        KeyView::Completed(record) => Ok(answer::ok(&KeyAnswer::completed(key, &record))),
    }
}

/// A path's text with its percent signs resolved; actix leaves a slash, a percent sign and a plus as they are.
fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}
