//! Requests: as the caller says them, and as the bytes that go out.

use std::{fmt::Write as _, io, str::FromStr};

use crate::{address::ServerAddr, error::ClientError};

/// The methods that can be sent. hwan's API uses the first two; the others are there to see them refused. Not HEAD: its
/// answers name a length that does not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Commands.
    Post,
    /// Not of the API.
    Put,
    /// Not of the API.
    Patch,
    /// Not of the API.
    Delete,
    /// Not of the API.
    Options,
}

impl Method {
    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options]
            .into_iter()
            .find(|method| method.as_str() == text)
            .ok_or_else(|| format!("unknown method {text:?}: use GET, POST, PUT, PATCH, DELETE or OPTIONS"))
    }
}

/// A request, before it knows its server.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    target: String,
    headers: Headers,
    body: Option<Vec<u8>>,
}

impl Request {
    /// Any request; a body where there is one is JSON unless a header says otherwise.
    pub fn new(method: Method, path: impl Into<String>, body: Option<Vec<u8>>) -> Self {
        Self { method, target: path.into(), headers: Headers::default(), body }
    }

    /// Reads `path`, which begins with `/`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path, None)
    }

    /// Posts a JSON `body` to `path`.
    pub fn post(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::new(Method::Post, path, Some(body.into()))
    }

    /// With an `Idempotency-Key`.
    #[must_use]
    pub fn with_key(self, key: impl Into<String>) -> Self {
        self.with_header("Idempotency-Key", key)
    }

    /// With a header, in place of one of the same name, those that the client sends by itself included.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.set(name.into(), value.into());
        self
    }

    /// With a parameter of the query, escaped.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: &str) -> Self {
        self.target.push(if self.target.contains('?') { '&' } else { '?' });
        escape(name, &mut self.target);
        self.target.push('=');
        escape(value, &mut self.target);
        self
    }

    /// The bytes for `server`. Fails on what would not stay in its line.
    pub fn prepare(&self, server: &ServerAddr) -> Result<PreparedRequest, ClientError> {
        self.prepare_with(server, &Headers::default())
    }

    /// The same, with `also` where the request itself does not say otherwise.
    pub(crate) fn prepare_with(&self, server: &ServerAddr, also: &Headers) -> Result<PreparedRequest, ClientError> {
        if !self.target.starts_with('/') || !self.target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid("the path must begin with a slash and hold visible ascii only"));
        }
        let body = self.body.as_deref().unwrap_or_default();
        let mut bytes = Vec::with_capacity(256 + body.len());
        for part in [self.method.as_str(), " ", &self.target, " HTTP/1.1"] {
            bytes.extend_from_slice(part.as_bytes());
        }
        let bearer = server.token().map(|token| format!("Bearer {token}"));
        let length = self.body.as_ref().map(|body| body.len().to_string());
        let own = |bytes: &mut Vec<u8>, name: &str, value: Option<&str>| match value {
            Some(value) if !self.headers.has(name) && !also.has(name) => line(bytes, name, value).map(drop),
            _ => Ok(()),
        };
        own(&mut bytes, "Host", Some(server.authority()))?;
        own(&mut bytes, "Authorization", bearer.as_deref())?;
        let mut key_at = 0..0;
        let others = also.0.iter().filter(|(name, _)| !self.headers.has(name));
        for (name, value) in self.headers.0.iter().chain(others) {
            if ["content-length", "transfer-encoding"].iter().any(|framing| name.eq_ignore_ascii_case(framing)) {
                return Err(invalid("the client frames its requests itself: no content length, no transfer encoding"));
            }
            let value_at = line(&mut bytes, name, value)?;
            if name.eq_ignore_ascii_case("Idempotency-Key") {
                key_at = value_at;
            }
        }
        own(&mut bytes, "Content-Type", self.body.as_ref().map(|_| "application/json"))?;
        own(&mut bytes, "Content-Length", length.as_deref())?;
        bytes.extend_from_slice(b"\r\n\r\n");
        let body_from = bytes.len();
        bytes.extend_from_slice(body);
        Ok(PreparedRequest { bytes, key_at, body_from })
    }
}

/// Writes a header; gives where its value stands.
fn line(bytes: &mut Vec<u8>, name: &str, value: &str) -> Result<std::ops::Range<usize>, ClientError> {
    let of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(of_a_name) {
        return Err(invalid("a header's name must be a token"));
    }
    if value.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err(invalid("a header's value must not hold control characters"));
    }
    if name.eq_ignore_ascii_case("Idempotency-Key") && value.is_empty() {
        return Err(invalid("an idempotency key must not be empty"));
    }
    for part in [b"\r\n", name.as_bytes(), b": "] {
        bytes.extend_from_slice(part);
    }
    let from = bytes.len();
    bytes.extend_from_slice(value.as_bytes());
    Ok(from..bytes.len())
}

/// Headers by name, each once; names are compared without case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    pub(crate) fn set(&mut self, name: String, value: String) {
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        self.0.push((name, value));
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

/// Percent-encodes all but what RFC 3986 calls unreserved.
fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}"); // a String takes everything
        }
    }
}

/// A text as one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    escape(text, &mut escaped);
    escaped
}

fn invalid(reason: &'static str) -> ClientError {
    ClientError::unsent(io::Error::new(io::ErrorKind::InvalidInput, reason))
}

/// A request as bytes, for one server. Key and body can be patched in place, at equal length: a hot loop builds a
/// request once and never formats again. It holds the token: it is not to be printed.
#[derive(Clone)]
pub struct PreparedRequest {
    bytes: Vec<u8>,
    key_at: std::ops::Range<usize>,
    body_from: usize,
}

impl PreparedRequest {
    /// All of it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The key's bytes; empty without a key. What is written here must stay visible ASCII.
    pub fn key_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.key_at.clone()).unwrap_or_default()
    }

    /// The body's bytes.
    pub fn body(&self) -> &[u8] {
        self.bytes.get(self.body_from..).unwrap_or_default()
    }

    /// The body's bytes, to be patched.
    pub fn body_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.body_from..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> ServerAddr {
        ServerAddr::loopback("http://127.0.0.1:8080").unwrap().with_token("secret")
    }

    #[test]
    fn a_post_carries_key_token_and_length() {
        let request = Request::post("/v1/deposits", *b"{}").with_key("k-1").prepare(&server()).unwrap();
        assert_eq!(
            std::str::from_utf8(request.as_bytes()).unwrap(),
            "POST /v1/deposits HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: Bearer secret\r\n\
             Idempotency-Key: k-1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        );
    }

    #[test]
    fn key_and_body_are_patched_in_place() {
        let mut request = Request::post("/x", *b"[1]").with_key("aaa").prepare(&server()).unwrap();
        request.key_mut().copy_from_slice(b"bbb");
        request.body_mut()[1] = b'2';
        let text = String::from_utf8(request.as_bytes().to_vec()).unwrap();
        assert!(text.contains("Idempotency-Key: bbb\r\n") && text.ends_with("\r\n\r\n[2]"), "{text}");
    }

    #[test]
    fn what_would_break_its_line_is_not_sent() {
        for request in [
            Request::get("/v1/x\r\nX: y"),
            Request::get("v1"),
            Request::get("/a b"),
            Request::post("/x", *b"").with_key("a\nb"),
            Request::post("/x", *b"").with_key(""),
        ] {
            assert!(request.prepare(&server()).is_err(), "{request:?}");
        }
    }

    #[test]
    fn a_header_that_is_given_takes_the_place_of_the_clients_own() {
        let text = |request: Request, also: &Headers| {
            String::from_utf8(request.prepare_with(&server(), also).unwrap().as_bytes().to_vec()).unwrap()
        };
        let mut also = Headers::default();
        also.set("authorization".into(), "Bearer other".into());
        also.set("X-Request-Id".into(), "theirs".into());
        let sent = text(Request::get("/x").with_header("x-request-id", "mine").with_header("host", "evil"), &also);
        assert_eq!(sent, "GET /x HTTP/1.1\r\nx-request-id: mine\r\nhost: evil\r\nauthorization: Bearer other\r\n\r\n");
    }

    #[test]
    fn a_query_is_escaped() {
        let request = Request::get("/v1/customers").with_query("reference", "김 & co").with_query("limit", "5");
        let text = String::from_utf8(request.prepare(&server()).unwrap().as_bytes().to_vec()).unwrap();
        assert!(text.starts_with("GET /v1/customers?reference=%EA%B9%80%20%26%20co&limit=5 HTTP/1.1\r\n"), "{text}");
    }

    #[test]
    fn the_framing_is_the_clients() {
        for name in ["Content-Length", "transfer-encoding", "a b", ""] {
            assert!(Request::post("/x", *b"").with_header(name, "1").prepare(&server()).is_err(), "{name}");
        }
    }
}
