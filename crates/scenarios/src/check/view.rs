//! An answer the way `expect` names its fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{language::View, run::shown};

/// The body with what the view adds to it.
pub(super) fn view(body: &Value, view: View) -> Value {
    let mut shown_body = body.clone();
    let Value::Object(fields) = &mut shown_body else { return shown_body };
    match view {
        View::Plain => {}
        View::List => list(body, fields),
        View::Verdict => {
            let verdict = body.get("verdict").cloned().unwrap_or_default();
            fields.insert("trades".to_owned(), verdict.get("trades").cloned().unwrap_or_default());
            fields.insert("findings".to_owned(), verdict.get("findings").cloned().unwrap_or_default());
        }
        View::Batch => batch(body, fields),
    }
    shown_body
}

fn list(body: &Value, fields: &mut Map<String, Value>) {
    // Lists without pages stand under a name of their own, such as `rates`.
    let items = body.as_object().into_iter().flatten().find_map(|(_, value)| value.as_array());
    let Some(items) = items else { return };
    let each = |field: &str| -> Value { items.iter().filter_map(|item| item.get(field).cloned()).collect() };
    fields.insert("count".to_owned(), Value::from(items.len()));
    fields.insert("ids".to_owned(), each("id"));
    fields.insert("kinds".to_owned(), each("kind"));
    fields.insert("more".to_owned(), Value::from(body.get("next_cursor").is_some_and(|cursor| !cursor.is_null())));
}

fn batch(body: &Value, fields: &mut Map<String, Value>) {
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    let mut items = body.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    for item in &mut items {
        let failed = item.get("status").and_then(Value::as_u64).is_none_or(|status| status >= 400);
        let code = item.get("body").and_then(|body| body.get("code")).map(shown);
        let outcome = if failed { code.unwrap_or_else(|| "unknown".to_owned()) } else { "completed".to_owned() };
        *outcomes.entry(outcome.clone()).or_default() += 1;
        if let Value::Object(item) = item {
            item.insert("outcome".to_owned(), Value::from(outcome));
        }
    }
    fields.insert("count".to_owned(), Value::from(items.len()));
    fields.insert("items".to_owned(), Value::from(items));
    fields.insert("outcomes".to_owned(), json!(outcomes));
}

/// Balances of several accounts as one answer: booked by currency, and `available`, `reserved` likewise. What `named`
/// asks for and no account has ever held is zero.
pub(crate) fn balances(accounts: &[Value]) -> Value {
    let mut fields = Map::new();
    let (mut available, mut reserved) = (Map::new(), Map::new());
    let rows = accounts.iter().filter_map(|account| account.get("balances")?.as_array()).flatten();
    for row in rows {
        let amount = |field: &str| row.get(field).and_then(|money| money.get("amount")).cloned().unwrap_or_default();
        let currency = row.get("currency").map(shown).unwrap_or_default();
        fields.insert(currency.clone(), amount("booked"));
        available.insert(currency.clone(), amount("available"));
        reserved.insert(currency, amount("reserved"));
    }
    fields.insert("available".to_owned(), Value::Object(available));
    fields.insert("reserved".to_owned(), Value::Object(reserved));
    Value::Object(fields)
}
