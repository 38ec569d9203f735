//! Actions of the market: rounds, halts, rates.

use super::{
    action::{Plan, optional_key, under},
    model::View,
    scalar,
    scope::Scope,
    template::Template,
};
use crate::yaml::{Fields, Mistake, Node};

/// What a round has.
pub(super) const ROUND: &[&str] =
    &["id", "currency", "unit", "mid", "spread", "preference_percent", "published_at", "valid_until", "status"];
const PUBLISHED: &[&str] = &["round", "verdict", "trades", "findings"];
const HALT: &[&str] = &["id", "round", "currency", "reason", "by", "lifted_by", "since", "at", "business_date"];
const RATE: &[&str] = &[
    "currency",
    "unit",
    "mid",
    "buy",
    "sell",
    "round",
    "business_date",
    "published_at",
    "valid_until",
    "status",
    "halt",
    "rates",
];
const PAIR: &[&str] = &[
    "pair",
    "currency",
    "unit",
    "rate_decimals",
    "spread_percent",
    "preference_percent",
    "status",
    "halt",
    "pairs",
    "items",
    "count",
];
const LIST: &[&str] = &["items", "count", "ids", "more", "next_cursor", "halts"];

/// Rounds of scenarios do not expire while they run.
pub(crate) const VALID_UNTIL: &str = "2099-12-31T00:00:00Z";

/// POST /v1/rounds
pub(super) fn publish(node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let mut fields = Fields::of(node, "a round")?;
    let currency = Template::literal(scalar::currency(fields.required("currency")?)?);
    let mid = Template::text(fields.required("mid")?, "a rate such as \"1350.50\"", scope)?;
    let mut body = vec![("currency", currency), ("mid", mid)];
    for name in ["observed_at", "spread_percent", "preference_percent"] {
        if let Some(node) = fields.optional(name) {
            body.push((name, Template::text(node, "a text", scope)?));
        }
    }
    if let Some(node) = fields.optional("sources") {
        let sources = node.list("a list of rates")?.iter().map(|node| Template::text(node, "a rate", scope));
        body.push(("sources", Template::List(sources.collect::<Result<_, _>>()?)));
    }
    let valid_until = fields.optional("valid_until").map(|node| Template::text(node, "a time", scope)).transpose()?;
    body.push(("valid_until", valid_until.unwrap_or_else(|| Template::literal(VALID_UNTIL))));
    let key = optional_key(&mut fields, scope)?;
    fields.finish()?;
    Ok(Plan::post(Template::literal("/v1/rounds"), body, PUBLISHED).shown(View::Verdict).keyed(key))
}

/// POST /v1/rounds/{id}/void
pub(super) fn void(node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let mut fields = Fields::of(node, "a void")?;
    let round = Template::text(fields.required("round")?, "a round such as $p.round.id", scope)?;
    let body = vec![("reason", reason(&mut fields, scope)?)];
    let key = optional_key(&mut fields, scope)?;
    fields.finish()?;
    Ok(Plan::post(under("/v1/rounds/", round, "/void"), body, HALT).keyed(key))
}

/// POST /v1/halts
pub(super) fn halt(node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let mut fields = Fields::of(node, "a halt")?;
    let currency = Template::literal(scalar::currency(fields.required("currency")?)?);
    let body = vec![("currency", currency), ("reason", reason(&mut fields, scope)?)];
    let key = optional_key(&mut fields, scope)?;
    fields.finish()?;
    Ok(Plan::post(Template::literal("/v1/halts"), body, HALT).keyed(key))
}

/// POST /v1/halts/{currency}/lift
pub(super) fn lift(node: &Node, _scope: &Scope) -> Result<Plan, Mistake> {
    let currency = Template::literal(scalar::currency(node)?);
    Ok(Plan::post(under("/v1/halts/", currency, "/lift"), Vec::new(), HALT))
}

fn reason(fields: &mut Fields<'_>, scope: &Scope) -> Result<Template, Mistake> {
    let reason = fields.optional("reason").map(|node| Template::text(node, "a reason", scope)).transpose()?;
    Ok(reason.unwrap_or_else(|| Template::literal("a scenario")))
}

/// The lists, and one pair of them.
pub(super) fn read(name: &str, node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let (path, one, list) = match name {
        "rates" => ("/v1/rates", RATE, RATE),
        "pairs" => ("/v1/pairs", PAIR, PAIR),
        "halts" => ("/v1/halts", HALT, LIST),
        _ => ("/v1/rounds", ROUND, LIST),
    };
    if matches!(name, "rates" | "pairs") && !node.is_empty() {
        let currency = Template::literal(scalar::currency(node)?);
        return Ok(Plan::get(under(&format!("{path}/"), currency, ""), one));
    }
    let mut plan = Plan::get(Template::literal(path), list).shown(View::List);
    if name == "rounds" {
        let mut fields = Fields::of(node, "rounds")?;
        for field in ["currency", "business_date", "limit", "cursor"] {
            if let Some(node) = fields.optional(field) {
                plan.call.query.push((field, Template::text(node, "a value", scope)?));
            }
        }
        fields.finish()?;
    }
    Ok(plan)
}
