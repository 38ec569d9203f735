//! What a scenario knows while it runs: customers, saved answers, idempotency keys.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use serde_json::{Map, Value};
use uuid::Uuid;

use super::target::Exchanged;
use crate::language::{Piece, Template};

/// A saved answer: its body, and what came beside it.
#[derive(Debug)]
struct Saved {
    body: Value,
    /// `key`, `etag`, `request_id`: found where the body has no such field.
    beside: Map<String, Value>,
    bytes: Vec<u8>,
}

/// The values of one scenario.
#[derive(Debug, Default)]
pub(crate) struct Values {
    saved: BTreeMap<String, Saved>,
    /// Names of keys and the keys themselves: opaque, so that no run meets another's.
    keys: Mutex<BTreeMap<String, String>>,
}

impl Values {
    /// Keeps a customer: its ids under its name.
    pub(crate) fn add_customer(&mut self, name: &str, ids: Value) {
        self.saved.insert(name.to_owned(), Saved { body: ids, beside: Map::new(), bytes: Vec::new() });
    }

    /// Keeps an answer under a name.
    pub(crate) fn save(&mut self, name: &str, exchanged: &Exchanged) {
        let mut beside = Map::new();
        let texts = [
            ("key", exchanged.outgoing.key.as_deref()),
            ("etag", exchanged.answer.header("etag")),
            ("request_id", exchanged.request_id()),
        ];
        for (field, text) in texts {
            if let Some(text) = text {
                beside.insert(field.to_owned(), Value::from(text));
            }
        }
        let body = exchanged.body.clone().unwrap_or(Value::Null);
        self.saved.insert(name.to_owned(), Saved { body, beside, bytes: exchanged.answer.body.clone() });
    }

    /// Keeps a value that is not one answer, such as balances.
    pub(crate) fn save_value(&mut self, name: &str, body: Value) {
        self.saved.insert(name.to_owned(), Saved { body, beside: Map::new(), bytes: Vec::new() });
    }

    /// An id of a customer: of the customer itself, or of an account.
    pub(crate) fn of_customer(&self, customer: &str, field: &str) -> Result<String, String> {
        self.lookup(customer, &[field.to_owned()]).map(shown)
    }

    /// The bytes of a saved answer.
    pub(crate) fn bytes(&self, name: &str) -> &[u8] {
        self.saved.get(name).map_or(&[], |saved| saved.bytes.as_slice())
    }

    /// A value at the end of a path.
    fn lookup(&self, name: &str, path: &[String]) -> Result<&Value, String> {
        let absent = || format!("${name}.{}: the answer has no such field", path.join("."));
        let saved = self.saved.get(name).ok_or_else(|| format!("${name}: the step has not run"))?;
        let found = path.iter().try_fold(&saved.body, |value, segment| field(value, segment));
        match (found, path) {
            (Some(value), _) => Ok(value),
            (None, [only]) => saved.beside.get(only).ok_or_else(absent),
            (None, _) => Err(absent()),
        }
    }

    /// The key that a name stands for; a new one without a name.
    pub(crate) fn key(&self, name: Option<&str>) -> String {
        let fresh = || Uuid::new_v4().simple().to_string();
        let Some(name) = name else { return fresh() };
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.entry(name.to_owned()).or_insert_with(fresh).clone()
    }

    /// A template with its references resolved.
    pub(crate) fn resolve(&self, template: &Template) -> Result<Value, String> {
        Ok(match template {
            Template::Null => Value::Null,
            Template::Bool(truth) => Value::Bool(*truth),
            Template::Number(text) => serde_json::from_str(text).map_err(|error| format!("{text}: {error}"))?,
            Template::Text(pieces) => match pieces.as_slice() {
                // A reference that stands alone is the value itself, not its text.
                [Piece::Reference { name, path }] => self.lookup(name, path)?.clone(),
                pieces => Value::String(self.join(pieces)?),
            },
            Template::List(items) => {
                Value::Array(items.iter().map(|item| self.resolve(item)).collect::<Result<_, _>>()?)
            }
            Template::Map(entries) => {
                let entry = |(name, value): &(String, Template)| Ok((name.clone(), self.resolve(value)?));
                Value::Object(entries.iter().map(entry).collect::<Result<_, String>>()?)
            }
        })
    }

    /// A template as text.
    pub(crate) fn text(&self, template: &Template) -> Result<String, String> {
        Ok(match template {
            Template::Text(pieces) => self.join(pieces)?,
            other => shown(&self.resolve(other)?),
        })
    }

    fn join(&self, pieces: &[Piece]) -> Result<String, String> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Key(name) => text.push_str(&self.key(name.as_deref())),
                Piece::Reference { name, path } => text.push_str(&shown(self.lookup(name, path)?)),
            }
        }
        Ok(text)
    }
}

/// A field of an object, an element of a list.
fn field<'v>(value: &'v Value, segment: &str) -> Option<&'v Value> {
    match value {
        Value::Array(items) => items.get(segment.parse::<usize>().ok()?),
        value => value.get(segment),
    }
}

/// A value as a tester writes it: a text without quotes; money as `100.00 USD`; what has an outcome, a code, a value or
/// an id as that.
pub(crate) fn shown(value: &Value) -> String {
    let text = |field: &str| value.get(field).and_then(Value::as_str);
    match (value, text("amount"), text("currency")) {
        (Value::String(text), ..) => text.clone(),
        (Value::Object(fields), Some(amount), Some(currency)) if fields.len() == 2 => format!("{amount} {currency}"),
        (Value::Object(_), ..) => ["outcome", "code", "finding", "value", "id"]
            .iter()
            .find_map(|field| text(field))
            .map_or_else(|| value.to_string(), str::to_owned),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(pieces: &[Piece]) -> Template {
        Template::Text(pieces.to_vec())
    }

    fn reference(name: &str, path: &[&str]) -> Piece {
        Piece::Reference { name: name.into(), path: path.iter().map(|segment| (*segment).to_owned()).collect() }
    }

    #[test]
    fn a_reference_alone_is_the_value_and_within_a_text_its_text() {
        let mut values = Values::default();
        values.save_value("b1", json!({"won": {"amount": "5", "currency": "KRW"}, "items": [{"id": "exg_1"}]}));
        let won = reference("b1", &["won"]);
        assert_eq!(
            values.resolve(&text(std::slice::from_ref(&won))).unwrap(),
            json!({"amount": "5", "currency": "KRW"})
        );
        assert_eq!(values.resolve(&text(&[Piece::Literal("= ".into()), won])).unwrap(), json!("= 5 KRW"));
        assert_eq!(values.text(&text(&[reference("b1", &["items", "0", "id"])])).unwrap(), "exg_1");
        let missing = values.text(&text(&[reference("b1", &["foreign"])])).unwrap_err();
        assert_eq!(missing, "$b1.foreign: the answer has no such field");
    }

    #[test]
    fn a_name_stands_for_one_key_and_no_name_for_a_new_one() {
        let values = Values::default();
        assert_eq!(values.key(Some("first")), values.key(Some("first")));
        assert_ne!(values.key(None), values.key(None));
        assert_ne!(Values::default().key(Some("first")), values.key(Some("first")));
    }
}
