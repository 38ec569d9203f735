//! `/v1/rounds`: publishing a rate notice, and reading one.

use actix_web::{HttpResponse, web};
use hwan_domain::{
    board::Publication,
    guard::{Finding, Proposal},
    round::{Round, RoundId, RoundStatus},
    time::Timestamp,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    amount::{DecimalText, foreign_currency},
    answer,
    context::Context,
    idempotency::OptionalKey,
    json::Body,
    path_id::PathId,
    problem::{ApiCode, Problem},
    wire::{Shown, Text},
};

/// The most independent sources of one round.
const SOURCES_MAX: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishRequest<'a> {
    #[serde(borrow)]
    currency: Text<'a>,
    #[serde(borrow)]
    mid: DecimalText<'a>,
    observed_at: Option<Text<'a>>,
    #[serde(borrow, default)]
    sources: Vec<DecimalText<'a>>,
    valid_until: Text<'a>,
    #[serde(borrow)]
    spread_percent: Option<DecimalText<'a>>,
    #[serde(borrow)]
    preference_percent: Option<DecimalText<'a>>,
}

/// A round with the guard's verdict; without a round where what was proposed is no rate at all.
#[derive(Serialize)]
pub(super) struct PublishedRound {
    round: Option<RoundAnswer>,
    verdict: Verdict,
}

#[derive(Serialize)]
struct RoundAnswer {
    id: Shown<RoundId>,
    currency: String,
    unit: u32,
    mid: Shown<Decimal>,
    spread: Shown<Decimal>,
    preference_percent: Shown<Decimal>,
    published_at: Shown<Timestamp>,
    valid_until: Shown<Timestamp>,
    status: &'static str,
}

#[derive(Serialize)]
struct Verdict {
    trades: bool,
    findings: Vec<FindingAnswer>,
}

#[derive(Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
enum FindingAnswer {
    Jump { percent: Shown<Decimal>, percent_max: Shown<Decimal> },
    Deviation { percent: Shown<Decimal>, percent_max: Shown<Decimal> },
    Stale { seconds: i64, seconds_max: i64 },
    Unit,
    Sign,
    Scale,
}

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
    key: OptionalKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: PublishRequest<'_> = body.read()?;
    let publication = request.publication(&context)?;
    let executed = context.engine.publish(context.caller(key.0, &body), publication).await?;
    Ok(answer::created(&executed))
}

/// GET /v1/rounds/{id}
pub(super) async fn get(context: web::Data<Context>, id: PathId<RoundId>) -> Result<HttpResponse, Problem> {
    let board = context.engine.board();
    let round = board.round(id.0).ok_or_else(|| id.not_found())?;
    Ok(answer::ok(&RoundAnswer::of(round)))
}
