//! Actions that move money or promise to.

use super::{
    action::{Plan, optional_key, under},
    model::{PlannedKey, View},
    scalar,
    scope::Scope,
    subject_action::{account, customer, named_account},
    template::{Piece, Template},
};
use crate::yaml::{Fields, Mistake, Node, Value};

/// What the answer to an exchange, or to its dry run, has.
pub(super) const EXCHANGE: &[&str] = &[
    "id",
    "customer_id",
    "side",
    "rate",
    "quote_id",
    "won",
    "foreign",
    "postings",
    "at",
    "business_date",
    "reversal_id",
    "dry_run",
    "admitted",
    "violations",
    "won_account_id",
    "foreign_account_id",
];
pub(super) const QUOTE: &[&str] = &[
    "quote",
    "id",
    "customer_id",
    "won_account_id",
    "foreign_account_id",
    "side",
    "foreign",
    "won",
    "rate",
    "expires_at",
    "status",
    "exchange_id",
];
pub(super) const REVERSAL: &[&str] =
    &["id", "exchange_id", "customer_id", "reason", "won", "foreign", "postings", "suspense", "at", "business_date"];
pub(super) const TRANSACTION: &[&str] = &["id", "kind", "postings", "at", "business_date"];
pub(super) const COVER: &[&str] =
    &["id", "side", "amount", "won", "rate", "unit", "reference", "by", "at", "business_date"];
const INTEREST: &[&str] = &[
    "id",
    "kind",
    "account_id",
    "customer_id",
    "period",
    "accruals",
    "gross",
    "income_tax",
    "local_tax",
    "net",
    "postings",
    "paid_through",
    "annual_percent",
    "at",
    "business_date",
];
const BATCH: &[&str] = &["items", "outcomes", "count"];
/// As many items as the API takes in one batch.
const BATCH_ITEMS_MAX: u32 = 1_000;

type Body = Vec<(&'static str, Template)>;

/// POST /v1/exchanges
pub(super) fn exchange(node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let mut fields = Fields::of(node, "an exchange")?;
    let mut body = exchange_body(&mut fields, scope)?;
    let dry_run = fields.optional("dry_run").map(scalar::truth).transpose()?.unwrap_or(false);
    let key = key(&mut fields, scope)?;
    fields.finish()?;
    if dry_run {
        body.push(("dry_run", Template::Bool(true)));
    }
    let key = if dry_run { PlannedKey::Without } else { key };
    Ok(Plan::post(Template::literal("/v1/exchanges"), body, EXCHANGE).keyed(key))
}

fn exchange_body(fields: &mut Fields<'_>, scope: &Scope) -> Result<Body, Mistake> {
    if let Some(quote) = fields.optional("quote") {
        return Ok(vec![("quote", Template::text(quote, "a quote such as $q.quote", scope)?)]);
    }
    let mut body = order(fields, scope)?;
    if let Some(node) = fields.optional("worst_rate") {
        body.push(("worst_rate", Template::literal(scalar::decimal(node, "a rate such as \"1350.50\"")?)));
    }
    Ok(body)
}

/// POST /v1/quotes
pub(super) fn quote(node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let mut fields = Fields::of(node, "a quote")?;
    let mut body = order(&mut fields, scope)?;
    if let Some(node) = fields.optional("lifetime") {
        let micros = scalar::duration_micros(node)?;
        if micros % 1_000_000 != 0 {
            return Err(Mistake::at(node.at, "a quote lives whole seconds"));
        }
        body.push(("lifetime_seconds", Template::Number((micros / 1_000_000).to_string())));
    }
    fields.finish()?;
    Ok(Plan::post(Template::literal("/v1/quotes"), body, QUOTE))
}

/// What quotes and exchanges have in common.
fn order(fields: &mut Fields<'_>, scope: &Scope) -> Result<Body, Mistake> {
    let mut body = vec![("customer_id", customer(fields, scope)?)];
    body.push(("side", side(fields)?));
    let asked = (fields.optional("foreign"), fields.optional("won"), fields.optional("budget"));
    let named = fields.optional("currency");
    let (field, (amount, of)) = match asked {
        (Some(node), None, None) => ("foreign_amount", money(node, scope)?),
        (None, Some(node), None) => ("won_amount", money(node, scope)?),
        (None, None, Some(node)) => ("won_budget", money(node, scope)?),
        _ => return Err(Mistake::at(fields.at(), "say how much by one of `foreign`, `won`, `budget`")),
    };
    let currency = match named {
        Some(node) => scalar::currency(node)?.to_owned(),
        None if field == "foreign_amount" => of,
        None => return Err(Mistake::at(fields.at(), "a won amount needs the field `currency`, such as USD")),
    };
    body.push(("currency", Template::literal(currency)));
    body.push((field, amount));
    for (field, sent) in [("won_account", "won_account_id"), ("foreign_account", "foreign_account_id")] {
        if let Some(node) = fields.optional(field) {
            body.push((sent, named_account(node, scope)?));
        }
    }
    Ok(body)
}

fn side(fields: &mut Fields<'_>) -> Result<Template, Mistake> {
    let node = fields.required("side")?;
    match node.text("buy or sell")? {
        side @ ("buy" | "sell") => Ok(Template::literal(side)),
        text => Err(Mistake::at(node.at, format!("expected buy or sell, found `{text}`"))),
    }
}

/// POST /v1/exchanges:batch
pub(super) fn batch(node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let mut items = Vec::new();
    for node in node.list("a list of exchanges")? {
        let mut fields = Fields::of(node, "an exchange of a batch")?;
        let times = fields.optional("times");
        let times = times.map(|node| scalar::whole(node, "a number of times", 1..=BATCH_ITEMS_MAX)).transpose()?;
        let key = match key(&mut fields, scope)? {
            PlannedKey::Named(name) => key_text(name),
            PlannedKey::Fresh | PlannedKey::Without => Template::Text(vec![Piece::Key(None)]),
        };
        let exchange = exchange_body(&mut fields, scope)?;
        fields.finish()?;
        let exchange = exchange.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let item = Template::Map(vec![("key".to_owned(), key), ("exchange".to_owned(), Template::Map(exchange))]);
        items.extend(std::iter::repeat_n(item, times.unwrap_or(1) as usize));
    }
    let body = vec![("items", Template::List(items))];
    Ok(Plan::post(Template::literal("/v1/exchanges:batch"), body, BATCH).shown(View::Batch))
}

/// POST /v1/exchanges/{id}/reversal
pub(super) fn reverse(node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let mut fields = Fields::of(node, "a reversal")?;
    let id = Template::text(fields.required("exchange")?, "an exchange such as $b1.id", scope)?;
    let reason = fields.optional("reason").map(|node| Template::text(node, "a reason", scope)).transpose()?;
    let key = key(&mut fields, scope)?;
    fields.finish()?;
    let body = vec![("reason", reason.unwrap_or_else(|| Template::literal("a scenario")))];
    Ok(Plan::post(under("/v1/exchanges/", id, "/reversal"), body, REVERSAL).keyed(key))
}

/// POST /v1/deposits, /v1/withdrawals
pub(super) fn cash(node: &Node, scope: &Scope, path: &str) -> Result<Plan, Mistake> {
    let mut fields = Fields::of(node, "a movement of cash")?;
    let (amount, currency) = money(fields.required("amount")?, scope)?;
    let account = account(&mut fields, scope, Some(&currency))?;
    let key = key(&mut fields, scope)?;
    fields.finish()?;
    let body = vec![("account_id", account), ("amount", amount)];
    Ok(Plan::post(Template::literal(path), body, TRANSACTION).keyed(key))
}

/// POST /v1/transfers
pub(super) fn transfer(node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let mut fields = Fields::of(node, "a transfer")?;
    let from = named_account(fields.required("from")?, scope)?;
    let to = named_account(fields.required("to")?, scope)?;
    let (amount, _) = money(fields.required("amount")?, scope)?;
    let key = key(&mut fields, scope)?;
    fields.finish()?;
    let body = vec![("from_account_id", from), ("to_account_id", to), ("amount", amount)];
    Ok(Plan::post(Template::literal("/v1/transfers"), body, TRANSACTION).keyed(key))
}

/// POST /v1/accounts/{id}/interest
pub(super) fn interest(node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let mut fields = Fields::of(node, "a claim of interest")?;
    let path = under("/v1/accounts/", account(&mut fields, scope, Some("KRW"))?, "/interest");
    let key = key(&mut fields, scope)?;
    fields.finish()?;
    Ok(Plan::post(path, Vec::new(), INTEREST).keyed(key))
}

/// GET /v1/accounts/{id}/interest
pub(super) fn read_interest(node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let mut fields = Fields::of(node, "an account's interest")?;
    let path = under("/v1/accounts/", account(&mut fields, scope, Some("KRW"))?, "/interest");
    fields.finish()?;
    Ok(Plan::get(path, INTEREST))
}

/// POST /v1/positions/covers
pub(super) fn cover(node: &Node, scope: &Scope) -> Result<Plan, Mistake> {
    let mut fields = Fields::of(node, "a cover trade")?;
    let (amount, _) = money(fields.required("amount")?, scope)?;
    let rate = Template::text(fields.required("rate")?, "a rate such as \"1349.00\"", scope)?;
    let mut body = vec![("side", side(&mut fields)?), ("amount", amount), ("rate", rate)];
    if let Some(node) = fields.optional("won") {
        body.push(("won", money(node, scope)?.0));
    }
    if let Some(node) = fields.optional("reference") {
        body.push(("reference", Template::text(node, "a text", scope)?));
    }
    let key = key(&mut fields, scope)?;
    fields.finish()?;
    Ok(Plan::post(Template::literal("/v1/positions/covers"), body, COVER).keyed(key))
}

/// The key of a request that moves money: a new one unless it is named.
fn key(fields: &mut Fields<'_>, scope: &Scope) -> Result<PlannedKey, Mistake> {
    Ok(match optional_key(fields, scope)? {
        PlannedKey::Without => PlannedKey::Fresh,
        key => key,
    })
}

/// The key that a text names: a reference to the key of an earlier step is the key itself, any other text a name that
/// stands for one key within the scenario.
pub(crate) fn key_text(name: Template) -> Template {
    match &name {
        Template::Text(pieces) => match pieces.as_slice() {
            [Piece::Literal(name)] => Template::Text(vec![Piece::Key(Some(name.clone()))]),
            _ => name,
        },
        _ => name,
    }
}

/// Money and its currency. `100.00 USD` is checked here; `{ amount: "100.5", currency: JPY }` is sent as it stands.
pub(super) fn money(node: &Node, scope: &Scope) -> Result<(Template, String), Mistake> {
    if matches!(node.value, Value::Map(_)) {
        let mut fields = Fields::of(node, "an amount")?;
        let amount = Template::json(fields.required("amount")?, scope)?;
        let currency = fields.required("currency")?.text("a currency")?.to_owned();
        fields.finish()?;
        let money = [("amount".to_owned(), amount), ("currency".to_owned(), Template::literal(currency.clone()))];
        return Ok((Template::Map(money.into()), currency));
    }
    let (amount, currency) = scalar::money(node)?;
    Ok((Template::money(amount, currency), currency.to_owned()))
}
