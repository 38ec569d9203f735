//! `/v1/rates`: at what each pair trades now, or why it does not.

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::{
    board::{Board, Halt},
    currency::{Currency, CurrencySpec},
    exchange::{Side, Terms},
    round::{Round, RoundId, RoundStatus},
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;
use serde::Serialize;

use super::{
    answer,
    context::Context,
    problem::{ApiCode, Problem},
    wire::Shown,
};

#[derive(Serialize)]
struct RatesAnswer<'a> {
    rates: Vec<RateAnswer<'a>>,
}

#[derive(Serialize)]
struct RateAnswer<'a> {
    currency: &'a str,
    unit: u32,
    #[serde(flatten)]
    numbers: Option<Numbers>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    halt: Option<HaltAnswer<'a>>,
}

/// Of the current round; a pair that never had one has none.
#[derive(Serialize)]
struct Numbers {
    mid: Shown<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buy: Option<Shown<Decimal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sell: Option<Shown<Decimal>>,
    round: Shown<RoundId>,
    business_date: Shown<BusinessDate>,
    published_at: Shown<Timestamp>,
    valid_until: Shown<Timestamp>,
}

#[derive(Serialize)]
struct HaltAnswer<'a> {
    reason: &'a str,
    since: Shown<Timestamp>,
}

impl<'a> HaltAnswer<'a> {
    fn of(halt: &'a Halt) -> Self {
        Self { reason: &halt.reason, since: Shown(halt.since) }
    }
}

impl Numbers {
    fn of(round: &Round) -> Self {
        let side = |side| Terms::of(round, side).ok().map(|terms| Shown(terms.rate.value()));
        Self {
            mid: Shown(round.mid.value()),
            buy: side(Side::Buy),
            sell: side(Side::Sell),
            round: Shown(round.id),
            business_date: Shown(round.id.date),
            published_at: Shown(round.published_at),
            valid_until: Shown(round.valid_until),
        }
    }
}

fn rate<'a>(board: &'a Board, spec: &'a CurrencySpec, currency: Currency, now: Timestamp) -> RateAnswer<'a> {
    let pair = board.pair(currency);
    let halt = pair.and_then(|pair| pair.halt.as_ref());
    let current = pair.and_then(|pair| pair.rounds.iter().rev().find(|round| round.status == RoundStatus::Active));
    let status = match (halt, current) {
        (Some(_), _) => "halted",
        (None, Some(round)) if now < round.valid_until => "trading",
        (None, _) => "unavailable",
    };
    RateAnswer {
        currency: &spec.code,
        unit: spec.rate_unit,
        numbers: current.map(Numbers::of),
        status,
        halt: halt.map(HaltAnswer::of),
    }
}

/// GET /v1/rates
pub(super) async fn list(context: web::Data<Context>) -> HttpResponse {
    let board = context.engine.board();
    let (now, _) = context.engine.now();
    let rates = context.currencies.foreign().map(|(currency, spec)| rate(&board, spec, currency, now));
    answer::ok(&RatesAnswer { rates: rates.collect() })
}

/// GET /v1/rates/{currency}
pub(super) async fn get(context: web::Data<Context>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let code = request.match_info().get("currency").unwrap_or_default();
    let found = context.currencies.foreign().find(|(currency, _)| currency.code() == code);
    let (currency, spec) = found.ok_or_else(|| {
        Problem::new(ApiCode::CurrencyNotFound, "not a foreign currency of this bank: GET /v1/currencies lists them")
    })?;
    let (now, _) = context.engine.now();
    Ok(answer::ok(&rate(&context.engine.board(), spec, currency, now)))
}
