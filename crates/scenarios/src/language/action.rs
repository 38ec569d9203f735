//! The actions: which there are, and those that read or change what is not money.

use super::{
    given,
    market_action, money_action,
    model::{Action, CallPlan, ClockMove, PlannedBody, PlannedKey, View},
    scalar,
    scope::Scope,
    step::{Order, TIMES_MAX, read_steps},
    template::Template,
};
use crate::yaml::{Fields, Key, Mistake, Node, Value};

/// Every action's name.
pub(super) const ACTIONS: &[&str] = &[
    "exchange", "quote", "batch", "reverse", "deposit", "withdraw", "transfer", "close", "fact", "lift_fact", "check",
    "balances", "limits", "entries", "exchanges", "customer", "customers", "account", "accounts", "open_customer",
    "open_account", "read_exchange", "read_quote", "read_reversal", "read_transaction", "read_round", "publish",
    "void", "halt", "lift", "rates", "pairs", "rounds", "halts", "key", "audit", "request", "clock", "parallel",
    "repeat",
];

/// What `expect` may name beside what it may always name.
#[derive(Clone, Copy)]
pub(super) enum Expectable {
    /// These fields of the answer.
    Fields(&'static [&'static str]),
    /// These, and currencies.
    Balances(&'static [&'static str]),
    /// Outcomes, and how often each.
    Outcomes,
    /// Nothing at all.
    Nothing,
}

/// A request that an action makes, and what its answer has.
pub(super) struct Plan {
    pub(super) call: CallPlan,
    pub(super) fields: &'static [&'static str],
}

impl Plan {
    /// Reads a path.
    pub(super) fn get(path: Template, fields: &'static [&'static str]) -> Self {
        Self::of("GET", path, PlannedBody::Nothing, fields)
    }

    /// Posts fields as JSON.
    pub(super) fn post(path: Template, body: Vec<(&str, Template)>, fields: &'static [&'static str]) -> Self {
        let body = body.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self::of("POST", path, PlannedBody::Json(Template::Map(body)), fields)
    }

    fn of(method: &str, path: Template, body: PlannedBody, fields: &'static [&'static str]) -> Self {
        let call = CallPlan {
            method: method.to_owned(),
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body,
            key: PlannedKey::Without,
            view: View::Plain,
        };
        Self { call, fields }
    }

    pub(super) fn shown(mut self, view: View) -> Self {
        self.call.view = view;
        self
    }

    pub(super) fn keyed(mut self, key: PlannedKey) -> Self {
        self.call.key = key;
        self
    }

    fn query(mut self, fields: &mut Fields<'_>, scope: &Scope, names: &[&'static str]) -> Result<Self, Mistake> {
        for name in names {
            if let Some(node) = fields.optional(name) {
                self.call.query.push((name, Template::text(node, "a value", scope)?));
            }
        }
        Ok(self)
    }

    fn header(mut self, name: &str, value: Option<Template>) -> Self {
        self.call.headers.extend(value.map(|value| (name.to_owned(), value)));
        self
    }
}

const LIST: &[&str] = &["items", "count", "ids", "kinds", "more", "next_cursor"];
const CUSTOMER: &[&str] = &["id", "reference", "channel", "accounts", "facts", "limits", "opened_at", "business_date"];
const ACCOUNT: &[&str] = &[
    "id", "customer_id", "kind", "status", "version", "facts", "balances", "at", "opened_at", "business_date",
];
const FACT: &[&str] = &["id", "customer_id", "account_id", "fact", "at", "business_date"];
const LIMITS: &[&str] = &["customer_id", "account_id", "daily", "monthly", "customer", "limited", "holdings"];

/// Reads an action: what stands under its name.
pub(super) fn read_action(key: &Key, node: &Node, scope: &mut Scope) -> Result<(Action, Expectable), Vec<Mistake>> {
    let one = |mistake: Mistake| vec![mistake];
    match key.text.as_str() {
        "parallel" => {
            let steps = read_steps(node, &mut scope.clone(), Order::Parallel)?;
            Ok((Action::Parallel(steps), Expectable::Outcomes))
        }
        "repeat" => {
            let mut fields = Fields::of(node, "a repeat").map_err(one)?;
            let times = fields.required("times");
            let times = times.and_then(|node| scalar::whole(node, "a number of times", 1..=TIMES_MAX)).map_err(one)?;
            let steps = fields.required("steps").map_err(one)?;
            fields.finish().map_err(one)?;
            let steps = read_steps(steps, scope, Order::Sequence)?;
            Ok((Action::Repeat { times, steps }, Expectable::Nothing))
        }
        "clock" => Ok((Action::Clock(clock(node).map_err(one)?), Expectable::Nothing)),
        "balances" => {
            let customer = node.text("a customer's name").map_err(one)?;
            scope.customer(customer).map_err(|message| one(Mistake::at(node.at, message)))?;
            Ok((Action::Balances { customer: customer.to_owned() }, Expectable::Balances(&["available", "reserved"])))
        }
        name => {
            let plan = read_plan(name, node, scope).map_err(one)?;
            Ok((Action::Call(Box::new(plan.call)), Expectable::Fields(plan.fields)))
        }
    }
}

fn read_plan(name: &str, node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    match name {
        "exchange" => money_action::exchange(node, scope),
        "quote" => money_action::quote(node, scope),
        "batch" => money_action::batch(node, scope),
        "reverse" => money_action::reverse(node, scope),
        "deposit" => money_action::cash(node, scope, "/v1/deposits"),
        "withdraw" => money_action::cash(node, scope, "/v1/withdrawals"),
        "transfer" => money_action::transfer(node, scope),
        "publish" => market_action::publish(node, scope),
        "void" => market_action::void(node, scope),
        "halt" => market_action::halt(node, scope),
        "lift" => market_action::lift(node, scope),
        "rates" | "pairs" | "halts" | "rounds" => market_action::read(name, node, scope),
        "read_exchange" => by_id(node, scope, "/v1/exchanges/", money_action::EXCHANGE),
        "read_quote" => by_id(node, scope, "/v1/quotes/", money_action::QUOTE),
        "read_reversal" => by_id(node, scope, "/v1/reversals/", money_action::REVERSAL),
        "read_transaction" => by_id(node, scope, "/v1/transactions/", money_action::TRANSACTION),
        "read_round" => by_id(node, scope, "/v1/rounds/", market_action::ROUND),
        "request" => request(node, scope),
        _ => read_of_subjects(name, node, scope),
    }
}

/// What is asked or changed of customers and accounts.
fn read_of_subjects(name: &str, node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    // `limits: kim` is short for `limits: { customer: kim }`, `account: kim.won` for `account: { account: kim.won }`.
    let short = matches!(node.value, Value::Scalar { .. }) && !node.is_empty();
    let field = match node.text("") {
        Ok(text) if short && scope.customer(text).is_ok() => "customer",
        _ => "account",
    };
    let key = Key { text: field.to_owned(), at: node.at };
    let long = Node { at: node.at, value: Value::Map(vec![(key, node.clone())]) };
    let mut fields = Fields::of(if short { &long } else { node }, "it")?;
    let plan = of_subjects(name, &mut fields, scope)?;
    fields.finish()?;
    Ok(plan)
}

fn of_subjects(name: &str, fields: &mut Fields<'_>, scope: &Scope) -> Result<Plan, Mistake> {
    let literal = Template::literal;
    Ok(match name {
        "customer" => Plan::get(under("/v1/customers/", customer(fields, scope)?, ""), CUSTOMER),
        "customers" => Plan::get(literal("/v1/customers"), LIST)
            .shown(View::List)
            .query(fields, scope, &["reference", "limit", "cursor"])?,
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
        "audit" => {
            Plan::get(literal("/v1/audit"), LIST).shown(View::List).query(fields, scope, &["lane", "limit", "cursor"])?
        }
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

/// The key of a request that may go without.
pub(super) fn optional_key(fields: &mut Fields<'_>, scope: &Scope) -> Result<PlannedKey, Mistake> {
    Ok(match fields.optional("key") {
        None => PlannedKey::Without,
        Some(node) => PlannedKey::Named(Template::text(node, "the name of a key", scope)?),
    })
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

/// A path around an id.
pub(super) fn under(before: &str, id: Template, after: &str) -> Template {
    Template::join([Template::literal(before), id, Template::literal(after)])
}

fn by_id(node: &Node, scope: &Scope, path: &str, fields: &'static [&'static str]) -> Result<Plan, Mistake> {
    Ok(Plan::get(under(path, Template::text(node, "an id such as $b1.id", scope)?, ""), fields))
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
pub(super) fn account(
    fields: &mut Fields<'_>,
    scope: &Scope,
    currency: Option<&str>,
) -> Result<Template, Mistake> {
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

/// Any request at all, for what the other actions would never send.
fn request(node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let mut fields = Fields::of(node, "a request")?;
    let method = fields.optional("method").map_or(Ok("GET"), |node| node.text("a method such as POST"))?.to_owned();
    let path_node = fields.required("path")?;
    let path = Template::text(path_node, "a path such as /v1/rates", scope)?;
    let mut plan = Plan::get(path, &["body"]);
    let body = (fields.optional("body"), fields.optional("text"), fields.optional("text_times"));
    plan.call.body = match body {
        (None, None, None) => PlannedBody::Nothing,
        (Some(node), None, None) => PlannedBody::Json(Template::json(node, scope)?),
        (None, Some(node), times) => {
            let times = times.map(|node| scalar::whole(node, "a number of times", 1..=2_000_000)).transpose()?;
            PlannedBody::Text(Template::text(node, "a text", scope)?, times.unwrap_or(1) as usize)
        }
        _ => return Err(Mistake::at(node.at, "a request has either a `body`, or a `text` (with `text_times`)")),
    };
    plan.call.key = optional_key(&mut fields, scope)?;
    let headers = fields.optional("headers");
    for (key, node) in headers.map_or(Ok(&[][..]), |node| node.map("headers: a map from name to value"))? {
        let value = if node.is_empty() { Template::literal("") } else { Template::text(node, "a value", scope)? };
        plan.call.headers.push((key.text.clone(), value));
    }
    plan.call.method = method;
    fields.finish()?;
    Ok(plan)
}

fn clock(node: &Node) -> Result<ClockMove, Mistake> {
    let mut fields = Fields::of(node, "clock")?;
    let (advance, next) = (fields.optional("advance"), fields.optional("next"));
    let day = fields.optional("day_of_month");
    let day_of_month = day.map(|node| scalar::whole(node, "a day of the month", 1..=28)).transpose()?;
    fields.finish()?;
    match (advance, next, day_of_month) {
        (Some(node), None, None) => Ok(ClockMove::Advance { micros: scalar::duration_micros(node)? }),
        (None, Some(node), _) => {
            Ok(ClockMove::Next { micros_of_day: scalar::time_of_day_micros(node)?, day_of_month })
        }
        _ => Err(Mistake::at(node.at, "the clock takes either advance: 10s, or next: \"09:00\" (with day_of_month)")),
    }
}
