//! Every way in which the API says no, in one place: RFC 9457 problems.
//!
//! Each code has one status, one title and one answer to "may I send the same request, with the same key, again?":
//! `retryable`. Business rejections are not retryable, because nothing changes by waiting; they are not remembered
//! either, so the same key may try again once something did change. [`ResponseError`] gives the status alone: the
//! [`envelope`](super::envelope) writes the body, because it knows the request's id.

use std::{borrow::Cow, fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{StatusCode, header},
};
use hwan_domain::rejection::{Code, Rejection, Violation};
use serde::Serialize;
use utoipa::ToSchema;

pub use super::code::ApiCode;
use super::{answer, code::ProblemCode, openapi::codes::CodeText, request_id::RequestId};
use crate::{
    accounting::books::BooksError,
    actors::command::{KeyError, NotDone, Overload, Refusal},
};

/// The longest detail that repeats what a client sent, in characters.
const ECHO_MAX: usize = 300;

/// Something that stands against what was asked.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Violation)]
pub(super) struct Found {
    /// Its code.
    #[schema(value_type = CodeText)]
    code: &'static str,
    /// What was found and what would do.
    #[schema(value_type = String)]
    detail: Cow<'static, str>,
    /// The field or header that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    field: Option<&'static str>,
}

impl Found {
    /// A failed check.
    pub(super) fn of(violation: &Violation) -> Self {
        Self { code: violation.code.as_str(), detail: violation.detail.clone().into(), field: None }
    }
}

/// Why something was not done (RFC 9457). Its code is stable.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemAnswer<'a> {
    /// The code as a URN.
    #[schema(pattern = "^urn:hwan:problem:[a-z_]+$")]
    r#type: String,
    /// What the code means.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What was found first, and what would do.
    detail: &'a str,
    /// The main code: the first by precedence.
    #[schema(value_type = CodeText)]
    code: &'static str,
    /// Whether the same request, with the same key, may be sent again.
    retryable: bool,
    /// Everything that was found, by precedence.
    violations: &'a [Found],
    /// The request, for who asks the bank about it.
    request_id: &'a str,
}

/// An answer that is not the one asked for.
#[derive(Clone, Debug)]
pub struct Problem {
    code: ProblemCode,
    found: Vec<Found>,
    retry_after: Option<u64>,
    allow: Option<String>,
    closes: bool,
}

impl Problem {
    /// Of the API, with what was found and what to do.
    pub fn new(code: ApiCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(ProblemCode::Api(code), None, detail.into())
    }

    /// Of the API, about one field.
    pub fn at(code: ApiCode, field: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(ProblemCode::Api(code), Some(field), detail.into())
    }

    /// A caller asks too much; after `wait` it may ask again.
    pub fn rate_limited(detail: &'static str, wait: Duration) -> Self {
        Self { retry_after: Some(whole_seconds(wait)), ..Self::new(ApiCode::RateLimited, detail) }
    }

    /// A business rejection that is plain from the request alone.
    pub fn rejected(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(ProblemCode::Rejected(code), None, detail.into())
    }

    /// The same, about one field.
    pub fn rejected_at(code: Code, field: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(ProblemCode::Rejected(code), Some(field), detail.into())
    }

    /// A route without this method; `allow` lists those it has.
    pub fn method_not_allowed(allow: String) -> Self {
        let problem = Self::new(ApiCode::MethodNotAllowed, format!("this route has {allow}"));
        Self { allow: Some(allow), ..problem }
    }

    /// Also ends the connection: what is left of the request is not read.
    #[must_use]
    pub fn closing(self) -> Self {
        Self { closes: true, ..self }
    }

    fn of(code: ProblemCode, field: Option<&'static str>, detail: Cow<'static, str>) -> Self {
        let too_long = detail.chars().nth(ECHO_MAX).is_some();
        let detail = if too_long { detail.chars().take(ECHO_MAX).chain(['…']).collect() } else { detail };
        let retry_after = match code {
            ProblemCode::Rejected(_) => None,
            ProblemCode::Api(code) => code.retry_after(),
        };
        Self {
            code,
            found: vec![Found { code: code.as_str(), detail, field }],
            retry_after,
            allow: None,
            closes: false,
        }
    }

    /// The stable text of the main code.
    pub const fn code(&self) -> &'static str {
        self.code.as_str()
    }

    /// The status of the answer.
    pub fn status(&self) -> u16 {
        self.code.status().as_u16()
    }

    /// The body of the answer, with the id of the request that it answers.
    pub fn body(&self, request: &RequestId) -> Vec<u8> {
        answer::to_json(&ProblemAnswer {
            r#type: format!("urn:hwan:problem:{}", self.code.as_str()),
            title: self.code.title(),
            status: self.status(),
            detail: self.found.first().map_or("", |found| &found.detail),
            code: self.code.as_str(),
            retryable: self.retry_after.is_some(),
            violations: &self.found,
            request_id: request.as_str(),
        })
    }

    /// The whole answer, with the id of the request that it answers.
    pub fn response(&self, request: &RequestId) -> HttpResponse {
        let status = self.code.status();
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"hwan\""));
        }
        if self.closes {
            response.force_close();
        }
        response.body(self.body(request))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.code.status())
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        Self {
            code: ProblemCode::Rejected(rejection.code()),
            found: rejection.violations().iter().map(Found::of).collect(),
            retry_after: None,
            allow: None,
            closes: false,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        let code = match refusal {
            Refusal::Rejected(rejection) => return rejection.into(),
            Refusal::Key(KeyError::Malformed) => ApiCode::KeyMalformed,
            Refusal::Key(KeyError::Reused) => ApiCode::KeyReused,
            Refusal::Key(KeyError::Expired) => ApiCode::KeyExpired,
            Refusal::Key(KeyError::FromFuture) => ApiCode::KeyFromFuture,
            Refusal::NotDone(NotDone::LaneClosed) => ApiCode::LaneClosed,
            Refusal::NotDone(NotDone::LaneStopped) => ApiCode::LaneStopped,
            Refusal::NotDone(NotDone::CommitFailed) => ApiCode::CommitFailed,
            Refusal::NotDone(NotDone::DeadlinePassed) => ApiCode::DeadlinePassed,
            Refusal::NotDone(NotDone::Stopping) => ApiCode::Stopping,
            Refusal::Unknown => ApiCode::OutcomeUnknown,
            Refusal::Overloaded { limit, retry_after } => {
                let code = match limit {
                    Overload::InFlight => ApiCode::InFlight,
                    Overload::InFlightOfCustomer => ApiCode::InFlightOfCustomer,
                    Overload::ProjectionLag => ApiCode::ProjectionLag,
                    Overload::OutboxBacklog => ApiCode::OutboxBacklog,
                };
                return Self { retry_after: Some(whole_seconds(retry_after)), ..Self::new(code, detail) };
            }
        };
        Self::new(code, detail)
    }
}

impl From<BooksError> for Problem {
    fn from(error: BooksError) -> Self {
        // What it says of the store is for the log.
        tracing::warn!(%error, "the books cannot be read");
        match error {
            BooksError::Unavailable(_) => Self::new(ApiCode::LedgerUnavailable, "the store of the books is away"),
            BooksError::Damaged(_) => Self::new(ApiCode::LedgerDamaged, "the books wait for an operator"),
        }
    }
}

/// Retry-After knows whole seconds only: rounded up, at least one.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_outcomes_say_whether_to_retry() {
        let overloaded =
            Refusal::Overloaded { limit: Overload::InFlightOfCustomer, retry_after: Duration::from_millis(1_001) };
        for (refusal, code, status, retry_after) in [
            (Refusal::Unknown, "outcome_unknown", 503, Some(1)),
            (Refusal::NotDone(NotDone::CommitFailed), "commit_failed", 503, Some(1)),
            (Refusal::NotDone(NotDone::LaneStopped), "lane_stopped", 503, Some(30)),
            (overloaded, "in_flight_of_customer", 429, Some(2)),
            (Refusal::Key(KeyError::Reused), "idempotency_key_reused", 422, None),
            (Refusal::Rejected(Rejection::one(Code::QuoteExpired, "late")), "quote_expired", 410, None),
        ] {
            let problem = Problem::from(refusal);
            assert_eq!(
                (problem.code(), problem.status_code().as_u16(), problem.retry_after),
                (code, status, retry_after)
            );
        }
    }

    #[test]
    fn what_a_client_sent_is_repeated_in_part_only() {
        let problem = Problem::new(ApiCode::MalformedBody, "é".repeat(100_000));
        assert_eq!(problem.found[0].detail.chars().count(), ECHO_MAX + 1);
    }
}
