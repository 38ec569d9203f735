//! The query of a list, read strictly: a parameter that the operation does not have is refused by its name, so that a
//! misspelt filter never becomes "everything".

use std::{borrow::Cow, str::FromStr};

use actix_web::HttpRequest;
use hwan_domain::time::{BusinessDate, Timestamp};

use super::{
    operation::{Operation, Parameter},
    problem::{ApiCode, Problem},
};

/// How many items a page has if the client does not say.
const LIMIT_DEFAULT: usize = 50;
/// The most items of a page.
const LIMIT_MAX: usize = 1_000;

/// The parameters that came, by name.
#[derive(Debug)]
pub(super) struct Query<'a>(Vec<(&'static str, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// Those of a request to this operation.
    pub(super) fn of(request: &'a HttpRequest, operation: &'static Operation) -> Result<Self, Problem> {
        let mut found: Vec<(&'static str, Cow<'a, str>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(request.query_string().as_bytes()) {
            let Some(known) = operation.query.iter().find(|parameter| parameter.name == name) else {
                let names: Vec<&str> = operation.query.iter().map(|parameter| parameter.name).collect();
                let detail = format!("{name} is not a parameter of this list, which has {}", names.join(", "));
                return Err(Problem::new(ApiCode::UnknownParameter, detail));
            };
            if found.iter().any(|(name, _)| *name == known.name) {
                return Err(Problem::at(ApiCode::UnknownParameter, known.name, "the parameter comes more than once"));
            }
            found.push((known.name, value));
        }
        Ok(Self(found))
    }

    /// The text of a parameter.
    pub(super) fn text(&self, parameter: &Parameter) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == parameter.name).map(|(_, value)| value.as_ref())
    }

    /// The id in a parameter.
    pub(super) fn id<T: FromStr<Err: std::fmt::Display>>(&self, parameter: &Parameter) -> Result<Option<T>, Problem> {
        let parse = |text: &str| {
            text.parse().map_err(|error: T::Err| Problem::at(ApiCode::MalformedId, parameter.name, error.to_string()))
        };
        self.text(parameter).map(parse).transpose()
    }

    /// The id in a parameter that has to be there.
    pub(super) fn required_id<T: FromStr<Err: std::fmt::Display>>(&self, parameter: &Parameter) -> Result<T, Problem> {
        let missing = || Problem::at(ApiCode::MalformedId, parameter.name, "the parameter is missing");
        self.id(parameter)?.ok_or_else(missing)
    }

    /// The instant in a parameter.
    pub(super) fn instant(&self, parameter: &Parameter) -> Result<Option<Timestamp>, Problem> {
        let parse = |text: &str| {
            Timestamp::parse_rfc3339(text).ok_or_else(|| {
                let detail = "not a time: write RFC 3339 such as 2026-11-23T01:00:00.000000Z, and + as %2B";
                Problem::at(ApiCode::MalformedTime, parameter.name, detail)
            })
        };
        self.text(parameter).map(parse).transpose()
    }

    /// The business date in a parameter.
    pub(super) fn date(&self, parameter: &Parameter) -> Result<Option<BusinessDate>, Problem> {
        let parse = |text: &str| {
            BusinessDate::parse(text).ok_or_else(|| {
                Problem::at(ApiCode::MalformedTime, parameter.name, "not a date: write it such as 2026-11-23")
            })
        };
        self.text(parameter).map(parse).transpose()
    }

    /// How many items the page may have.
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.text(&super::page::LIMIT) else { return Ok(LIMIT_DEFAULT) };
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|limit| plain && (1..=LIMIT_MAX).contains(limit)).ok_or_else(|| {
            Problem::at(ApiCode::OutOfRange, super::page::LIMIT.name, format!("a page has 1 to {LIMIT_MAX} items"))
        })
    }
}
