//! `GET /v1/audit`: who did what, record by record: the journal itself, in its order.

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::{
    id::{CustomerId, LaneId, Seq},
    record::Record,
    time::{BusinessDate, Timestamp},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer,
    context::Context,
    keys,
    openapi::texts::{AnyIdText, CallerText, CursorText, CustomerIdText, DateText, InstantText, LaneNumber},
    operation::{Described, Operation, Parameter, Shape},
    page::{self, Cursor},
    problem::{ApiCode, Problem},
    query::Query,
    wire::Shown,
};
use crate::access::role::{Role, Roles};

const LANE: Parameter = Parameter {
    name: "lane",
    about: "Whose journal: 0 for rounds and halts, 1 and up for customers",
    shape: Shape::of::<LaneNumber>(),
    example: "1",
};

/// Who did what.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct Entry<'a> {
    /// The lane.
    lane: u16,
    /// The place in it: from 1 on without a gap.
    seq: u64,
    /// The kind of record.
    event: &'static str,
    /// What it created or changed, where that has an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = AnyIdText, required = false)]
    id: Option<String>,
    /// Who.
    #[schema(value_type = CallerText)]
    caller: &'a str,
    /// Whose state changed first, where it is a customer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = CustomerIdText, required = false)]
    customer_id: Option<Shown<CustomerId>>,
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
}

/// A page of a lane's journal, in its order.
#[derive(Serialize, ToSchema)]
struct AuditPage<'a> {
    /// The records.
    items: Vec<Entry<'a>>,
    /// Where to go on; null where the journal ends for now.
    #[schema(value_type = Option<CursorText>, required)]
    next_cursor: Option<Cursor>,
}

/// Reads the journal.
pub(super) const LIST: Operation = Operation {
    roles: Roles::of(&[Role::Auditor]),
    query: &[LANE, page::LIMIT, page::CURSOR],
    refusals: &[404],
    notes: "Every change is a record of a lane, with the caller on whose word it stands. What was refused is in the audit log.",
    ..Operation::read(
        "audit.list",
        "/audit",
        "Read who did what",
        Described {
            shape: Shape::of::<AuditPage<'_>>(),
            example: r#"{"items":[{"lane":1,"seq":6,"event":"exchanged","id":"exg_0008000000006","caller":"app","customer_id":"cus_0008000000002","at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}],"next_cursor":null}"#,
        },
    )
};

impl<'a> Entry<'a> {
    fn of(record: &'a Record) -> Self {
        Self {
            lane: record.position.lane().number(),
            seq: record.position.seq().number(),
            event: record.event.name(),
            id: keys::place(record).map(|(id, _)| id),
            caller: &record.origin.caller,
            customer_id: record.event.customer().map(Shown),
            at: Shown(record.at),
            business_date: Shown(record.business_date),
        }
    }
}

/// GET /v1/audit
pub(super) async fn list(context: web::Data<Context>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, &LIST)?;
    let limit = query.limit()?;
    let lane = query.text(&LANE).unwrap_or(LANE.example);
    let known = |lane: &LaneId| context.engine.lanes().iter().any(|view| view.lane == *lane);
    let lane = lane.parse().ok().and_then(LaneId::new).filter(known);
    let lane = lane.ok_or_else(|| Problem::at(ApiCode::OutOfRange, LANE.name, "there is no such lane"))?;
    let malformed = || Problem::at(ApiCode::MalformedCursor, page::CURSOR.name, "it is no cursor of this list");
    let after = match Cursor::of(&query)? {
        Some(Cursor(seq, _)) => Seq::new(seq).ok_or_else(malformed)?,
        None => Seq::ZERO,
    };
    let records = context.engine.journal(lane, after, limit).await?;
    let last = records.last().filter(|_| records.len() == limit);
    let next_cursor = last.map(|record| Cursor(record.position.seq().number(), 0));
    Ok(answer::ok(&AuditPage { items: records.iter().map(|record| Entry::of(record)).collect(), next_cursor }))
}
