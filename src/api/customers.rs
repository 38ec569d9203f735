//! `/v1/customers`: opening, listing, reading, limits, stating facts.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::{
    check::Subject,
    id::{AccountId, CustomerId, Position},
    time::{BusinessDate, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer,
    authorize::By,
    context::Context,
    facts::{self, FactAnswer, FactRequest},
    idempotency::OptionalKey,
    json::Body,
    limits::LimitsAnswer,
    openapi::texts::{AccountIdText, CallerText, CustomerIdText, DateText, InstantText, ReferenceText},
    operation::{Described, MONEY, Operation, Parameter, Shape},
    page::{self, Cursor},
    path_id::PathId,
    problem::{ApiCode, Problem},
    query::Query,
    wire::{Shown, Text},
};
use crate::{
    access::role::{Role, Roles},
    actors::{
        command::Command,
        reads::{CustomerFilter, ListedCustomer},
    },
};

/// The longest reference, in characters.
const REFERENCE_LEN_MAX: usize = 64;
/// The longest name of a caller.
const CHANNEL_LEN_MAX: usize = 140;

/// The id that a path names.
pub(super) const NAMED: Parameter =
    Parameter { name: "id", about: "The customer", shape: Shape::of::<CustomerIdText>(), example: "cus_0008000000002" };

/// The customer that a query names.
pub(super) const OF_CUSTOMER: Parameter = Parameter { name: "customer_id", ..NAMED };

const REFERENCE: Parameter = Parameter {
    name: "reference",
    about: "Only customers with exactly this reference",
    shape: Shape::of::<ReferenceText>(),
    example: "kim-1",
};

/// A customer to be opened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCustomer<'a> {
    /// The bank's own name for the customer: an opaque reference, never a person's name.
    #[serde(borrow)]
    #[schema(value_type = Option<ReferenceText>)]
    reference: Option<Text<'a>>,
    /// To whom the customer belongs, if not to the caller; a teller may say.
    #[schema(value_type = Option<CallerText>)]
    channel: Option<Text<'a>>,
}

/// A customer that was opened.
#[derive(Serialize, ToSchema)]
pub(super) struct OpenedCustomer<'a> {
    /// The new id.
    #[schema(value_type = CustomerIdText)]
    pub(super) id: Shown<CustomerId>,
    /// The bank's own name for it.
    #[schema(required)]
    pub(super) reference: Option<&'a str>,
    /// To whom it belongs.
    #[schema(value_type = CallerText)]
    pub(super) channel: &'a str,
    /// When.
    #[schema(value_type = InstantText)]
    pub(super) opened_at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    pub(super) business_date: Shown<BusinessDate>,
}

/// A customer.
#[derive(Serialize, ToSchema)]
struct Customer<'a> {
    /// Its id.
    #[schema(value_type = CustomerIdText)]
    id: Shown<CustomerId>,
    /// The bank's own name for it.
    #[schema(required)]
    reference: Option<&'a str>,
    /// To whom it belongs.
    #[schema(value_type = CallerText)]
    channel: &'a str,
    /// All accounts, closed ones too.
    #[schema(value_type = Vec<AccountIdText>)]
    accounts: Vec<Shown<AccountId>>,
    /// What stands against the customer, or will.
    facts: Vec<FactAnswer>,
    /// What is used of the limits.
    limits: LimitsAnswer,
}

/// A customer in a list.
#[derive(Serialize, ToSchema)]
struct CustomerEntry {
    /// Its id.
    #[schema(value_type = CustomerIdText)]
    id: Shown<CustomerId>,
    /// The bank's own name for it.
    #[schema(value_type = Option<String>, required)]
    reference: Option<Arc<str>>,
    /// To whom it belongs.
    #[schema(value_type = CallerText)]
    channel: Arc<str>,
    /// When it was opened.
    #[schema(value_type = InstantText)]
    opened_at: Shown<Timestamp>,
}

/// A page of customers, by id.
#[derive(Serialize, ToSchema)]
struct CustomerPage {
    /// The customers.
    items: Vec<CustomerEntry>,
    /// Where to go on; null at the end.
    #[schema(value_type = Option<super::openapi::texts::CursorText>, required)]
    next_cursor: Option<Cursor>,
}

/// A customer's limits into foreign currency.
#[derive(Serialize, ToSchema)]
struct CustomerLimits {
    /// Whose.
    #[schema(value_type = CustomerIdText)]
    customer_id: Shown<CustomerId>,
    #[serde(flatten)]
    limits: LimitsAnswer,
}

const EXAMPLE: &str = r#"{"id":"cus_0008000000002","reference":"kim-1","channel":"operator","accounts":["acc_0008000000003","acc_0008000000004"],"facts":[],"limits":{"daily":{"max":{"amount":"10000000","currency":"KRW"},"used":{"amount":"135050","currency":"KRW"},"in_flight":{"amount":"0","currency":"KRW"},"remaining":{"amount":"9864950","currency":"KRW"},"reset_at":"2026-11-24T00:00:00.000000Z"},"monthly":{"max":{"amount":"100000000","currency":"KRW"},"used":{"amount":"135050","currency":"KRW"},"in_flight":{"amount":"0","currency":"KRW"},"remaining":{"amount":"99864950","currency":"KRW"},"reset_at":"2026-12-01T00:00:00.000000Z"}}}"#;

/// Opens a customer.
pub(super) const OPEN: Operation = Operation {
    roles: MONEY,
    notes: "A customer belongs to the caller who opened it: a channel sees its own customers alone.",
    ..Operation::command(
        "customers.open",
        "/customers",
        "Open a customer",
        Described { shape: Shape::of::<NewCustomer<'_>>(), example: r#"{"reference":"kim-1"}"# },
        Described {
            shape: Shape::of::<OpenedCustomer<'_>>(),
            example: r#"{"id":"cus_0008000000002","reference":"kim-1","channel":"operator","opened_at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#,
        },
    )
};

/// Lists customers.
pub(super) const LIST: Operation = Operation {
    query: &[REFERENCE, page::LIMIT, page::CURSOR],
    ..Operation::read(
        "customers.list",
        "/customers",
        "List customers, by id",
        Described {
            shape: Shape::of::<CustomerPage>(),
            example: r#"{"items":[{"id":"cus_0008000000002","reference":"kim-1","channel":"operator","opened_at":"2026-11-23T01:00:00.000000Z"}],"next_cursor":null}"#,
        },
    )
};

/// Reads a customer.
pub(super) const GET: Operation = Operation {
    named: Some(NAMED),
    refusals: &[404],
    ..Operation::read(
        "customers.get",
        "/customers/{id}",
        "Read a customer",
        Described { shape: Shape::of::<Customer<'_>>(), example: EXAMPLE },
    )
};

/// Reads a customer's limits.
pub(super) const LIMITS: Operation = Operation {
    named: Some(NAMED),
    refusals: &[404],
    notes: "What exchanges in flight have reserved counts against what remains.",
    ..Operation::read(
        "customers.limits",
        "/customers/{id}/limits",
        "Read what is used of a customer's limits, and when they begin anew",
        Described {
            shape: Shape::of::<CustomerLimits>(),
            example: r#"{"customer_id":"cus_0008000000002","daily":{"max":{"amount":"10000000","currency":"KRW"},"used":{"amount":"0","currency":"KRW"},"in_flight":{"amount":"0","currency":"KRW"},"remaining":{"amount":"10000000","currency":"KRW"},"reset_at":"2026-11-24T00:00:00.000000Z"},"monthly":{"max":{"amount":"100000000","currency":"KRW"},"used":{"amount":"0","currency":"KRW"},"in_flight":{"amount":"0","currency":"KRW"},"remaining":{"amount":"100000000","currency":"KRW"},"reset_at":"2026-12-01T00:00:00.000000Z"}}"#,
        },
    )
};

/// States a fact about a customer.
pub(super) const STATE_FACT: Operation = Operation {
    is_privileged: true,
    roles: Roles::of(&[Role::Ops]),
    named: Some(NAMED),
    notes: facts::NOTES,
    ..Operation::command(
        "customers.facts.state",
        "/customers/{id}/facts",
        "State or lift a fact about a customer",
        Described { shape: Shape::of::<FactRequest<'_>>(), example: r#"{"check":"deceased"}"# },
        Described {
            shape: Shape::of::<facts::ChangeAnswer>(),
            example: r#"{"id":"chg_0008000000008","customer_id":"cus_0008000000002","fact":{"check":"deceased","effective_from":"2026-11-23T15:00:00.000000Z"},"at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#,
        },
    )
};

/// POST /v1/customers
pub(super) async fn open(
    context: web::Data<Context>,
    by: By,
    key: OptionalKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: NewCustomer<'_> = body.read()?;
    let reference = request.reference.as_ref().map(|text| reference_of(text.as_str())).transpose()?;
    let channel = request.channel.as_ref().map(|channel| channel_of(channel, &by)).transpose()?;
    context.execute(&by, key.0, &body, Command::OpenCustomer { reference, channel }).await
}

/// The bank's own name for something of its own, in `reference`.
pub(super) fn reference_of(reference: &str) -> Result<Box<str>, Problem> {
    let length = reference.chars().count();
    if !(1..=REFERENCE_LEN_MAX).contains(&length) || reference.chars().any(char::is_control) {
        let detail = format!("a reference has 1 to {REFERENCE_LEN_MAX} characters, none of them a control character");
        return Err(Problem::at(ApiCode::OutOfRange, "reference", detail));
    }
    Ok(reference.into())
}

/// To whom a customer is to belong. A channel can only name itself.
fn channel_of(text: &Text<'_>, by: &By) -> Result<Arc<str>, Problem> {
    let channel = text.as_str();
    if !(1..=CHANNEL_LEN_MAX).contains(&channel.len()) || !channel.bytes().all(|byte| byte.is_ascii_graphic()) {
        let detail = format!("a caller's name has 1 to {CHANNEL_LEN_MAX} visible ASCII characters");
        return Err(Problem::at(ApiCode::OutOfRange, "channel", detail));
    }
    if channel != &*by.0.name && !by.0.roles.has(Role::Teller) {
        return Err(Problem::at(ApiCode::Forbidden, "channel", "a teller may open customers for another caller"));
    }
    Ok(channel.into())
}

/// GET /v1/customers
pub(super) async fn list(context: web::Data<Context>, by: By, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, &LIST)?;
    let (limit, cursor) = (query.limit()?, Cursor::of(&query)?);
    let filter = CustomerFilter {
        reference: query.text(&REFERENCE).map(|text| reference_of(text).map(Arc::from)).transpose()?,
        channel: by.is_confined().then(|| by.0.name.clone()),
    };
    let malformed = || Problem::at(ApiCode::MalformedCursor, page::CURSOR.name, "it is no cursor of this list");
    let place = |Cursor(after, _)| i64::try_from(after).ok().and_then(Position::from_packed).ok_or_else(malformed);
    let after = cursor.map(place).transpose()?.map(CustomerId::at);
    let found = context.engine.customers(filter, after, limit).await?;
    let entry = |ListedCustomer { state, opening }: &'_ ListedCustomer| CustomerEntry {
        id: Shown(state.id),
        reference: state.reference.clone(),
        channel: state.channel.clone(),
        opened_at: Shown(opening.at),
    };
    let items = found.customers.iter().map(entry).collect();
    let next_cursor = found.next.and_then(|last| Some(Cursor(u64::try_from(last.position().packed()).ok()?, 0)));
    Ok(answer::ok(&CustomerPage { items, next_cursor }))
}

/// GET /v1/customers/{id}
pub(super) async fn get(context: web::Data<Context>, by: By, id: PathId<CustomerId>) -> Result<HttpResponse, Problem> {
    let view = context.engine.customer(&by.viewer(), id.0).await?.ok_or_else(|| id.not_found())?;
    Ok(answer::ok(&Customer {
        id: Shown(view.state.id),
        reference: view.state.reference.as_deref(),
        channel: &view.state.channel,
        accounts: view.accounts.iter().copied().map(Shown).collect(),
        facts: view.state.facts.iter().map(FactAnswer::of).collect(),
        limits: LimitsAnswer::of(&view, &context.engine.policy()),
    }))
}

/// GET /v1/customers/{id}/limits
pub(super) async fn get_limits(
    context: web::Data<Context>,
    by: By,
    id: PathId<CustomerId>,
) -> Result<HttpResponse, Problem> {
    let view = context.engine.customer(&by.viewer(), id.0).await?.ok_or_else(|| id.not_found())?;
    let limits = LimitsAnswer::of(&view, &context.engine.policy());
    Ok(answer::ok(&CustomerLimits { customer_id: Shown(id.0), limits }))
}

/// POST /v1/customers/{id}/facts
pub(super) async fn state_fact(
    context: web::Data<Context>,
    by: By,
    id: PathId<CustomerId>,
    key: OptionalKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: FactRequest<'_> = body.read()?;
    let (now, _) = context.engine.now();
    let fact = request.fact(Subject::Customer, now, &context.currencies)?;
    context.execute(&by, key.0, &body, Command::StateCustomerFact { customer: id.0, fact }).await
}
