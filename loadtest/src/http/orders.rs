//! Orders as bytes that are built once and patched in place: of an exchange, or of the quote for one.

use anyhow::{Result, ensure};
use hwan_client::{ExchangeOrder, MarketOrder, Money, PreparedRequest, QuoteRequest, Request, ServerAddr, Side};

use crate::{customers::ID_LEN, key::KEY_LEN};

/// What the body of an order begins with; the customer's id follows.
const BODY_START: &[u8] = b"{\"customer_id\":\"";

/// What an order is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// `POST /v1/exchanges`: executed at the rate of the moment.
    ToExchange,
    /// `POST /v1/quotes`: quoted.
    ToQuote,
}

/// The two requests of a connection that sends order by order: 1.00 USD, each way.
pub(super) struct Orders {
    buy: PreparedRequest,
    sell: PreparedRequest,
}

impl Orders {
    pub(super) fn prepare(server: &ServerAddr, sent: Sent) -> Result<Self> {
        let order = |side| -> Result<PreparedRequest> {
            let order = MarketOrder::of_foreign("x".repeat(ID_LEN), side, Money::new("1.00", "USD"));
            let (request, body) = match sent {
                Sent::ToExchange => {
                    let body = serde_json::to_vec(&ExchangeOrder::from(order))?;
                    (Request::post("/v1/exchanges", body.clone()).with_key("k".repeat(KEY_LEN)), body)
                }
                Sent::ToQuote => {
                    let body = serde_json::to_vec(&QuoteRequest { order, lifetime_seconds: None })?;
                    (Request::post("/v1/quotes", body.clone()), body)
                }
            };
            ensure!(body.starts_with(BODY_START), "the body of an order no longer begins with the customer");
            Ok(request.prepare(server)?)
        };
        Ok(Self { buy: order(Side::Buy)?, sell: order(Side::Sell)? })
    }

    /// Makes the order of a side the one of `customer`, under the key that `write_key` writes where it has one.
    pub(super) fn write(&mut self, customer: &[u8; ID_LEN], sells: bool, write_key: impl FnOnce(&mut [u8])) {
        let request = if sells { &mut self.sell } else { &mut self.buy };
        if let Some(id) = request.body_mut().get_mut(BODY_START.len()..BODY_START.len() + ID_LEN) {
            id.copy_from_slice(customer);
        }
        write_key(request.key_mut());
    }

    /// The order of a side as it stands.
    pub(super) fn request(&self, sells: bool) -> &PreparedRequest {
        if sells { &self.sell } else { &self.buy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_the_customer_that_is_patched_in() {
        let server = ServerAddr::loopback("http://127.0.0.1:1").unwrap();
        for (sent, head) in [(Sent::ToExchange, "POST /v1/exchanges "), (Sent::ToQuote, "POST /v1/quotes ")] {
            let mut orders = Orders::prepare(&server, sent).unwrap();
            orders.write(b"cus_0000000000042", true, |key| key.fill(b'7'));
            let request = orders.request(true);
            assert!(request.as_bytes().starts_with(head.as_bytes()));
            assert_eq!(
                std::str::from_utf8(request.body()).unwrap(),
                r#"{"customer_id":"cus_0000000000042","side":"sell","currency":"USD","foreign_amount":{"amount":"1.00","currency":"USD"}}"#
            );
        }
    }
}
