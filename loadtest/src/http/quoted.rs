//! An exchange at a quote: the capability of the quote's answer becomes the body of the next request.

use anyhow::Result;
use hwan_client::{PreparedRequest, Request, ServerAddr};

use crate::key::KEY_LEN;

const BEFORE: &[u8] = b"\"quote\":\"";

/// The capability in the body of a quote's answer. It holds no character that JSON escapes.
pub(super) fn capability(body: &[u8]) -> Option<&[u8]> {
    let from = memchr::memmem::find(body, BEFORE)? + BEFORE.len();
    let rest = body.get(from..)?;
    rest.get(..memchr::memchr(b'"', rest)?)
}

/// The request that uses a quote. Built again only where a capability is of another length than the one before.
pub(super) struct Usage {
    server: ServerAddr,
    length: usize,
    request: Option<PreparedRequest>,
}

impl Usage {
    pub(super) fn new(server: &ServerAddr) -> Self {
        Self { server: server.clone(), length: 0, request: None }
    }

    /// The request that uses `capability`, under the key that `write_key` writes.
    pub(super) fn write(&mut self, capability: &[u8], write_key: impl FnOnce(&mut [u8])) -> Result<&PreparedRequest> {
        const OPENING: &[u8] = b"{\"quote\":\"";
        let fitting = self.request.take().filter(|_| self.length == capability.len());
        let request = match fitting {
            Some(request) => request,
            None => {
                let body = [OPENING, capability, b"\"}"].concat();
                self.length = capability.len();
                Request::post("/v1/exchanges", body).with_key("k".repeat(KEY_LEN)).prepare(&self.server)?
            }
        };
        let request = self.request.insert(request);
        if let Some(place) = request.body_mut().get_mut(OPENING.len()..OPENING.len() + capability.len()) {
            place.copy_from_slice(capability);
        }
        write_key(request.key_mut());
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use hwan_client::ExchangeOrder;

    use super::*;

    #[test]
    fn the_capability_of_an_answer_is_what_is_sent() {
        let body = br#"{"quote":"q1.abc-_=.def","id":"qte_1","customer_id":"cus_1"}"#;
        assert_eq!(capability(body), Some(b"q1.abc-_=.def".as_slice()));
        for none in [b"{}".as_slice(), b"", br#"{"quote":"torn"#] {
            assert_eq!(capability(none), None);
        }
    }

    #[test]
    fn a_usage_says_what_the_typed_client_would() {
        let server = ServerAddr::loopback("http://127.0.0.1:1").unwrap();
        let mut usage = Usage::new(&server);
        for quote in ["aaaa", "bbbb", "longer"] {
            let request = usage.write(quote.as_bytes(), |key| key.fill(b'9')).unwrap();
            let typed = serde_json::to_vec(&ExchangeOrder::Quoted { quote: quote.to_owned() }).unwrap();
            assert_eq!(request.body(), typed);
            assert!(memchr::memmem::find(request.as_bytes(), b"Idempotency-Key: 9999").is_some());
        }
    }
}
