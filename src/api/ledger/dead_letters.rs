//! `GET /v1/ledger/dead-letters`: records that could not be posted and wait to be redelivered.

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::journals::{LANE, cursor_of, lane_of, position_at};
use crate::{
    accounting::books::{DeadLetter, DeadLetterKind},
    api::{
        answer,
        context::Context,
        openapi::texts::{CursorText, InstantText, LaneNumber},
        operation::{BOOKS, Described, Operation, Shape},
        page::{self, Cursor},
        problem::Problem,
        query::Query,
        wire::Shown,
    },
};

/// What could not be posted.
#[derive(ToSchema)]
#[schema(as = DeadLetterKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum KindText {
    /// A record in its place: it counts as taken, its journal is missing until it is redelivered.
    Record,
    /// A message that is no record of the lane at all: it was passed over.
    Stray,
}

/// Something that could not be posted.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
struct LetterAnswer {
    /// Its lane.
    #[schema(value_type = LaneNumber)]
    lane: u16,
    /// Its place; of a stray the place at which the lane stood.
    seq: u64,
    /// What it is.
    #[schema(value_type = KindText)]
    kind: &'static str,
    /// Why it could not be posted.
    reason: String,
    /// Since when.
    #[schema(value_type = InstantText)]
    since: Shown<Timestamp>,
    /// The message's offset; null where it did not come as a message.
    #[schema(required)]
    offset: Option<i64>,
    /// What came.
    body: String,
}

/// A page of them, by lane and place.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetterPage)]
struct LetterPage {
    /// The dead letters.
    items: Vec<LetterAnswer>,
    /// Where to go on; null at the end.
    #[schema(value_type = Option<CursorText>, required)]
    next_cursor: Option<Cursor>,
}

/// Lists dead letters.
pub(in crate::api) const LIST: Operation = Operation {
    roles: BOOKS,
    query: &[LANE, page::LIMIT, page::CURSOR],
    refusals: &[404],
    notes: "Other records and other lanes go on without them; `hwan ledger redeliver` posts them once their cause is gone.",
    ..Operation::read(
        "ledger.dead_letters",
        "/ledger/dead-letters",
        "List records that could not be posted",
        Described {
            shape: Shape::of::<LetterPage>(),
            example: r#"{"items":[{"lane":1,"seq":7,"kind":"record","reason":"unbalanced: 135050 debited and 135051 credited in minor units of KRW","since":"2026-11-23T01:00:00.000000Z","offset":null,"body":"{}"}],"next_cursor":null}"#,
        },
    )
};

impl LetterAnswer {
    fn of(letter: DeadLetter) -> Self {
        Self {
            lane: letter.position.lane().number(),
            seq: letter.position.seq().number(),
            kind: match letter.kind {
                DeadLetterKind::Record => "record",
                DeadLetterKind::Stray => "stray",
            },
            body: letter.text(),
            reason: letter.reason,
            since: Shown(letter.since),
            offset: letter.offset,
        }
    }
}

/// GET /v1/ledger/dead-letters
pub(in crate::api) async fn list(context: web::Data<Context>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, &LIST)?;
    let (limit, lane) = (query.limit()?, lane_of(&query)?);
    let after = Cursor::of(&query)?.map(position_at).transpose()?;
    let letters = context.books()?.dead_letters(lane, after, limit).await?;
    let last = letters.last().filter(|_| letters.len() == limit);
    let next_cursor = last.map(|letter| cursor_of(letter.position));
    Ok(answer::ok(&LetterPage { items: letters.into_iter().map(LetterAnswer::of).collect(), next_cursor }))
}
