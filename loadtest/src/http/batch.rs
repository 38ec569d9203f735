//! A batch as the hot loop sees it: a request that is patched in place, an answer that is counted without parsing.
//!
//! All items have the same length, so that keys, customers and sides change and nothing else does: `"buy"` is written
//! with a space behind it, which JSON passes over.

use anyhow::{Result, ensure};
use hwan_client::{PreparedRequest, Request, ServerAddr};

use crate::{
    customers::ID_LEN,
    key::KEY_LEN,
    tally::{Ended, Outcome},
};

/// What stands around the items.
const OPENING: &str = "{\"items\":[";
const CLOSING: &str = "]}";
/// The parts of an item: before the key, the customer, the side, and behind it.
const BEFORE_KEY: &str = "{\"key\":\"";
const BEFORE_CUSTOMER: &str = "\",\"exchange\":{\"customer_id\":\"";
const BEFORE_SIDE: &str = "\",\"side\":";
const BEHIND: &str = ",\"currency\":\"USD\",\"foreign_amount\":{\"amount\":\"1.00\",\"currency\":\"USD\"}}}";
/// The sides, at equal length.
const BUY: &str = "\"buy\" ";
const SELL: &str = "\"sell\"";

const KEY_AT: usize = BEFORE_KEY.len();
const CUSTOMER_AT: usize = KEY_AT + KEY_LEN + BEFORE_CUSTOMER.len();
const SIDE_AT: usize = CUSTOMER_AT + ID_LEN + BEFORE_SIDE.len();
/// From an item to the next, the comma included.
const STRIDE: usize = SIDE_AT + SELL.len() + BEHIND.len() + 1;

/// What an item that was executed, and not replayed, begins with behind its key.
const EXECUTED: &[u8] = b"\"status\":201,\"replayed\":false,\"body\":{\"id\":\"exg_";

/// A request of a batch.
pub(crate) struct BatchOrder {
    request: PreparedRequest,
    size: u16,
}

impl BatchOrder {
    /// Of `size` exchanges.
    pub(crate) fn prepare(server: &ServerAddr, size: u16) -> Result<Self> {
        let (key, id) = ("k".repeat(KEY_LEN), "x".repeat(ID_LEN));
        let item = [BEFORE_KEY, &key, BEFORE_CUSTOMER, &id, BEFORE_SIDE, SELL, BEHIND].concat();
        ensure!(item.len() + 1 == STRIDE && BUY.len() == SELL.len(), "the items of a batch differ in length");
        let body = [OPENING, &vec![item; size.into()].join(","), CLOSING].concat();
        Ok(Self { request: Request::post("/v1/exchanges:batch", body).prepare(server)?, size })
    }

    /// How many exchanges it holds.
    pub(crate) fn size(&self) -> u16 {
        self.size
    }

    /// The request as it stands.
    pub(crate) fn request(&self) -> &PreparedRequest {
        &self.request
    }

    /// Writes item `index`: who exchanges, which way, under the key that `write_key` writes.
    pub(crate) fn write(
        &mut self,
        index: u16,
        customer: &[u8; ID_LEN],
        sells: bool,
        write_key: impl FnOnce(&mut [u8]),
    ) {
        let item_at = OPENING.len() + usize::from(index) * STRIDE;
        let Some(item) = self.request.body_mut().get_mut(item_at..item_at + STRIDE) else { return };
        let side = if sells { SELL } else { BUY };
        for (at, text) in [(CUSTOMER_AT, customer.as_slice()), (SIDE_AT, side.as_bytes())] {
            if let Some(place) = item.get_mut(at..at + text.len()) {
                place.copy_from_slice(text);
            }
        }
        if let Some(key) = item.get_mut(KEY_AT..KEY_AT + KEY_LEN) {
            write_key(key);
        }
    }
}

/// How the exchanges of a batch of `size` ended, by the body of its answer. Parsed only where not all were executed.
pub(crate) fn ended(body: &[u8], size: u16) -> Ended {
    let executed = memchr::memmem::find_iter(body, EXECUTED).count();
    if executed == usize::from(size) { Ended::all(Outcome::Executed, size.into()) } else { parsed(body, size) }
}

fn parsed(body: &[u8], size: u16) -> Ended {
    #[derive(serde::Deserialize)]
    struct Answer {
        items: Vec<Item>,
    }
    #[derive(serde::Deserialize)]
    struct Item {
        status: u16,
        replayed: bool,
        body: Coded,
    }
    #[derive(serde::Deserialize)]
    struct Coded {
        code: Option<String>,
    }
    let foreign = |reason: String| Ended::all(Outcome::Foreign(reason), size.into());
    let answer: Answer = match serde_json::from_slice(body) {
        Ok(answer) => answer,
        Err(error) => return foreign(format!("a batch's answer of another form: {error}")),
    };
    if answer.items.len() != usize::from(size) {
        return foreign(format!("{} outcomes for {size} exchanges", answer.items.len()));
    }
    let mut ended = Ended::default();
    for item in answer.items {
        ended.add(match (item.status, item.replayed, item.body.code) {
            (201, false, None) => Outcome::Executed,
            (201, true, None) => Outcome::Replayed,
            (400.., _, Some(code)) => Outcome::Refused(code),
            (status, ..) => Outcome::Foreign(format!("an outcome of status {status} without a code")),
        });
    }
    ended
}

#[cfg(test)]
mod tests {
    use hwan_client::{BatchItem, MarketOrder, Money, Side};

    use super::*;

    #[test]
    fn a_batch_says_what_the_typed_client_would() {
        let server = ServerAddr::loopback("http://127.0.0.1:1").unwrap();
        let mut order = BatchOrder::prepare(&server, 2).unwrap();
        let write_key = |byte: u8| move |key: &mut [u8]| key.fill(byte);
        order.write(0, b"cus_0000000000042", true, write_key(b'a'));
        order.write(1, b"cus_0000000000043", false, write_key(b'b'));
        let item = |key: &str, customer: &str, side| BatchItem {
            key: key.repeat(KEY_LEN),
            exchange: MarketOrder::of_foreign(customer, side, Money::new("1.00", "USD")).into(),
        };
        let typed = [item("a", "cus_0000000000042", Side::Sell), item("b", "cus_0000000000043", Side::Buy)];
        let written: serde_json::Value = serde_json::from_slice(order.request().body()).unwrap();
        assert_eq!(written, serde_json::json!({ "items": typed }));
    }

    fn answer(items: &[&str]) -> String {
        format!("{{\"items\":[{}]}}", items.join(","))
    }

    const GOOD: &str = r#"{"key":"a","status":201,"replayed":false,"body":{"id":"exg_1","postings":[]}}"#;

    #[test]
    fn what_was_executed_is_counted_and_the_rest_is_named() {
        assert_eq!(ended(answer(&[GOOD, GOOD]).as_bytes(), 2), Ended::all(Outcome::Executed, 2));
        let replayed = GOOD.replace("false", "true");
        let refused = r#"{"key":"b","status":422,"replayed":false,"body":{"code":"limit_daily","status":422}}"#;
        let mixed = ended(answer(&[GOOD, &replayed, refused]).as_bytes(), 3);
        assert_eq!(mixed.executed, 1);
        assert_eq!(mixed.others, [(Outcome::Replayed, 1), (Outcome::Refused("limit_daily".into()), 1)]);
    }

    #[test]
    fn an_answer_of_another_form_or_length_is_none() {
        for body in [answer(&[GOOD]), "{}".to_owned(), String::new()] {
            let ended = ended(body.as_bytes(), 2);
            assert!(matches!(ended.others.as_slice(), [(Outcome::Foreign(_), 2)]), "{body}: {ended:?}");
        }
    }
}
