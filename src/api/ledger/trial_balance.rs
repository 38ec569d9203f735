//! `GET /v1/ledger/trial-balance`: every account's turnovers, and whether both sides are equal in each currency.

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::{currency::Currency, ledger::Turnover, time::BusinessDate};
use serde::Serialize;
use utoipa::ToSchema;

use super::line::{LineAnswer, SumAnswer, SumShape};
use crate::api::{
    answer,
    context::Context,
    openapi::texts::DateText,
    operation::{BOOKS, Described, Operation, Parameter, Shape},
    problem::Problem,
    query::Query,
    wire::Shown,
};

const AS_OF: Parameter = Parameter {
    name: "as_of",
    about: "Up to the end of this business date; without it everything that is posted",
    shape: Shape::of::<DateText>(),
    example: "2026-11-23",
};

/// Both sides of a currency, over all accounts.
#[derive(Serialize, ToSchema)]
#[schema(as = TrialSum)]
struct SumLine {
    /// All debits.
    #[schema(value_type = SumShape)]
    debit: SumAnswer,
    /// All credits.
    #[schema(value_type = SumShape)]
    credit: SumAnswer,
    /// Whether they are the same.
    balanced: bool,
}

/// The trial balance.
#[derive(Serialize, ToSchema)]
#[schema(as = TrialBalance)]
struct TrialAnswer<'a> {
    /// Up to the end of which business date; null: everything that is posted.
    #[schema(value_type = Option<DateText>, required)]
    as_of: Option<Shown<BusinessDate>>,
    /// Whether both sides are the same in every currency.
    balanced: bool,
    /// Both sides of each currency.
    sums: Vec<SumLine>,
    /// Every account that had a posting, by number.
    lines: Vec<LineAnswer<'a>>,
}

/// Reads the trial balance.
pub(in crate::api) const GET: Operation = Operation {
    roles: BOOKS,
    query: &[AS_OF],
    refusals: &[404],
    notes: "A record belongs to the business date of its lane (Asia/Seoul).",
    ..Operation::read(
        "ledger.trial_balance",
        "/ledger/trial-balance",
        "Read the trial balance",
        Described {
            shape: Shape::of::<TrialAnswer<'_>>(),
            example: r#"{"as_of":"2026-11-23","balanced":true,"sums":[{"debit":{"amount":"1000000","currency":"KRW"},"credit":{"amount":"1000000","currency":"KRW"},"balanced":true}],"lines":[{"account":"1010","name":"Won reserves","debit":{"amount":"1000000","currency":"KRW"},"credit":{"amount":"0","currency":"KRW"},"balance":{"amount":"1000000","currency":"KRW"}},{"account":"2010","name":"Won deposits (control)","debit":{"amount":"0","currency":"KRW"},"credit":{"amount":"1000000","currency":"KRW"},"balance":{"amount":"-1000000","currency":"KRW"}}]}"#,
        },
    )
};

impl SumLine {
    fn of(currency: Currency, Turnover { debit, credit }: Turnover) -> Self {
        let sum = |minor| SumAnswer::of(minor, currency);
        Self { debit: sum(debit), credit: sum(credit), balanced: debit == credit }
    }
}

/// GET /v1/ledger/trial-balance
pub(in crate::api) async fn get(context: web::Data<Context>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let as_of = Query::of(&request, &GET)?.date(&AS_OF)?;
    let books = context.books()?;
    let balance = books.trial_balance(as_of).await?;
    Ok(answer::ok(&TrialAnswer {
        as_of: as_of.map(Shown),
        balanced: balance.unbalanced().is_empty(),
        sums: balance.sums().into_iter().map(|(currency, sum)| SumLine::of(currency, sum)).collect(),
        lines: balance.lines.iter().map(|line| LineAnswer::of(line, books.chart())).collect(),
    }))
}
