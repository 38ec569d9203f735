//! `/v1/halts`: a pair stops trading, and trades again once a second person has lifted the halt.

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::{
    board::Halt,
    currency::Currency,
    id::ChangeId,
    record::Record,
    time::{BusinessDate, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    accounts::Empty,
    amount::foreign_currency,
    answer,
    authorize::By,
    context::Context,
    idempotency::OptionalKey,
    json::Body,
    openapi::texts::{CallerText, ChangeIdText, CurrencyText, DateText, InstantText},
    operation::{Described, Operation, Shape},
    pairs,
    problem::Problem,
    reason::{ReasonText, reason},
    wire::{Shown, Text},
};
use crate::access::role::{Role, Roles};

/// A halt to be set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewHalt<'a> {
    /// The foreign currency.
    #[serde(borrow)]
    #[schema(value_type = CurrencyText)]
    currency: Text<'a>,
    /// Why.
    #[schema(value_type = ReasonText)]
    reason: Text<'a>,
}

/// A halt that stands.
#[derive(Serialize, ToSchema)]
#[schema(as = StandingHalt)]
struct HaltEntry {
    /// The foreign currency.
    #[schema(value_type = CurrencyText)]
    currency: String,
    /// Why.
    reason: String,
    /// Who set it, or published the round that the guard refused: another person has to lift it.
    #[schema(value_type = CallerText)]
    by: String,
    /// Since when.
    #[schema(value_type = InstantText)]
    since: Shown<Timestamp>,
}

/// All halts that stand.
#[derive(Serialize, ToSchema)]
struct Halts {
    /// By currency.
    halts: Vec<HaltEntry>,
}

/// A halt that was set.
#[derive(Serialize, ToSchema)]
pub(super) struct SetHalt<'a> {
    /// The change's id.
    #[schema(value_type = ChangeIdText)]
    id: Shown<ChangeId>,
    /// The foreign currency.
    #[schema(value_type = CurrencyText)]
    currency: &'a str,
    /// Why.
    #[schema(value_type = ReasonText)]
    reason: &'a str,
    /// Who set it.
    #[schema(value_type = CallerText)]
    by: &'a str,
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
}

/// A halt that was lifted.
#[derive(Serialize, ToSchema)]
pub(super) struct LiftedHalt<'a> {
    /// The change's id.
    #[schema(value_type = ChangeIdText)]
    id: Shown<ChangeId>,
    /// The foreign currency.
    #[schema(value_type = CurrencyText)]
    currency: &'a str,
    /// Who lifted it.
    #[schema(value_type = CallerText)]
    lifted_by: &'a str,
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
}

impl<'a> SetHalt<'a> {
    pub(super) fn of(record: &'a Record, currency: &'a Currency, reason: &'a str) -> Self {
        Self {
            id: Shown(ChangeId::at(record.position)),
            currency: currency.code(),
            reason,
            by: &record.origin.caller,
            at: Shown(record.at),
            business_date: Shown(record.business_date),
        }
    }
}

impl<'a> LiftedHalt<'a> {
    pub(super) fn of(record: &'a Record, currency: &'a Currency) -> Self {
        Self {
            id: Shown(ChangeId::at(record.position)),
            currency: currency.code(),
            lifted_by: &record.origin.caller,
            at: Shown(record.at),
            business_date: Shown(record.business_date),
        }
    }
}

impl HaltEntry {
    fn of(currency: Currency, halt: &Halt) -> Self {
        Self {
            currency: currency.code().to_owned(),
            reason: halt.reason.to_string(),
            by: halt.by.to_string(),
            since: Shown(halt.since),
        }
    }
}

/// Lists halts.
pub(super) const LIST: Operation = Operation {
    roles: Roles::all(),
    ..Operation::read(
        "halts.list",
        "/halts",
        "List the halts that stand",
        Described {
            shape: Shape::of::<Halts>(),
            example: r#"{"halts":[{"currency":"JPY","reason":"the guard refused JPY-20261123-2: jump","by":"desk-1","since":"2026-11-23T01:00:00.000000Z"}]}"#,
        },
    )
};

/// Sets a halt.
pub(super) const SET: Operation = Operation {
    is_privileged: true,
    roles: Roles::of(&[Role::Ops, Role::Rates]),
    notes: "Holds for everything that is sequenced after the answer.",
    ..Operation::command(
        "halts.set",
        "/halts",
        "Halt a pair",
        Described { shape: Shape::of::<NewHalt<'_>>(), example: r#"{"currency":"USD","reason":"market closed"}"# },
        Described {
            shape: Shape::of::<SetHalt<'_>>(),
            example: r#"{"id":"chg_000000000000a","currency":"USD","reason":"market closed","by":"ops-1","at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#,
        },
    )
};

/// Lifts a halt.
pub(super) const LIFT: Operation = Operation {
    is_privileged: true,
    roles: Roles::of(&[Role::Approver]),
    named: Some(pairs::NAMED),
    notes: "By another person than the one who set it, or published the round that the guard refused.",
    ..Operation::command(
        "halts.lift",
        "/halts/{currency}/lift",
        "Lift a halt, as the second person",
        Described { shape: Shape::of::<Empty>(), example: "{}" },
        Described {
            shape: Shape::of::<LiftedHalt<'_>>(),
            example: r#"{"id":"chg_000000000000b","currency":"USD","lifted_by":"approver-1","at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#,
        },
    )
};

/// GET /v1/halts
pub(super) async fn list(context: web::Data<Context>) -> HttpResponse {
    let board = context.engine.board();
    let standing = context
        .currencies
        .foreign()
        .filter_map(|(currency, _)| board.pair(currency)?.halt.as_ref().map(|halt| HaltEntry::of(currency, halt)));
    answer::ok(&Halts { halts: standing.collect() })
}

/// POST /v1/halts
pub(super) async fn set(
    context: web::Data<Context>,
    by: By,
    key: OptionalKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: NewHalt<'_> = body.read()?;
    let currency = foreign_currency(&request.currency, "currency", &context.currencies)?;
    let reason = reason(&request.reason)?;
    let caller = context.caller(&by, key.0, body.digest);
    Ok(answer::created(&context.engine.halt(caller, currency, &reason).await?))
}

/// POST /v1/halts/{currency}/lift
pub(super) async fn lift(
    context: web::Data<Context>,
    by: By,
    request: HttpRequest,
    key: OptionalKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (currency, _) = pairs::named(&context, &request)?;
    let Empty {} = body.read()?;
    let caller = context.caller(&by, key.0, body.digest);
    Ok(answer::created(&context.engine.resume(caller, currency).await?))
}
