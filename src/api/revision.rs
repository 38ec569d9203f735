//! ETag, `If-Match`, `If-None-Match`: an account's state by name, so that a command can say on which state it was decided.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::header::{ETAG, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH},
};
use hwan_domain::revision::AccountRevision;

use super::problem::{ApiCode, Problem};

/// The state that a command expects; none: whatever it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct IfMatch(pub(super) Option<AccountRevision>);

/// The states that a reader has already.
#[derive(Clone, Debug)]
pub(super) struct IfNoneMatch(Option<String>);

impl IfNoneMatch {
    /// Whether this one is among them.
    pub(super) fn has(&self, revision: AccountRevision) -> bool {
        let Some(tags) = &self.0 else { return false };
        let known = |tag: &str| unquoted(tag.strip_prefix("W/").unwrap_or(tag)).is_some_and(|tag| is(tag, revision));
        tags.split(',').map(str::trim).any(|tag| tag == "*" || known(tag))
    }
}

fn is(tag: &str, revision: AccountRevision) -> bool {
    tag.parse::<AccountRevision>().is_ok_and(|known| known == revision)
}

fn unquoted(tag: &str) -> Option<&str> {
    tag.strip_prefix('"')?.strip_suffix('"')
}

fn header<'a>(request: &'a HttpRequest, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = request.headers().get_all(name);
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|_| values.next().is_none());
    text.map(Some).ok_or_else(malformed)
}

fn malformed() -> Problem {
    Problem::at(ApiCode::MalformedId, "If-Match", "send the one ETag of GET /v1/accounts/{id}, in its quotes")
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parse = |text: &str| match text {
            "*" => Ok(None),
            tag => unquoted(tag).and_then(|tag| tag.parse().ok()).map(Some).ok_or_else(malformed),
        };
        let expected = header(request, &IF_MATCH).and_then(|text| text.map_or(Ok(None), parse));
        ready(expected.map(Self))
    }
}

impl FromRequest for IfNoneMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // What can't be read matches nothing: the whole answer is always right.
        let tags = header(request, &IF_NONE_MATCH).ok().flatten().map(str::to_owned);
        ready(Ok(Self(tags)))
    }
}

fn tag(revision: AccountRevision) -> HeaderValue {
    let text = format!("\"{revision}\"");
    HeaderValue::try_from(text).expect("a revision's text is visible ASCII")
}

/// An answer with the name of the state that it shows.
pub(super) fn named(mut answer: HttpResponse, revision: AccountRevision) -> HttpResponse {
    answer.headers_mut().insert(ETAG, tag(revision));
    answer
}

/// 304: the reader has it already.
pub(super) fn not_modified(revision: AccountRevision) -> HttpResponse {
    HttpResponse::NotModified().insert_header((ETAG, tag(revision))).finish()
}
