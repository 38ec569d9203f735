//! Actions on customers and accounts: opening, closing, facts, checks, limits, lists.

use super::{
    action::{ACTIONS, Plan, optional_key, under},
    given,
    model::View,
    money_action,
    scope::Scope,
    template::Template,
};
use crate::yaml::{Fields, Key, Mistake, Node, Value};

const LIST: &[&str] = &["items", "count", "ids", "kinds", "more", "next_cursor"];
const CUSTOMER: &[&str] = &["id", "reference", "channel", "accounts", "facts", "limits", "opened_at", "business_date"];
const ACCOUNT: &[&str] =
    &["id", "customer_id", "kind", "status", "version", "facts", "balances", "at", "opened_at", "business_date"];
const FACT: &[&str] = &["id", "customer_id", "account_id", "fact", "at", "business_date"];
const LIMITS: &[&str] = &["customer_id", "account_id", "daily", "monthly", "customer", "limited", "holdings"];

/// What is asked or changed of customers and accounts.
pub(super) fn read(name: &str, node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    // `limits: kim` is short for `limits: { customer: kim }`, `account: kim.won` for `account: { account: kim.won }`.
    let short = matches!(node.value, Value::Scalar { .. }) && !node.is_empty();
    let field = match node.text("") {
        Ok(text) if short && scope.customer(text).is_ok() => "customer",
        _ => "account",
    };
    let key = Key { text: field.to_owned(), at: node.at };
    let long = Node { at: node.at, value: Value::Map(vec![(key, node.clone())]) };
    let what = ACTIONS.iter().copied().find(|action| *action == name).unwrap_or("a step");
    let mut fields = Fields::of(if short { &long } else { node }, what)?;
    let plan = of_subjects(name, &mut fields, scope)?;
    fields.finish()?;
    Ok(plan)
}

fn of_subjects(name: &str, fields: &mut Fields<'_>, scope: &Scope) -> Result<Plan, Mistake> {
    let literal = Template::literal;
    Ok(match name {
        "customer" => Plan::get(under("/v1/customers/", customer(fields, scope)?, ""), CUSTOMER),
        "customers" => Plan::get(literal("/v1/customers"), LIST).shown(View::List).query(
            fields,
            scope,
            &["reference", "limit", "cursor"],
        )?,
        "account" => {
            let condition = fields.optional("if_none_match");
            let condition = condition.map(|node| Template::text(node, "an etag", scope)).transpose()?;
            let path = under("/v1/accounts/", account(fields, scope, None)?, "");
            Plan::get(path, ACCOUNT).header("If-None-Match", condition)
        }
        "accounts" => {
            let mut plan = Plan::get(literal("/v1/accounts"), LIST).shown(View::List);
            plan.call.query.push(("customer_id", customer(fields, scope)?));
            plan
        }
        "limits" if fields.has("customer") && !fields.has("account") => {
            Plan::get(under("/v1/customers/", customer(fields, scope)?, "/limits"), LIMITS)
        }
        "limits" => Plan::get(under("/v1/accounts/", account(fields, scope, None)?, "/limits"), LIMITS),
        "entries" => Plan::get(under("/v1/accounts/", account(fields, scope, None)?, "/entries"), LIST)
            .shown(View::List)
            .query(fields, scope, &["from", "to", "limit", "cursor"])?,
        "exchanges" => {
            let mut plan = Plan::get(literal("/v1/exchanges"), LIST).shown(View::List);
            plan.call.query.push(("account_id", account(fields, scope, None)?));
            plan.query(fields, scope, &["from", "to", "limit", "cursor"])?
        }
        "open_customer" => {
            let body = texts(fields, scope, &["reference", "channel"])?;
            Plan::post(literal("/v1/customers"), body, CUSTOMER).keyed(optional_key(fields, scope)?)
        }
        "open_account" => {
            let kind = literal(given::kind(fields.required("kind")?)?);
            let body = vec![("customer_id", customer(fields, scope)?), ("kind", kind)];
            Plan::post(literal("/v1/accounts"), body, ACCOUNT).keyed(optional_key(fields, scope)?)
        }
        "close" => {
            let condition = if_match(fields, scope)?;
            let key = optional_key(fields, scope)?;
            let path = under("/v1/accounts/", account(fields, scope, None)?, "/close");
            Plan::post(path, Vec::new(), ACCOUNT).keyed(key).header("If-Match", condition)
        }
        "fact" | "lift_fact" => fact(name, fields, scope)?,
        "check" => {
            let direction = fields.required("direction")?;
            let direction = Template::text(direction, "debit, credit or compensating_credit", scope)?;
            let (amount, currency) = money_action::money(fields.required("amount")?, scope)?;
            let path = under("/v1/accounts/", account(fields, scope, Some(&currency))?, "/checks");
            const CHECKED: &[&str] =
                &["account_id", "direction", "amount", "admitted", "violations", "at", "business_date"];
            Plan::post(path, vec![("direction", direction), ("amount", amount)], CHECKED)
        }
        "key" => {
            let key = Template::text(fields.required("key")?, "the name of a key, or $b1.key", scope)?;
            let key = Template::join([Template::literal("/v1/idempotency-keys/"), money_action::key_text(key)]);
            let mut plan = Plan::get(key, &["key", "state", "event", "id", "location", "at", "status", "body"]);
            if fields.has("customer") && !fields.has("account") {
                plan.call.query.push(("customer_id", customer(fields, scope)?));
            } else if fields.has("account") {
                plan.call.query.push(("account_id", account(fields, scope, None)?));
            }
            plan
        }
        "audit" => Plan::get(literal("/v1/audit"), LIST).shown(View::List).query(
            fields,
            scope,
            &["lane", "limit", "cursor"],
        )?,
        _ => return Err(Mistake::at(fields.at(), format!("there is no action {name}"))),
    })
}

fn fact(name: &str, fields: &mut Fields<'_>, scope: &Scope) -> Result<Plan, Mistake> {
    let mut body = vec![("check", Template::text(fields.required("check")?, "a check such as dormant", scope)?)];
    if name == "lift_fact" {
        // An end that is over lifts what stands and what is scheduled.
        let past = || Template::literal("1970-01-01T00:00:00Z");
        body.extend([("effective_from", past()), ("effective_to", past())]);
    } else {
        for (field, sent) in [("from", "effective_from"), ("to", "effective_to")] {
            if let Some(node) = fields.optional(field) {
                body.push((sent, Template::text(node, "a time such as 2026-11-23T00:00:00Z, or $b1.at", scope)?));
            }
        }
    }
    if let Some(node) = fields.optional("amount") {
        body.push(("amount", money_action::money(node, scope)?.0));
    }
    let (condition, key) = (if_match(fields, scope)?, optional_key(fields, scope)?);
    let path = if fields.has("customer") && !fields.has("account") {
        under("/v1/customers/", customer(fields, scope)?, "/facts")
    } else {
        under("/v1/accounts/", account(fields, scope, None)?, "/facts")
    };
    Ok(Plan::post(path, body, FACT).keyed(key).header("If-Match", condition))
}

fn if_match(fields: &mut Fields<'_>, scope: &Scope) -> Result<Option<Template>, Mistake> {
    fields.optional("if_match").map(|node| Template::text(node, "an etag such as $a.etag", scope)).transpose()
}

/// Fields that are sent as they are named, where they are given.
fn texts<'n>(
    fields: &mut Fields<'_>,
    scope: &Scope,
    names: &[&'static str],
) -> Result<Vec<(&'n str, Template)>, Mistake> {
    let mut texts = Vec::new();
    for name in names {
        if let Some(node) = fields.optional(name) {
            texts.push((*name, Template::text(node, "a text", scope)?));
        }
    }
    Ok(texts)
}

/// The id of the customer that a field names: one that is given, a reference, or an id as it stands.
pub(super) fn customer(fields: &mut Fields<'_>, scope: &Scope) -> Result<Template, Mistake> {
    let node = fields.required("customer")?;
    let text = node.text("a customer's name")?;
    if text.starts_with("cus_") || text.starts_with('$') {
        return Template::text(node, "a customer", scope);
    }
    scope.customer(text).map_err(|message| Mistake::at(node.at, message))?;
    Ok(Template::of_customer(text, "id"))
}

/// The id of an account: `account: kim.won`, or `customer: kim` with `account: won`, or the customer's account for a
/// currency.
pub(super) fn account(fields: &mut Fields<'_>, scope: &Scope, currency: Option<&str>) -> Result<Template, Mistake> {
    let owner = fields.optional("customer");
    let Some(node) = fields.optional("account") else {
        let (Some(owner), Some(currency)) = (owner, currency) else {
            return Err(Mistake::at(fields.at(), "which account? such as account: kim.won"));
        };
        let name = owner.text("a customer's name")?;
        scope.customer(name).map_err(|message| Mistake::at(owner.at, message))?;
        return Ok(Template::of_customer(name, if currency == "KRW" { "won" } else { "foreign" }));
    };
    if let Some(owner) = owner {
        let name = owner.text("a customer's name")?;
        scope.customer(name).map_err(|message| Mistake::at(owner.at, message))?;
        return Ok(Template::of_customer(name, given::kind(node)?));
    }
    named_account(node, scope)
}

/// An account such as `kim.won`, a reference, or an id as it stands.
pub(super) fn named_account(node: &Node, scope: &Scope) -> Result<Template, Mistake> {
    let text = node.text("an account such as kim.won")?;
    if text.starts_with("acc_") || text.starts_with('$') {
        return Template::text(node, "an account", scope);
    }
    let expected = || Mistake::at(node.at, format!("expected an account such as kim.won, found `{text}`"));
    let (name, kind) = text.split_once('.').ok_or_else(expected)?;
    scope.customer(name).map_err(|message| Mistake::at(node.at, message))?;
    if !["won", "foreign"].contains(&kind) {
        return Err(expected());
    }
    Ok(Template::of_customer(name, kind))
}
