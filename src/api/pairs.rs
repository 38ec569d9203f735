//! `/v1/pairs`: what is traded against the won, by which rules, and whether it trades.

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::currency::{Currency, CurrencySpec};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer,
    context::Context,
    openapi::texts::{CurrencyText, PercentText},
    operation::{Described, Operation, Parameter, Shape},
    problem::{ApiCode, Problem},
    rates::{HaltAnswer, StatusText, status},
    wire::Shown,
};
use crate::access::role::Roles;

/// The currency that a path names.
pub(super) const NAMED: Parameter =
    Parameter { name: "currency", about: "The foreign currency", shape: Shape::of::<CurrencyText>(), example: "USD" };

/// A pair: a foreign currency against the won.
#[derive(Serialize, ToSchema)]
#[schema(as = Pair)]
struct PairAnswer {
    /// Foreign currency and won.
    #[schema(pattern = "^[A-Z]{3}/KRW$")]
    pair: String,
    /// The foreign currency.
    #[schema(value_type = CurrencyText)]
    currency: String,
    /// How much foreign currency a rate is for.
    unit: u32,
    /// The decimals of a rate.
    rate_decimals: u32,
    /// The spread of a round that does not say.
    #[schema(value_type = PercentText)]
    spread_percent: Shown<Decimal>,
    /// The preference of a round that does not say.
    #[schema(value_type = PercentText)]
    preference_percent: Shown<Decimal>,
    /// Whether it trades.
    #[schema(value_type = StatusText)]
    status: &'static str,
    /// Why not, if it is halted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = HaltAnswer, required = false)]
    halt: Option<HaltAnswer>,
}

/// All pairs.
#[derive(Serialize, ToSchema)]
struct Pairs {
    /// By currency.
    pairs: Vec<PairAnswer>,
}

const EXAMPLE: &str = r#"{"pair":"USD/KRW","currency":"USD","unit":1,"rate_decimals":2,"spread_percent":"1","preference_percent":"100","status":"trading"}"#;

/// Lists pairs.
pub(super) const LIST: Operation = Operation {
    roles: Roles::all(),
    ..Operation::read(
        "pairs.list",
        "/pairs",
        "List what is traded against the won",
        Described { shape: Shape::of::<Pairs>(), example: r#"{"pairs":[]}"# },
    )
};

/// Reads a pair.
pub(super) const GET: Operation = Operation {
    roles: Roles::all(),
    named: Some(NAMED),
    refusals: &[404],
    ..Operation::read(
        "pairs.get",
        "/pairs/{currency}",
        "Read a pair",
        Described { shape: Shape::of::<PairAnswer>(), example: EXAMPLE },
    )
};

fn pair(context: &Context, currency: Currency, spec: &CurrencySpec) -> PairAnswer {
    let (now, _) = context.engine.now();
    let board = context.engine.board();
    let (status, halt) = status(board.pair(currency), now);
    PairAnswer {
        pair: format!("{}/{}", spec.code, Currency::KRW.code()),
        currency: spec.code.to_string(),
        unit: spec.rate_unit,
        rate_decimals: spec.rate_decimals,
        spread_percent: Shown(spec.spread_percent),
        preference_percent: Shown(spec.preference_percent),
        status,
        halt,
    }
}

/// The foreign currency that a path names.
pub(super) fn named<'a>(context: &'a Context, request: &HttpRequest) -> Result<(Currency, &'a CurrencySpec), Problem> {
    let code = request.match_info().get("currency").unwrap_or_default();
    context.currencies.foreign().find(|(currency, _)| currency.code() == code).ok_or_else(|| {
        Problem::new(ApiCode::CurrencyNotFound, "not a foreign currency of this bank: GET /v1/currencies lists them")
    })
}

/// GET /v1/pairs
pub(super) async fn list(context: web::Data<Context>) -> HttpResponse {
    let pairs = context.currencies.foreign().map(|(currency, spec)| pair(&context, currency, spec));
    answer::ok(&Pairs { pairs: pairs.collect() })
}

/// GET /v1/pairs/{currency}
pub(super) async fn get(context: web::Data<Context>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (currency, spec) = named(&context, &request)?;
    Ok(answer::ok(&pair(&context, currency, spec)))
}
