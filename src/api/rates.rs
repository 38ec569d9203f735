//! `/v1/rates`: at what each pair trades now, or why it does not.

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::{
    board::{Board, Halt, Pair},
    currency::{Currency, CurrencySpec},
    exchange::{Side, Terms},
    round::{Round, RoundId, RoundStatus},
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer,
    context::Context,
    openapi::texts::{CurrencyText, DateText, InstantText, RateText, RoundIdText},
    operation::{Described, Operation, Shape},
    pairs,
    problem::Problem,
    wire::Shown,
};
use crate::access::role::Roles;

/// Whether a pair trades.
#[derive(ToSchema)]
#[schema(as = PairStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
pub(super) enum StatusText {
    Trading,
    Halted,
    Unavailable,
}

/// All rates.
#[derive(Serialize, ToSchema)]
struct Rates {
    /// By currency.
    rates: Vec<RateAnswer>,
}

/// A pair's rate. The numbers are those of the current round; a pair that never had one has none.
#[derive(Serialize, ToSchema, PartialEq)]
#[schema(as = Rate)]
pub(super) struct RateAnswer {
    /// The foreign currency.
    #[schema(value_type = CurrencyText)]
    currency: String,
    /// How much foreign currency the rate is for.
    unit: u32,
    /// The middle rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = RateText, required = false)]
    mid: Option<Shown<Decimal>>,
    /// What a customer who buys foreign currency pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = RateText, required = false)]
    buy: Option<Shown<Decimal>>,
    /// What a customer who sells foreign currency gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = RateText, required = false)]
    sell: Option<Shown<Decimal>>,
    /// The round.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = RoundIdText, required = false)]
    round: Option<Shown<RoundId>>,
    /// Its business date.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = DateText, required = false)]
    business_date: Option<Shown<BusinessDate>>,
    /// Since when it trades.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = InstantText, required = false)]
    published_at: Option<Shown<Timestamp>>,
    /// Until when it trades, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = InstantText, required = false)]
    valid_until: Option<Shown<Timestamp>>,
    /// Whether the pair trades.
    #[schema(value_type = StatusText)]
    status: &'static str,
    /// Why not, if it is halted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = HaltAnswer, required = false)]
    halt: Option<HaltAnswer>,
}

/// Why a pair does not trade.
#[derive(Serialize, ToSchema, PartialEq)]
#[schema(as = Halt)]
pub(super) struct HaltAnswer {
    /// Why.
    reason: String,
    /// Since when.
    #[schema(value_type = InstantText)]
    since: Shown<Timestamp>,
}

impl HaltAnswer {
    fn of(halt: &Halt) -> Self {
        Self { reason: halt.reason.to_string(), since: Shown(halt.since) }
    }
}

const EXAMPLE: &str = r#"{"currency":"USD","unit":1,"mid":"1350.50","buy":"1350.50","sell":"1350.50","round":"USD-20261123-1","business_date":"2026-11-23","published_at":"2026-11-23T01:00:00.000000Z","valid_until":"2026-11-23T07:00:00.000000Z","status":"trading"}"#;

/// Lists rates.
pub(super) const LIST: Operation = Operation {
    roles: Roles::all(),
    ..Operation::read(
        "rates.list",
        "/rates",
        "List the rates of all pairs",
        Described { shape: Shape::of::<Rates>(), example: r#"{"rates":[]}"# },
    )
};

/// Reads a rate.
pub(super) const GET: Operation = Operation {
    roles: Roles::all(),
    named: Some(pairs::NAMED),
    refusals: &[404],
    ..Operation::read(
        "rates.get",
        "/rates/{currency}",
        "Read a pair's rate",
        Described { shape: Shape::of::<RateAnswer>(), example: EXAMPLE },
    )
};

fn current(pair: Option<&Pair>) -> Option<&Round> {
    pair?.rounds.iter().rev().find(|round| round.status == RoundStatus::Active)
}

/// Whether a pair trades, and the halt if one stands.
pub(super) fn status(pair: Option<&Pair>, now: Timestamp) -> (&'static str, Option<HaltAnswer>) {
    let halt = pair.and_then(|pair| pair.halt.as_ref());
    let status = match (halt, current(pair)) {
        (Some(_), _) => "halted",
        (None, Some(round)) if now < round.valid_until => "trading",
        (None, _) => "unavailable",
    };
    (status, halt.map(HaltAnswer::of))
}

/// A pair's rate at `now`.
pub(super) fn rate(board: &Board, spec: &CurrencySpec, currency: Currency, now: Timestamp) -> RateAnswer {
    let pair = board.pair(currency);
    let round = current(pair);
    let (status, halt) = status(pair, now);
    let side = |side| Terms::of(round?, side).ok().map(|terms| Shown(terms.rate.value()));
    RateAnswer {
        currency: spec.code.to_string(),
        unit: spec.rate_unit,
        mid: round.map(|round| Shown(round.mid.value())),
        buy: side(Side::Buy),
        sell: side(Side::Sell),
        round: round.map(|round| Shown(round.id)),
        business_date: round.map(|round| Shown(round.id.date)),
        published_at: round.map(|round| Shown(round.published_at)),
        valid_until: round.map(|round| Shown(round.valid_until)),
        status,
        halt,
    }
}

/// GET /v1/rates
pub(super) async fn list(context: web::Data<Context>) -> HttpResponse {
    let board = context.engine.board();
    let (now, _) = context.engine.now();
    let rates = context.currencies.foreign().map(|(currency, spec)| rate(&board, spec, currency, now));
    answer::ok(&Rates { rates: rates.collect() })
}

/// GET /v1/rates/{currency}
pub(super) async fn get(context: web::Data<Context>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (currency, spec) = pairs::named(&context, &request)?;
    let (now, _) = context.engine.now();
    Ok(answer::ok(&rate(&context.engine.board(), spec, currency, now)))
}
