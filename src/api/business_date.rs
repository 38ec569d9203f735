//! `/v1/business-date`: where the lanes stand, when they roll, and the word that sends them on.

use actix_web::{HttpResponse, web};
use hwan_domain::{
    business_day::BusinessDay,
    record::Record,
    time::{BusinessDate, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer,
    authorize::By,
    context::Context,
    idempotency::OptionalKey,
    json::Body,
    openapi::texts::{CallerText, DateText, InstantText, LaneNumber, OffsetText, TimeText},
    operation::{Described, Operation, Shape},
    problem::{ApiCode, Problem},
    wire::{Shown, Text},
};
use crate::access::role::{Role, Roles};

/// A lane's business date.
#[derive(Serialize, ToSchema)]
#[schema(as = LaneDate)]
struct LaneDate {
    /// Which; 0 is the system lane.
    #[schema(value_type = LaneNumber)]
    lane: u16,
    /// The business date of its newest durable record; null while the lane is not open.
    #[schema(value_type = Option<DateText>, required)]
    business_date: Option<Shown<BusinessDate>>,
    /// That record.
    seq: u64,
}

/// When business dates begin.
#[derive(Serialize, ToSchema)]
#[schema(as = DateSchedule)]
struct Schedule {
    /// How far local time is ahead of UTC.
    #[schema(value_type = OffsetText)]
    utc_offset: String,
    /// When the date turns, by local time.
    #[schema(value_type = TimeText)]
    rolls_at: String,
}

/// The next roll by the schedule.
#[derive(Serialize, ToSchema)]
#[schema(as = NextRoll)]
struct NextRoll {
    /// To which date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
}

/// The business date.
#[derive(Serialize, ToSchema)]
#[schema(as = BusinessDateView)]
struct DateAnswer {
    /// The date that all open lanes have reached; null while none is open.
    #[schema(value_type = Option<DateText>, required)]
    business_date: Option<Shown<BusinessDate>>,
    /// What the clock shows.
    #[schema(value_type = InstantText)]
    clock: Shown<Timestamp>,
    /// Which date that is by the schedule.
    #[schema(value_type = DateText)]
    clock_date: Shown<BusinessDate>,
    /// Whether the lanes do not follow the clock: it jumped ahead by more than a day.
    held_back: bool,
    /// When dates begin.
    schedule: Schedule,
    /// The next roll.
    next_roll: NextRoll,
    /// Lane by lane.
    lanes: Vec<LaneDate>,
}

/// To which date the lanes are sent on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBusinessDate)]
struct NewDate<'a> {
    /// The date: at most the day after the clock's.
    #[serde(borrow)]
    #[schema(value_type = DateText)]
    date: Text<'a>,
}

/// All lanes have got there.
#[derive(Serialize, ToSchema)]
#[schema(as = RolledDate)]
pub(super) struct RolledDate<'a> {
    /// The date that the system lane was rolled to.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
    /// By which of its records.
    seq: u64,
    /// On whose word; `engine` where it was the schedule's.
    #[schema(value_type = CallerText)]
    by: &'a str,
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
}

impl<'a> RolledDate<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        Self {
            business_date: Shown(record.business_date),
            seq: record.position.seq().number(),
            by: &record.origin.caller,
            at: Shown(record.at),
        }
    }
}

/// Reads the business date.
pub(super) const GET: Operation = Operation {
    roles: Roles::all(),
    notes: "A record bears the date of its lane, whatever the clock says.",
    ..Operation::read(
        "business_date.get",
        "/business-date",
        "Read the business date of every lane, the schedule and the next roll",
        Described {
            shape: Shape::of::<DateAnswer>(),
            example: r#"{"business_date":"2026-11-23","clock":"2026-11-23T01:00:00.000000Z","clock_date":"2026-11-23","held_back":false,"schedule":{"utc_offset":"+09:00","rolls_at":"00:00"},"next_roll":{"business_date":"2026-11-24","at":"2026-11-23T15:00:00.000000Z"},"lanes":[{"lane":0,"business_date":"2026-11-23","seq":4},{"lane":1,"business_date":"2026-11-23","seq":17}]}"#,
        },
    )
};

/// Sends the lanes on.
pub(super) const ROLL: Operation = Operation {
    is_privileged: true,
    roles: Roles::of(&[Role::Ops]),
    refusals: &[422],
    notes: "Answered once the roll of every lane is durable. Up to the clock's date where lanes are behind it, and one day beyond it, \
            which closes the day early. Lanes that are there or further stay; a repeat gets the same answer.",
    ..Operation::command(
        "business_date.roll",
        "/business-date",
        "Send all lanes on to a business date",
        Described { shape: Shape::of::<NewDate<'_>>(), example: r#"{"date":"2026-11-24"}"# },
        Described {
            shape: Shape::of::<RolledDate<'_>>(),
            example: r#"{"business_date":"2026-11-24","seq":5,"by":"operator","at":"2026-11-23T11:00:00.000000Z"}"#,
        },
    )
};

impl Schedule {
    fn of(day: BusinessDay) -> Self {
        let offset = day.utc_offset();
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
        Self {
            utc_offset: format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
            rolls_at: format!("{:02}:{:02}", day.rolls_at() / 60, day.rolls_at() % 60),
        }
    }
}

/// The date in a field.
pub(super) fn date_of(text: &Text<'_>, field: &'static str) -> Result<BusinessDate, Problem> {
    BusinessDate::parse(text.as_str())
        .ok_or_else(|| Problem::at(ApiCode::MalformedTime, field, "not a date: write it such as 2026-11-23"))
}

/// GET /v1/business-date
pub(super) async fn get(context: web::Data<Context>) -> HttpResponse {
    let view = context.engine.business_date();
    let lanes = context.engine.lanes();
    answer::ok(&DateAnswer {
        business_date: lanes.iter().filter_map(|lane| lane.business_date).min().map(Shown),
        clock: Shown(view.clock),
        clock_date: Shown(view.clock_date),
        held_back: view.is_held_back,
        schedule: Schedule::of(view.day),
        next_roll: NextRoll { business_date: Shown(view.next.0), at: Shown(view.next.1) },
        lanes: lanes
            .iter()
            .map(|lane| LaneDate {
                lane: lane.lane.number(),
                business_date: lane.business_date.map(Shown),
                seq: lane.durable.number(),
            })
            .collect(),
    })
}

/// POST /v1/business-date
pub(super) async fn roll(
    context: web::Data<Context>,
    by: By,
    key: OptionalKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: NewDate<'_> = body.read()?;
    let date = date_of(&request.date, "date")?;
    Ok(answer::created(&context.engine.roll_date(context.caller(&by, key.0, body.digest), date).await?))
}
