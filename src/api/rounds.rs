//! `/v1/rounds`: publishing a rate notice with the guard's verdict; reading, listing, voiding one.

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::{
    board::Publication,
    currency::Currency,
    guard::{Finding, Proposal},
    id::ChangeId,
    record::Record,
    round::{Round, RoundId, RoundStatus},
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    amount::{DecimalText, foreign_currency},
    answer,
    authorize::By,
    context::Context,
    idempotency::OptionalKey,
    json::Body,
    openapi::texts::{
        CallerText, ChangeIdText, CurrencyText, CursorText, DateText, InstantText, PercentText, RateText, RoundIdText,
    },
    operation::{Described, Operation, Parameter, Shape},
    page::{self, Cursor},
    pairs,
    path_id::PathId,
    problem::{ApiCode, Problem},
    query::Query,
    reason::{ReasonText, reason},
    wire::{Shown, Text},
};
use crate::access::role::{Role, Roles};

/// The most independent sources of one round.
const SOURCES_MAX: usize = 32;

const NAMED: Parameter =
    Parameter { name: "id", about: "The round", shape: Shape::of::<RoundIdText>(), example: "USD-20261123-1" };
const ON_DATE: Parameter = Parameter {
    name: "business_date",
    about: "Only rounds of this business date",
    shape: Shape::of::<DateText>(),
    example: "2026-11-23",
};

/// A rate notice.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRound)]
struct PublishRequest<'a> {
    /// The foreign currency.
    #[serde(borrow)]
    #[schema(value_type = CurrencyText)]
    currency: Text<'a>,
    /// The middle rate, per the currency's rate unit.
    #[serde(borrow)]
    #[schema(value_type = RateText)]
    mid: DecimalText<'a>,
    /// When the market was seen; without it now. The guard refuses what is stale.
    #[schema(value_type = Option<InstantText>)]
    observed_at: Option<Text<'a>>,
    /// Independent sources of the same rate: the guard refuses what is far from their median.
    #[serde(borrow, default)]
    #[schema(value_type = Vec<RateText>, max_items = 32)]
    sources: Vec<DecimalText<'a>>,
    /// Until when it trades, at most.
    #[schema(value_type = InstantText)]
    valid_until: Text<'a>,
    /// The spread; without it the currency's own.
    #[serde(borrow)]
    #[schema(value_type = Option<PercentText>)]
    spread_percent: Option<DecimalText<'a>>,
    /// How much of the spread customers are let off; without it the currency's own.
    #[serde(borrow)]
    #[schema(value_type = Option<PercentText>)]
    preference_percent: Option<DecimalText<'a>>,
}

/// A round with the guard's verdict; without a round where what was proposed is no rate at all.
#[derive(Serialize, ToSchema)]
pub(super) struct PublishedRound {
    /// As it is stored; null where what was proposed is no rate at all.
    #[schema(required)]
    round: Option<RoundAnswer>,
    /// What the guard said.
    verdict: Verdict,
}

/// A round.
#[derive(Serialize, ToSchema)]
#[schema(as = Round)]
struct RoundAnswer {
    /// Its id.
    #[schema(value_type = RoundIdText)]
    id: Shown<RoundId>,
    /// The foreign currency.
    #[schema(value_type = CurrencyText)]
    currency: String,
    /// How much foreign currency the rate is for.
    unit: u32,
    /// The middle rate.
    #[schema(value_type = RateText)]
    mid: Shown<Decimal>,
    /// The spread, in won.
    #[schema(value_type = RateText)]
    spread: Shown<Decimal>,
    /// How much of it customers are let off.
    #[schema(value_type = PercentText)]
    preference_percent: Shown<Decimal>,
    /// When.
    #[schema(value_type = InstantText)]
    published_at: Shown<Timestamp>,
    /// Until when it trades, at most.
    #[schema(value_type = InstantText)]
    valid_until: Shown<Timestamp>,
    /// Whether it trades.
    #[schema(value_type = RoundStatusText)]
    status: &'static str,
}

/// What became of a round.
#[derive(ToSchema)]
#[schema(as = RoundStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum RoundStatusText {
    Active,
    Superseded,
    Halted,
    Voided,
}

/// What the guard said.
#[derive(Serialize, ToSchema)]
struct Verdict {
    /// Whether the round trades. If not, its pair is halted.
    trades: bool,
    /// What was found against it.
    findings: Vec<FindingAnswer>,
}

/// What the guard found.
#[derive(Serialize, ToSchema)]
#[serde(tag = "finding", rename_all = "snake_case")]
#[schema(as = Finding)]
enum FindingAnswer {
    /// Too far from the previous round.
    Jump {
        /// How far, in percent.
        #[schema(value_type = RateText)]
        percent: Shown<Decimal>,
        /// The most.
        #[schema(value_type = RateText)]
        percent_max: Shown<Decimal>,
    },
    /// Too far from the median of the sources.
    Deviation {
        /// How far, in percent.
        #[schema(value_type = RateText)]
        percent: Shown<Decimal>,
        /// The most.
        #[schema(value_type = RateText)]
        percent_max: Shown<Decimal>,
    },
    /// Seen too long ago.
    Stale {
        /// How long, in seconds.
        seconds: i64,
        /// The most.
        seconds_max: i64,
    },
    /// Off by a hundred: for another unit.
    Unit,
    /// Not above zero.
    Sign,
    /// Too many decimals.
    Scale,
}

/// A page of rounds, newest first.
#[derive(Serialize, ToSchema)]
struct RoundPage {
    /// The rounds.
    items: Vec<RoundAnswer>,
    /// Where to go on; null at the end.
    #[schema(value_type = Option<CursorText>, required)]
    next_cursor: Option<Cursor>,
}

/// Why a round is voided.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewVoid<'a> {
    /// Why.
    #[serde(borrow)]
    #[schema(value_type = ReasonText)]
    reason: Text<'a>,
}

/// A round that was voided; its pair is halted.
#[derive(Serialize, ToSchema)]
pub(super) struct VoidedRound<'a> {
    /// The change's id.
    #[schema(value_type = ChangeIdText)]
    id: Shown<ChangeId>,
    /// Which.
    #[schema(value_type = RoundIdText)]
    round: Shown<RoundId>,
    /// The foreign currency.
    #[schema(value_type = CurrencyText)]
    currency: &'a str,
    /// Why.
    #[schema(value_type = ReasonText)]
    reason: &'a str,
    /// Who did.
    #[schema(value_type = CallerText)]
    by: &'a str,
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
}

impl<'a> VoidedRound<'a> {
    pub(super) fn of(record: &'a Record, round: RoundId, currency: &'a Currency, reason: &'a str) -> Self {
        Self {
            id: Shown(ChangeId::at(record.position)),
            round: Shown(round),
            currency: currency.code(),
            reason,
            by: &record.origin.caller,
            at: Shown(record.at),
            business_date: Shown(record.business_date),
        }
    }
}

const EXAMPLE: &str = r#"{"id":"USD-20261123-1","currency":"USD","unit":1,"mid":"1350.50","spread":"23.60","preference_percent":"100","published_at":"2026-11-23T01:00:00.000000Z","valid_until":"2026-11-23T07:00:00.000000Z","status":"active"}"#;

/// Publishes a round.
pub(super) const PUBLISH: Operation = Operation {
    roles: Roles::of(&[Role::Rates]),
    notes: "The guard judges it first. A round that fails is stored with its verdict and does not trade; its pair is halted until \
            a second person lifts the halt.",
    ..Operation::command(
        "rounds.publish",
        "/rounds",
        "Publish a rate",
        Described {
            shape: Shape::of::<PublishRequest<'_>>(),
            example: r#"{"currency":"USD","mid":"1350.50","valid_until":"2026-11-23T07:00:00Z"}"#,
        },
        Described {
            shape: Shape::of::<PublishedRound>(),
            example: r#"{"round":{"id":"USD-20261123-1","currency":"USD","unit":1,"mid":"1350.50","spread":"23.60","preference_percent":"100","published_at":"2026-11-23T01:00:00.000000Z","valid_until":"2026-11-23T07:00:00.000000Z","status":"active"},"verdict":{"trades":true,"findings":[]}}"#,
        },
    )
};

/// Reads a round.
pub(super) const GET: Operation = Operation {
    roles: Roles::all(),
    named: Some(NAMED),
    refusals: &[404],
    ..Operation::read(
        "rounds.get",
        "/rounds/{id}",
        "Read a round",
        Described { shape: Shape::of::<RoundAnswer>(), example: EXAMPLE },
    )
};

/// Lists rounds.
pub(super) const LIST: Operation = Operation {
    roles: Roles::all(),
    query: &[pairs::NAMED, ON_DATE, page::LIMIT, page::CURSOR],
    ..Operation::read(
        "rounds.list",
        "/rounds",
        "List a pair's rounds, newest first",
        Described { shape: Shape::of::<RoundPage>(), example: r#"{"items":[],"next_cursor":null}"# },
    )
};

/// Voids a round.
pub(super) const VOID: Operation = Operation {
    is_privileged: true,
    roles: Roles::of(&[Role::Rates, Role::Ops]),
    named: Some(NAMED),
    notes: "Its quotes are refused from then on, and its pair is halted. What traded at it stays until it is reversed.",
    ..Operation::command(
        "rounds.void",
        "/rounds/{id}/void",
        "Void a round",
        Described { shape: Shape::of::<NewVoid<'_>>(), example: r#"{"reason":"off by ten"}"# },
        Described {
            shape: Shape::of::<VoidedRound<'_>>(),
            example: r#"{"id":"chg_000000000000c","round":"USD-20261123-1","currency":"USD","reason":"off by ten","by":"desk-1","at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#,
        },
    )
};

impl FindingAnswer {
    fn of(finding: &Finding) -> Self {
        match finding {
            Finding::Jump { percent, percent_max } => {
                Self::Jump { percent: Shown(*percent), percent_max: Shown(*percent_max) }
            }
            Finding::Deviation { percent, percent_max } => {
                Self::Deviation { percent: Shown(*percent), percent_max: Shown(*percent_max) }
            }
            Finding::Stale { seconds, seconds_max } => Self::Stale { seconds: *seconds, seconds_max: *seconds_max },
            Finding::Unit => Self::Unit,
            Finding::Sign => Self::Sign,
            Finding::Scale => Self::Scale,
        }
    }
}

impl RoundAnswer {
    fn of(round: &Round) -> Self {
        Self {
            id: Shown(round.id),
            currency: round.currency.code().to_owned(),
            unit: round.mid.unit(),
            mid: Shown(round.mid.value()),
            spread: Shown(round.spread),
            preference_percent: Shown(round.preference_percent),
            published_at: Shown(round.published_at),
            valid_until: Shown(round.valid_until),
            status: match round.status {
                RoundStatus::Active => "active",
                RoundStatus::Superseded => "superseded",
                RoundStatus::Halted => "halted",
                RoundStatus::Voided => "voided",
            },
        }
    }
}

impl PublishedRound {
    pub(super) fn of(round: Option<&Round>, findings: &[Finding]) -> Self {
        let findings: Vec<FindingAnswer> = findings.iter().map(FindingAnswer::of).collect();
        let verdict = Verdict { trades: findings.is_empty(), findings };
        Self { round: round.map(RoundAnswer::of), verdict }
    }
}

impl PublishRequest<'_> {
    fn publication(&self, context: &Context) -> Result<Publication, Problem> {
        if self.sources.len() > SOURCES_MAX {
            return Err(Problem::at(ApiCode::OutOfRange, "sources", format!("give at most {SOURCES_MAX} sources")));
        }
        let observed_at = match &self.observed_at {
            Some(text) => text.instant("observed_at")?,
            None => context.engine.now().0,
        };
        Ok(Publication {
            currency: foreign_currency(&self.currency, "currency", &context.currencies)?,
            proposal: Proposal {
                mid: self.mid.signed("mid")?,
                observed_at,
                sources: self.sources.iter().map(|source| source.signed("sources")).collect::<Result<_, _>>()?,
            },
            valid_until: self.valid_until.instant("valid_until")?,
            spread_percent: self.spread_percent.as_ref().map(|text| text.percent("spread_percent")).transpose()?,
            preference_percent: self
                .preference_percent
                .as_ref()
                .map(|text| text.percent("preference_percent"))
                .transpose()?,
        })
    }
}

/// POST /v1/rounds
pub(super) async fn publish(
    context: web::Data<Context>,
    by: By,
    key: OptionalKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: PublishRequest<'_> = body.read()?;
    let publication = request.publication(&context)?;
    let executed = context.engine.publish(context.caller(&by, key.0, body.digest), publication).await?;
    Ok(answer::created(&executed))
}

/// GET /v1/rounds/{id}
pub(super) async fn get(context: web::Data<Context>, id: PathId<RoundId>) -> Result<HttpResponse, Problem> {
    if let Some(round) = context.engine.board().round(id.0) {
        return Ok(answer::ok(&RoundAnswer::of(round)));
    }
    // The board remembers the newest rounds of a pair; the store has all of them.
    let RoundId { date, number, .. } = id.0;
    let code = std::str::from_utf8(&id.0.currency).ok();
    let currency = code.and_then(|code| context.currencies.find(code)).ok_or_else(|| id.not_found())?;
    let before = number.checked_add(1).map(|next| (date, next));
    let found = context.engine.rounds(currency, Some(date), before, 1).await?;
    let round = found.rounds.first().filter(|round| round.id == id.0).ok_or_else(|| id.not_found())?;
    Ok(answer::ok(&RoundAnswer::of(round)))
}

/// GET /v1/rounds
pub(super) async fn list(context: web::Data<Context>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, &LIST)?;
    let (limit, date) = (query.limit()?, query.date(&ON_DATE)?);
    let before = Cursor::of(&query)?.map(round_at).transpose()?;
    let code = query.text(&pairs::NAMED).unwrap_or_default();
    let found = context.currencies.foreign().find(|(currency, _)| currency.code() == code);
    let (currency, _) = found.ok_or_else(|| {
        Problem::at(ApiCode::UnknownCurrency, pairs::NAMED.name, "name one foreign currency of this bank")
    })?;
    let found = context.engine.rounds(currency, date, before, limit).await?;
    let next_cursor = found.next.map(|(date, number)| Cursor(u64::from(date.days().unsigned_abs()), number.into()));
    Ok(answer::ok(&RoundPage { items: found.rounds.iter().map(RoundAnswer::of).collect(), next_cursor }))
}

fn round_at(Cursor(days, number): Cursor) -> Result<(BusinessDate, u32), Problem> {
    let malformed = || Problem::at(ApiCode::MalformedCursor, page::CURSOR.name, "it is no cursor of this list");
    let days = i32::try_from(days).map_err(|_| malformed())?;
    Ok((BusinessDate::from_days(days), u32::try_from(number).map_err(|_| malformed())?))
}

/// POST /v1/rounds/{id}/void
pub(super) async fn void(
    context: web::Data<Context>,
    by: By,
    id: PathId<RoundId>,
    key: OptionalKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: NewVoid<'_> = body.read()?;
    let reason = reason(&request.reason)?;
    let caller = context.caller(&by, key.0, body.digest);
    Ok(answer::created(&context.engine.void(caller, id.0, &reason).await?))
}
