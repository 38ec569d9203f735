//! `/v1/positions/covers`: the bank covers its position in the market, and its deals are recorded as they were made.

use actix_web::{HttpResponse, web};
use hwan_domain::{
    cover::Deal,
    currency::Currency,
    id::CoverId,
    record::{Cover, Event, Record},
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    amount::{Amount, DecimalText, MoneyAnswer},
    answer,
    authorize::By,
    context::Context,
    customers::reference_of,
    idempotency::RequiredKey,
    json::Body,
    openapi::texts::{CallerText, CoverIdText, DateText, InstantText, RateText, ReferenceText},
    operation::{BOOKS, Described, KeyRule, Operation, Parameter, Shape},
    order::{SideText, side_of, side_text},
    path_id::PathId,
    problem::Problem,
    wire::{Shown, Text},
};
use crate::access::role::{Role, Roles};

/// A deal of the bank's own, as it was made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCoverTrade)]
struct CoverRequest<'a> {
    /// Whether the bank bought or sold the foreign currency.
    #[serde(borrow)]
    #[schema(value_type = SideText)]
    side: Text<'a>,
    /// The foreign amount: above zero, at the currency's exact scale.
    #[serde(borrow)]
    #[schema(value_type = MoneyAnswer)]
    amount: Amount<'a>,
    /// At which rate, per the currency's rate unit.
    #[serde(borrow)]
    #[schema(value_type = RateText)]
    rate: DecimalText<'a>,
    /// What was paid or received in won: less than one won off the amount at the rate. Without it that, rounded half away
    /// from zero.
    #[serde(borrow)]
    #[schema(value_type = Option<MoneyAnswer>)]
    won: Option<Amount<'a>>,
    /// The deal's reference in the bank's dealing system.
    #[schema(value_type = Option<ReferenceText>)]
    reference: Option<Text<'a>>,
}

/// A cover trade.
#[derive(Serialize, ToSchema)]
pub(super) struct CoverTrade<'a> {
    /// Its id.
    #[schema(value_type = CoverIdText)]
    id: Shown<CoverId>,
    /// Whether the bank bought or sold the foreign currency.
    #[schema(value_type = SideText)]
    side: &'static str,
    /// The foreign amount.
    amount: MoneyAnswer,
    /// What was paid or received in won.
    won: MoneyAnswer,
    /// At which rate.
    #[schema(value_type = RateText)]
    rate: Shown<Decimal>,
    /// How much foreign currency the rate is for.
    unit: u32,
    /// The deal's reference in the bank's dealing system.
    #[schema(value_type = Option<ReferenceText>, required)]
    reference: Option<&'a str>,
    /// Who reported it.
    #[schema(value_type = CallerText)]
    by: &'a str,
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
}

const EXAMPLE: &str = r#"{"id":"cov_000000000000d","side":"sell","amount":{"amount":"100.00","currency":"USD"},"won":{"amount":"134900","currency":"KRW"},"rate":"1349.00","unit":1,"reference":"deal-7","by":"treasury-1","at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#;

/// Records a cover trade.
pub(super) const CREATE: Operation = Operation {
    is_privileged: true,
    roles: Roles::of(&[Role::Treasury]),
    key: KeyRule::Required,
    refusals: &[404, 422],
    notes: "As it was made in the market, once per key. It touches no customer's account: the bank's position in its own books follows.",
    ..Operation::command(
        "positions.cover",
        "/positions/covers",
        "Record a deal of the bank's own in the market",
        Described {
            shape: Shape::of::<CoverRequest<'_>>(),
            example: r#"{"side":"sell","amount":{"amount":"100.00","currency":"USD"},"rate":"1349.00","won":{"amount":"134900","currency":"KRW"},"reference":"deal-7"}"#,
        },
        Described { shape: Shape::of::<CoverTrade<'_>>(), example: EXAMPLE },
    )
};

/// Reads a cover trade.
pub(super) const GET: Operation = Operation {
    roles: BOOKS,
    named: Some(Parameter {
        name: "id",
        about: "The cover trade",
        shape: Shape::of::<CoverIdText>(),
        example: "cov_000000000000d",
    }),
    refusals: &[404],
    ..Operation::read(
        "positions.get_cover",
        "/positions/covers/{id}",
        "Read a cover trade",
        Described { shape: Shape::of::<CoverTrade<'_>>(), example: EXAMPLE },
    )
};

impl<'a> CoverTrade<'a> {
    pub(super) fn of(record: &'a Record, cover: &'a Cover) -> Self {
        Self {
            id: Shown(CoverId::at(record.position)),
            side: side_text(cover.side),
            amount: MoneyAnswer(cover.amount),
            won: MoneyAnswer(cover.won),
            rate: Shown(cover.rate.value()),
            unit: cover.rate.unit(),
            reference: cover.reference.as_deref(),
            by: &record.origin.caller,
            at: Shown(record.at),
            business_date: Shown(record.business_date),
        }
    }
}

/// POST /v1/positions/covers
pub(super) async fn create(
    context: web::Data<Context>,
    by: By,
    key: RequiredKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: CoverRequest<'_> = body.read()?;
    let won = request.won.as_ref().map(|won| won.of(Currency::KRW, "won", &context.currencies)).transpose()?;
    let deal = Deal {
        side: side_of(&request.side)?,
        amount: request.amount.money("amount", &context.currencies)?,
        rate: request.rate.signed("rate")?,
        won,
        reference: request.reference.as_ref().map(|text| reference_of(text.as_str())).transpose()?,
    };
    Ok(answer::created(&context.engine.cover(context.caller(&by, Some(key.0), body.digest), deal).await?))
}

/// GET /v1/positions/covers/{id}
pub(super) async fn get(context: web::Data<Context>, id: PathId<CoverId>) -> Result<HttpResponse, Problem> {
    let record = context.engine.record(id.0.position()).await?.ok_or_else(|| id.not_found())?;
    let Event::Covered { cover } = &record.event else { return Err(id.not_found()) };
    Ok(answer::ok(&CoverTrade::of(&record, cover)))
}
