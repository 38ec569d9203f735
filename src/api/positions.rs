//! `GET /v1/positions`: what the bank's dealings with its customers and the market leave open, and what they have earned.

use actix_web::{HttpResponse, web};
use hwan_domain::{currency::Currency, ledger::Mark, round::RoundId};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer,
    context::Context,
    ledger::line::{SumAnswer, SumShape},
    openapi::texts::{AverageRateText, CurrencyText, RateText, RoundIdText, WonText},
    operation::{BOOKS, Described, Operation, Shape},
    problem::Problem,
    wire::Shown,
};
use crate::accounting::positions::{self, PositionLine};

/// How far a position has gone.
#[derive(ToSchema)]
#[schema(as = PositionMark, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum MarkText {
    /// Below the soft mark.
    Within,
    /// At the soft mark or above: time to cover.
    Soft,
    /// At the hard mark or above: cover now.
    Hard,
}

/// All of one side.
#[derive(Serialize, ToSchema)]
#[schema(as = PositionSide)]
struct SideAnswer {
    /// How much foreign currency.
    #[schema(value_type = SumShape)]
    amount: SumAnswer,
    /// For how many won.
    #[schema(value_type = SumShape)]
    won: SumAnswer,
    /// At which rate on average, rounded to six decimals; null where there is nothing.
    #[schema(value_type = Option<AverageRateText>, required)]
    average_rate: Option<Shown<Decimal>>,
}

/// How far a position may go, by its worth in won.
#[derive(Serialize, ToSchema)]
#[schema(as = PositionLimit)]
struct LimitAnswer {
    /// From here on it is time to cover.
    #[schema(value_type = SumShape)]
    soft: SumAnswer,
    /// From here on it has to be covered now.
    #[schema(value_type = SumShape)]
    hard: SumAnswer,
}

/// The bank's position in a currency.
#[derive(Serialize, ToSchema)]
#[schema(as = Position)]
struct PositionAnswer {
    /// The foreign currency.
    #[schema(value_type = CurrencyText)]
    currency: String,
    /// How much of it a rate is for.
    unit: u32,
    /// What is open: above zero where the bank has bought more than it has sold.
    #[schema(value_type = SumShape)]
    open: SumAnswer,
    /// What the bank bought, of customers and in the market.
    bought: SideAnswer,
    /// What it sold.
    sold: SideAnswer,
    /// Earned by what was both bought and sold, in whole won; null where it is too large to be computed exactly.
    #[schema(value_type = Option<WonText>, required)]
    realised_won: Option<Shown<i128>>,
    /// The rate that the open amount is valued at: the mid of the newest round that traded; null before the first.
    #[schema(value_type = Option<RateText>, required)]
    mid: Option<Shown<Decimal>>,
    /// That round.
    #[schema(value_type = Option<RoundIdText>, required)]
    round: Option<Shown<RoundId>>,
    /// What the open amount is worth at it.
    #[schema(value_type = Option<WonText>, required)]
    open_won: Option<Shown<Decimal>>,
    /// Earned by what is open, if it were closed at it.
    #[schema(value_type = Option<WonText>, required)]
    unrealised_won: Option<Shown<Decimal>>,
    /// Realised and unrealised together.
    #[schema(value_type = Option<WonText>, required)]
    total_won: Option<Shown<Decimal>>,
    /// How far it may go.
    limit: LimitAnswer,
    /// How far it has gone; null where no round says.
    #[schema(value_type = Option<MarkText>, required)]
    mark: Option<&'static str>,
}

/// All positions.
#[derive(Serialize, ToSchema)]
struct Positions {
    /// By currency; one that was never dealt in is absent.
    positions: Vec<PositionAnswer>,
}

/// Reads the positions.
pub(super) const LIST: Operation = Operation {
    roles: BOOKS,
    refusals: &[404],
    notes: "By the books, which follow the exchanges: `GET /v1/ledger/lag` says how far behind they are.",
    ..Operation::read(
        "positions.list",
        "/positions",
        "Read the bank's currency positions and what they have earned",
        Described {
            shape: Shape::of::<Positions>(),
            example: r#"{"positions":[{"currency":"USD","unit":1,"open":{"amount":"0.00","currency":"USD"},"bought":{"amount":{"amount":"100.00","currency":"USD"},"won":{"amount":"134900","currency":"KRW"},"average_rate":"1349"},"sold":{"amount":{"amount":"100.00","currency":"USD"},"won":{"amount":"135050","currency":"KRW"},"average_rate":"1350.5"},"realised_won":"150","mid":"1350.50","round":"USD-20261123-1","open_won":"0","unrealised_won":"0","total_won":"150","limit":{"soft":{"amount":"1000000000","currency":"KRW"},"hard":{"amount":"5000000000","currency":"KRW"}},"mark":"within"}]}"#,
        },
    )
};

impl PositionAnswer {
    fn of(line: &PositionLine) -> Self {
        let (position, value) = (line.position, line.valuation);
        let side = |minor, won, average: Option<Decimal>| SideAnswer {
            amount: SumAnswer::of(minor, position.currency),
            won: SumAnswer::of(won, Currency::KRW),
            average_rate: average.map(Shown),
        };
        Self {
            currency: position.currency.code().to_owned(),
            unit: line.unit,
            open: SumAnswer::of(position.open(), position.currency),
            bought: side(position.bought, position.won_paid, line.bought_at),
            sold: side(position.sold, position.won_received, line.sold_at),
            realised_won: line.realised_won.map(Shown),
            mid: line.mid().map(|mid| Shown(mid.value())),
            round: line.round.map(Shown),
            open_won: value.map(|value| Shown(value.open_won)),
            unrealised_won: value.map(|value| Shown(value.unrealised)),
            total_won: value.map(|value| Shown(value.total)),
            limit: LimitAnswer {
                soft: SumAnswer::of(line.limit.soft(), Currency::KRW),
                hard: SumAnswer::of(line.limit.hard(), Currency::KRW),
            },
            mark: line.mark.map(Mark::as_str),
        }
    }
}

/// GET /v1/positions
pub(super) async fn list(context: web::Data<Context>) -> Result<HttpResponse, Problem> {
    let board = context.engine.board();
    let limits = &context.position_limits;
    let lines = positions::read(context.books()?, &context.currencies, &board, limits).await?;
    Ok(answer::ok(&Positions { positions: lines.iter().map(PositionAnswer::of).collect() }))
}
