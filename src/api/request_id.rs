//! The id of a request: the client's own from `X-Request-Id`, or one made here; it is in every answer.

use std::{
    fmt::Write,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};

/// Where it travels.
pub static HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a client.
const LEN_MAX: usize = 128;

/// Tells the requests of one start from those of another.
static START: LazyLock<u32> = LazyLock::new(|| getrandom::u32().unwrap_or_else(|_| std::process::id()));
static COUNT: AtomicU64 = AtomicU64::new(1);

/// Names a request in answers and logs: 1 to 128 letters, digits and `-_.:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The client's id if it is well-formed, else a new one.
    pub fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(&HEADER).and_then(|value| value.to_str().ok());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        match given.filter(|id| (1..=LEN_MAX).contains(&id.len()) && id.bytes().all(plain)) {
            Some(given) => Self(given.to_owned()),
            None => Self::fresh(),
        }
    }

    /// The id that the envelope gave to this request.
    pub fn of_request(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_else(Self::fresh)
    }

    fn fresh() -> Self {
        let mut text = String::with_capacity(24);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // Writing to a text does not fail.
        let _written = write!(text, "req-{:08x}-{count:x}", *START);
        Self(text)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a header's value; `None` never, by what an id may hold.
    pub fn header(self) -> Option<HeaderValue> {
        HeaderValue::try_from(self.0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &'static [u8]) -> RequestId {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER.clone(), HeaderValue::from_bytes(value).unwrap());
        RequestId::of(&headers)
    }

    #[test]
    fn a_clients_id_is_kept_and_a_malformed_one_replaced() {
        assert_eq!(of(b"order-7:a.b_c").as_str(), "order-7:a.b_c");
        for bad in [&b""[..], b"a b", b"\"x\"", b"\xff", &[b'a'; LEN_MAX + 1]] {
            assert!(of(bad).as_str().starts_with("req-"));
        }
        let (one, other) = (RequestId::of(&HeaderMap::new()), RequestId::of(&HeaderMap::new()));
        assert_ne!(one, other);
        assert!(one.header().is_some());
    }
}
