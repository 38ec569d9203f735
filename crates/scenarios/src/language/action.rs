//! The actions: which there are, and those that are no request of their own kind.

use hwan_client::Method;

use super::{
    day_action, market_action,
    model::{Action, CallPlan, ClockMove, PlannedBody, PlannedKey, View},
    money_action, scalar,
    scope::Scope,
    step::{Order, TIMES_MAX, read_steps},
    subject_action,
    template::Template,
};
use crate::yaml::{Fields, Key, Mistake, Node};

/// Every action's name.
pub(super) const ACTIONS: &[&str] = &[
    "exchange",
    "quote",
    "batch",
    "reverse",
    "deposit",
    "withdraw",
    "transfer",
    "cover",
    "interest",
    "close",
    "fact",
    "lift_fact",
    "check",
    "balances",
    "limits",
    "entries",
    "exchanges",
    "customer",
    "customers",
    "account",
    "accounts",
    "open_customer",
    "open_account",
    "read_exchange",
    "read_quote",
    "read_reversal",
    "read_transaction",
    "read_cover",
    "read_interest",
    "read_round",
    "publish",
    "void",
    "halt",
    "lift",
    "rates",
    "pairs",
    "rounds",
    "halts",
    "business_date",
    "roll",
    "close_day",
    "closing",
    "held",
    "statement",
    "key",
    "audit",
    "request",
    "clock",
    "parallel",
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
        Self::of(Method::Get, path, PlannedBody::Nothing, fields)
    }

    /// Posts fields as JSON.
    pub(super) fn post(path: Template, body: Vec<(&str, Template)>, fields: &'static [&'static str]) -> Self {
        let body = body.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self::of(Method::Post, path, PlannedBody::Json(Template::Map(body)), fields)
    }

    fn of(method: Method, path: Template, body: PlannedBody, fields: &'static [&'static str]) -> Self {
        let call = CallPlan {
            method,
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

    pub(super) fn query(
        mut self,
        fields: &mut Fields<'_>,
        scope: &Scope,
        names: &[&'static str],
    ) -> Result<Self, Mistake> {
        for name in names {
            if let Some(node) = fields.optional(name) {
                self.call.query.push((name, Template::text(node, "a value", scope)?));
            }
        }
        Ok(self)
    }

    pub(super) fn header(mut self, name: &str, value: Option<Template>) -> Self {
        self.call.headers.extend(value.map(|value| (name.to_owned(), value)));
        self
    }
}

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
        "cover" => money_action::cover(node, scope),
        "interest" => money_action::interest(node, scope),
        "read_interest" => money_action::read_interest(node, scope),
        "publish" => market_action::publish(node, scope),
        "void" => market_action::void(node, scope),
        "halt" => market_action::halt(node, scope),
        "lift" => market_action::lift(node, scope),
        "rates" | "pairs" | "halts" | "rounds" => market_action::read(name, node, scope),
        "read_exchange" => by_id(node, scope, "/v1/exchanges/", money_action::EXCHANGE),
        "read_quote" => by_id(node, scope, "/v1/quotes/", money_action::QUOTE),
        "read_reversal" => by_id(node, scope, "/v1/reversals/", money_action::REVERSAL),
        "read_transaction" => by_id(node, scope, "/v1/transactions/", money_action::TRANSACTION),
        "read_cover" => by_id(node, scope, "/v1/positions/covers/", money_action::COVER),
        "read_round" => by_id(node, scope, "/v1/rounds/", market_action::ROUND),
        "business_date" | "roll" | "close_day" | "closing" | "held" | "statement" => {
            day_action::read(name, node, scope)
        }
        "request" => request(node, scope),
        _ => subject_action::read(name, node, scope),
    }
}

/// The key of a request that may go without.
pub(super) fn optional_key(fields: &mut Fields<'_>, scope: &Scope) -> Result<PlannedKey, Mistake> {
    Ok(match fields.optional("key") {
        None => PlannedKey::Without,
        Some(node) => PlannedKey::Named(Template::text(node, "the name of a key", scope)?),
    })
}

/// A path around an id.
pub(super) fn under(before: &str, id: Template, after: &str) -> Template {
    Template::join([Template::literal(before), id, Template::literal(after)])
}

fn by_id(node: &Node, scope: &Scope, path: &str, fields: &'static [&'static str]) -> Result<Plan, Mistake> {
    Ok(Plan::get(under(path, Template::text(node, "an id such as $b1.id", scope)?, ""), fields))
}

/// Any request at all, for what the other actions would never send.
fn request(node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let mut fields = Fields::of(node, "a request")?;
    let method = match fields.optional("method") {
        None => Method::Get,
        Some(node) => node.text("a method such as POST")?.parse().map_err(|message| Mistake::at(node.at, message))?,
    };
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
        (None, Some(node), _) => Ok(ClockMove::Next { micros_of_day: scalar::time_of_day_micros(node)?, day_of_month }),
        _ => Err(Mistake::at(node.at, "the clock takes either advance: 10s, or next: \"09:00\" (with day_of_month)")),
    }
}
