//! `/v1/closings`: business dates are closed, by themselves soon after the roll or by command, and read.

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::{
    closing::{Closing, LaneClosing, Seal},
    ledger::Chart,
    time::BusinessDate,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer,
    business_date::date_of,
    context::Context,
    json::Body,
    ledger::line::{LineAnswer, SumAnswer, SumShape},
    openapi::texts::{CursorText, DateText, HashText, LaneNumber},
    operation::{BOOKS, Described, KeyRule, Operation, Parameter, Shape},
    page::{self, Cursor},
    problem::{ApiCode, Problem},
    query::Query,
    wire::{Shown, Text},
};
use crate::{
    access::role::{Role, Roles},
    closing::closer::{CLOSINGS_PER_PAGE_MAX, CloseError},
};

/// The date that a path names.
const NAMED: Parameter =
    Parameter { name: "date", about: "The business date", shape: Shape::of::<DateText>(), example: "2026-11-23" };

/// A date to be closed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewClosing<'a> {
    /// Which.
    #[serde(borrow)]
    #[schema(value_type = DateText)]
    business_date: Text<'a>,
}

/// Where a lane stood at the end of a business date.
#[derive(Serialize, ToSchema)]
#[schema(as = LaneClosing)]
struct LaneAnswer {
    /// Which; 0 is the system lane.
    #[schema(value_type = LaneNumber)]
    lane: u16,
    /// Its last record of that date or of an earlier one.
    seq: u64,
    /// That record's hash.
    #[schema(value_type = HashText)]
    hash: Shown<Seal>,
}

/// A closing among others.
#[derive(Serialize, ToSchema)]
struct ClosingSummary {
    /// The date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
    /// SHA-256 of its text.
    #[schema(value_type = HashText)]
    hash: Shown<Seal>,
    /// The hash of the closing before; zeros for the first.
    #[schema(value_type = HashText)]
    previous: Shown<Seal>,
    /// Whether both sides of the books are the same in every currency.
    balanced: bool,
    /// What all customers held, by the control accounts.
    #[schema(value_type = Vec<SumShape>)]
    customers: Vec<SumAnswer>,
}

/// A closing.
#[derive(Serialize, ToSchema)]
#[schema(as = Closing)]
struct ClosingAnswer<'a> {
    /// The date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
    /// SHA-256 of its text.
    #[schema(value_type = HashText)]
    hash: Shown<Seal>,
    /// The hash of the closing before; zeros for the first.
    #[schema(value_type = HashText)]
    previous: Shown<Seal>,
    /// Whether both sides of the books are the same in every currency.
    balanced: bool,
    /// What all customers held, by the control accounts.
    #[schema(value_type = Vec<SumShape>)]
    customers: Vec<SumAnswer>,
    /// Where each lane stood.
    lanes: Vec<LaneAnswer>,
    /// What the books turned over up to then, over all lanes.
    lines: Vec<LineAnswer<'a>>,
    /// The text that the hash is of: one line an account of a lane.
    text: String,
}

/// The date that is to be closed next.
#[derive(Serialize, ToSchema)]
#[schema(as = NextClosing)]
struct NextAnswer {
    /// The date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
    /// What is missing; nothing where it is about to be closed.
    missing: Vec<String>,
}

/// Closings, the newest first.
#[derive(Serialize, ToSchema)]
struct ClosingPage {
    /// The closings.
    items: Vec<ClosingSummary>,
    /// The date that is to be closed next; null while the books know none.
    #[schema(required)]
    next: Option<NextAnswer>,
    /// Where to go on; null at the end.
    #[schema(value_type = Option<CursorText>, required)]
    next_cursor: Option<Cursor>,
}

const EXAMPLE: &str = r#"{"business_date":"2026-11-23","hash":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","previous":"0000000000000000000000000000000000000000000000000000000000000000","balanced":true,"customers":[{"amount":"1000000","currency":"KRW"}],"lanes":[{"lane":0,"seq":4,"hash":"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"}],"lines":[{"account":"1010","name":"Won reserves","debit":{"amount":"1000000","currency":"KRW"},"credit":{"amount":"0","currency":"KRW"},"balance":{"amount":"1000000","currency":"KRW"}}],"text":"hwan closing 1\nbusiness_date 2026-11-23\n"}"#;

/// Lists closings.
pub(super) const LIST: Operation = Operation {
    roles: BOOKS,
    query: &[page::LIMIT, page::CURSOR],
    refusals: &[404],
    notes: "Days close in their order, by themselves soon after every lane has passed them; `next` says what the next one waits for.",
    ..Operation::read(
        "closings.list",
        "/closings",
        "List business dates that are closed, the newest first",
        Described {
            shape: Shape::of::<ClosingPage>(),
            example: r#"{"items":[],"next":{"business_date":"2026-11-23","missing":["lane 1: the books have come to 2026-11-23, no later date yet"]},"next_cursor":null}"#,
        },
    )
};

/// Closes a date.
pub(super) const CLOSE: Operation = Operation {
    is_privileged: true,
    roles: Roles::of(&[Role::Ops]),
    key: KeyRule::Unused,
    refusals: &[404, 409],
    notes: "And every earlier one that is not closed. It needs no key: a repeat draws the closing up again, compares, and answers the \
            same. Refused with 409 while something is missing; the detail says what.",
    ..Operation::command(
        "closings.close",
        "/closings",
        "Close a business date",
        Described { shape: Shape::of::<NewClosing<'_>>(), example: r#"{"business_date":"2026-11-23"}"# },
        Described { shape: Shape::of::<ClosingAnswer<'_>>(), example: EXAMPLE },
    )
};

/// Reads a closing.
pub(super) const GET: Operation = Operation {
    roles: BOOKS,
    named: Some(NAMED),
    refusals: &[404],
    notes: "Any party may check that its hash is the SHA-256 of its text, and that the next closing names it.",
    ..Operation::read(
        "closings.get",
        "/closings/{date}",
        "Read the closing of a business date",
        Described { shape: Shape::of::<ClosingAnswer<'_>>(), example: EXAMPLE },
    )
};

fn customers(closing: &Closing, chart: &Chart) -> Vec<SumAnswer> {
    let totals = closing.totals.control_totals(chart);
    totals.iter().map(|total| SumAnswer::of(total.minor, total.currency)).collect()
}

impl ClosingSummary {
    fn of(closing: &Closing, chart: &Chart) -> Self {
        Self {
            business_date: Shown(closing.business_date),
            hash: Shown(closing.hash),
            previous: Shown(closing.previous),
            balanced: closing.totals.unbalanced().is_empty(),
            customers: customers(closing, chart),
        }
    }
}

impl<'a> ClosingAnswer<'a> {
    fn of(closing: &Closing, chart: &'a Chart) -> Self {
        let lane = |lane: &LaneClosing| LaneAnswer {
            lane: lane.lane.number(),
            seq: lane.seq.number(),
            hash: Shown(lane.hash),
        };
        Self {
            business_date: Shown(closing.business_date),
            hash: Shown(closing.hash),
            previous: Shown(closing.previous),
            balanced: closing.totals.unbalanced().is_empty(),
            customers: customers(closing, chart),
            lanes: closing.lanes.iter().map(lane).collect(),
            lines: closing.totals.lines.iter().map(|line| LineAnswer::of(line, chart)).collect(),
            text: closing.text(),
        }
    }
}

impl From<CloseError> for Problem {
    fn from(error: CloseError) -> Self {
        let detail = error.to_string();
        match error {
            CloseError::NotYet { .. } => Problem::new(ApiCode::DayNotOver, detail),
            CloseError::NoSuchDay { .. } => Problem::new(ApiCode::ClosingNotFound, detail),
            CloseError::Differs { .. } => {
                tracing::error!(%error, "a closed business date has changed: docs/business-day.md says what to do");
                Problem::new(ApiCode::LedgerDamaged, detail)
            }
            CloseError::Books(error) => error.into(),
        }
    }
}

/// GET /v1/closings
pub(super) async fn list(context: web::Data<Context>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, &LIST)?;
    let limit = query.limit()?.min(CLOSINGS_PER_PAGE_MAX);
    let before = Cursor::of(&query)?.map(|Cursor(days, _)| {
        // Days since 1970; what is none of this list's lies beyond every date.
        BusinessDate::from_days(i32::try_from(days).unwrap_or(i32::MAX))
    });
    let (closer, chart) = (context.closer()?, context.books()?.chart());
    let closings = closer.closings(before, limit).await?;
    let next = closer.next().await?.map(|next| NextAnswer {
        business_date: Shown(next.business_date),
        missing: next.missing.iter().map(ToString::to_string).collect(),
    });
    let last = closings.last().filter(|last| closings.len() == limit && last.business_date.days() > 0);
    let next_cursor = last.map(|last| Cursor(u64::from(last.business_date.days().unsigned_abs()), 0));
    let items = closings.iter().map(|closing| ClosingSummary::of(closing, chart)).collect();
    Ok(answer::ok(&ClosingPage { items, next, next_cursor }))
}

/// POST /v1/closings
pub(super) async fn close(context: web::Data<Context>, body: Body) -> Result<HttpResponse, Problem> {
    let request: NewClosing<'_> = body.read()?;
    let date = date_of(&request.business_date, "business_date")?;
    let (closer, chart) = (context.closer()?, context.books()?.chart());
    let closing = closer.close(date).await?;
    Ok(answer::made(&ClosingAnswer::of(&closing, chart)))
}

/// GET /v1/closings/{date}
pub(super) async fn get(context: web::Data<Context>, date: web::Path<String>) -> Result<HttpResponse, Problem> {
    let not_found = || Problem::new(ApiCode::ClosingNotFound, format!("{date} is not closed"));
    let day = BusinessDate::parse(&date).ok_or_else(not_found)?;
    let (closer, chart) = (context.closer()?, context.books()?.chart());
    let closing = closer.closing(day).await?.ok_or_else(not_found)?;
    Ok(answer::ok(&ClosingAnswer::of(&closing, chart)))
}
