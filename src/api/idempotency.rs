//! The `Idempotency-Key` of a request: where it is required, where it may be given.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::HeaderName};

use super::problem::{ApiCode, Problem};
use crate::actors::command::KeyError;

static HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer repeats an earlier one.
pub(super) static REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

const LEN_MAX: usize = 255;

/// A key that may be left out.
#[derive(Debug)]
pub(super) struct OptionalKey(pub(super) Option<Box<str>>);

/// A key that has to be given: every movement of money has one.
#[derive(Debug)]
pub(super) struct RequiredKey(pub(super) Box<str>);

fn key(request: &HttpRequest) -> Result<Option<Box<str>>, Problem> {
    let mut values = request.headers().get_all(&HEADER);
    let Some(value) = values.next() else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| malformed())?;
    if values.next().is_some() {
        return Err(malformed());
    }
    checked(text).map(|text| Some(text.into()))
}

fn malformed() -> Problem {
    Problem::at(ApiCode::KeyMalformed, "Idempotency-Key", KeyError::Malformed.to_string())
}

/// A key's text, if it can be one.
pub(super) fn checked(text: &str) -> Result<&str, Problem> {
    let well_formed = (1..=LEN_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if well_formed { Ok(text) } else { Err(malformed()) }
}

/// That money does not move without a key.
pub(super) fn missing_key() -> Problem {
    let detail = "money moves once per key: send a new Idempotency-Key, such as a UUIDv7, and the same one to retry";
    Problem::at(ApiCode::KeyMissing, "Idempotency-Key", detail)
}

impl FromRequest for OptionalKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(key(request).map(Self))
    }
}

impl FromRequest for RequiredKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(key(request).and_then(|key| key.map(Self).ok_or_else(missing_key)))
    }
}
