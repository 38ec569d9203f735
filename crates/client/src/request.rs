//! Requests: as the caller says them, and as the bytes that go out.

use std::io;

use crate::{client::ServerAddr, error::ClientError};

/// The methods that hwan's API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Commands.
    Post,
}

/// A request, before it knows its server.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    path: String,
    key: Option<String>,
    body: Vec<u8>,
}

impl Request {
    /// Reads `path`, which begins with `/`.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::Get, path: path.into(), key: None, body: Vec::new() }
    }

    /// Posts a JSON `body` to `path`.
    pub fn post(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { method: Method::Post, path: path.into(), key: None, body: body.into() }
    }

    /// With an `Idempotency-Key`.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The bytes for `server`. Fails on a path or key that would not stay in its line.
    pub fn prepare(&self, server: &ServerAddr) -> Result<PreparedRequest, ClientError> {
        let in_line = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !self.path.starts_with('/') || !in_line(&self.path) {
            return Err(invalid("the path must begin with a slash and hold visible ascii only"));
        }
        let mut bytes = Vec::with_capacity(256 + self.body.len());
        let method: &[u8] = if self.method == Method::Get { b"GET " } else { b"POST " };
        let length = self.body.len().to_string();
        for part in [method, self.path.as_bytes(), b" HTTP/1.1\r\nHost: ", server.host().as_bytes()] {
            bytes.extend_from_slice(part);
        }
        if let Some(token) = server.token() {
            bytes.extend_from_slice(b"\r\nAuthorization: Bearer ");
            bytes.extend_from_slice(token.as_bytes());
        }
        let mut key_at = 0..0;
        if let Some(key) = &self.key {
            if !in_line(key) {
                return Err(invalid("an idempotency key must hold visible ascii only"));
            }
            bytes.extend_from_slice(b"\r\nIdempotency-Key: ");
            key_at = bytes.len()..bytes.len() + key.len();
            bytes.extend_from_slice(key.as_bytes());
        }
        if self.method == Method::Post {
            bytes.extend_from_slice(b"\r\nContent-Type: application/json\r\nContent-Length: ");
            bytes.extend_from_slice(length.as_bytes());
        }
        bytes.extend_from_slice(b"\r\n\r\n");
        let body_from = bytes.len();
        bytes.extend_from_slice(&self.body);
        Ok(PreparedRequest { bytes, key_at, body_from })
    }
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
}
