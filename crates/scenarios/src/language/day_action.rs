//! Actions of business dates: where the lanes stand, sending them on, closing a day, what was held, statements.

use super::{
    action::{Plan, optional_key, under},
    scope::Scope,
    subject_action::account,
    template::Template,
};
use crate::yaml::{Fields, Mistake, Node, Value};

const DATE: &[&str] =
    &["business_date", "clock", "clock_date", "held_back", "schedule", "next_roll", "lanes", "seq", "by", "at"];
const CLOSING: &[&str] = &["business_date", "hash", "previous", "balanced", "customers", "lanes", "lines", "text"];
const HELD: &[&str] = &["account_id", "as_of", "version", "final", "balances"];
const STATEMENT: &[&str] = &["account_id", "from", "to", "final", "opening", "postings", "closing", "next_cursor"];

/// What is asked or changed of business dates.
pub(super) fn read(name: &str, node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let literal = Template::literal;
    let a_date = "a date such as 2026-11-23, or $d.clock_date";
    match name {
        "business_date" => Ok(Plan::get(literal("/v1/business-date"), DATE)),
        "roll" => {
            // `roll: 2026-11-24` is short for `roll: { date: 2026-11-24 }`.
            if matches!(node.value, Value::Scalar { .. }) {
                let body = vec![("date", Template::text(node, a_date, scope)?)];
                return Ok(Plan::post(literal("/v1/business-date"), body, DATE));
            }
            let mut fields = Fields::of(node, "a roll")?;
            let body = vec![("date", Template::text(fields.required("date")?, a_date, scope)?)];
            let key = optional_key(&mut fields, scope)?;
            fields.finish()?;
            Ok(Plan::post(literal("/v1/business-date"), body, DATE).keyed(key))
        }
        "close_day" => {
            let body = vec![("business_date", Template::text(node, a_date, scope)?)];
            Ok(Plan::post(literal("/v1/closings"), body, CLOSING))
        }
        "closing" => Ok(Plan::get(under("/v1/closings/", Template::text(node, a_date, scope)?, ""), CLOSING)),
        "held" => {
            let mut fields = Fields::of(node, "held")?;
            let path = under("/v1/accounts/", account(&mut fields, scope, None)?, "/balances");
            let as_of = Template::text(fields.required("as_of")?, "a date or a time, such as $x.at", scope)?;
            fields.finish()?;
            let mut plan = Plan::get(path, HELD);
            plan.call.query.push(("as_of", as_of));
            Ok(plan)
        }
        _ => {
            let mut fields = Fields::of(node, "a statement")?;
            let path = under("/v1/accounts/", account(&mut fields, scope, None)?, "/statement");
            let names = ["from", "to", "currency", "limit", "cursor"];
            let plan = Plan::get(path, STATEMENT).query(&mut fields, scope, &names)?;
            fields.finish()?;
            Ok(plan)
        }
    }
}
