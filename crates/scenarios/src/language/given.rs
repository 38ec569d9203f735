//! What is given: rates, and customers with their money.

use std::collections::BTreeMap;

use super::{
    model::{GivenCustomer, GivenRate},
    scalar,
    scope::Scope,
};
use crate::yaml::{Fields, Mistake, Node, Value};

/// Customers of one scenario, so that a file stays readable and a run small.
const CUSTOMERS_MAX: usize = 50;

type Given = (BTreeMap<String, GivenRate>, Vec<GivenCustomer>);

pub(super) fn read_given(node: &Node, scope: &mut Scope) -> Result<Given, Mistake> {
    let mut fields = Fields::of(node, "given")?;
    let (rates, customers) = (fields.optional("rates"), fields.optional("customers"));
    fields.finish()?;
    let mut given = Given::default();
    for (key, node) in rates.map_or(Ok(&[][..]), |node| node.map("rates: a map from currency to rate"))? {
        if !scalar::is_currency(&key.text) || key.text == "KRW" {
            let message = format!("expected a foreign currency such as USD, found `{}`", key.text);
            return Err(Mistake::at(key.at, message));
        }
        given.0.insert(key.text.clone(), rate(node)?);
    }
    let customers = customers.map_or(Ok(&[][..]), |node| node.map("customers: a map from name to money"))?;
    if customers.len() > CUSTOMERS_MAX {
        return Err(Mistake::at(node.at, format!("at most {CUSTOMERS_MAX} customers in a scenario")));
    }
    for (key, node) in customers {
        scope.free(&key.text).map_err(|message| Mistake::at(key.at, message))?;
        scope.add_customer(&key.text);
        given.1.push(customer(&key.text, node)?);
    }
    Ok(given)
}

fn rate(node: &Node) -> Result<GivenRate, Mistake> {
    const WHAT: &str = "a rate such as \"1350.50\"";
    if matches!(node.value, Value::Scalar { .. }) {
        let mid = scalar::decimal(node, WHAT)?.to_owned();
        return Ok(GivenRate { mid, spread_percent: None, preference_percent: None });
    }
    let mut fields = Fields::of(node, "a rate")?;
    let mut percent = |name| -> Result<Option<String>, Mistake> {
        fields.optional(name).map(|node| scalar::decimal(node, "a percentage").map(str::to_owned)).transpose()
    };
    let (spread_percent, preference_percent) = (percent("spread_percent")?, percent("preference_percent")?);
    let mid = scalar::decimal(fields.required("mid")?, WHAT)?.to_owned();
    fields.finish()?;
    Ok(GivenRate { mid, spread_percent, preference_percent })
}

fn customer(name: &str, node: &Node) -> Result<GivenCustomer, Mistake> {
    let mut fields = Fields::of(node, "a customer")?;
    let mut name_of = |field, what: &str| -> Result<Option<String>, Mistake> {
        fields.optional(field).map(|node| node.text(what).map(str::to_owned)).transpose()
    };
    let (by, channel) = (name_of("by", "the name of a token")?, name_of("channel", "the name of a channel")?);
    let accounts = match fields.optional("accounts") {
        None => vec!["won", "foreign"],
        Some(node) => node.list("a list of won, foreign")?.iter().map(kind).collect::<Result<_, _>>()?,
    };
    let mut money = Vec::new();
    for (key, node) in fields.matching(scalar::is_currency) {
        let amount = node.text("an amount such as \"1000000\"")?;
        if let Some(message) = scalar::amount_mistake(amount, &key.text) {
            return Err(Mistake::at(node.at, message));
        }
        let account = if key.text == "KRW" { "won" } else { "foreign" };
        if !accounts.contains(&account) {
            return Err(Mistake::at(key.at, format!("there is no {account} account for it: add it to `accounts`")));
        }
        money.push((amount.to_owned(), key.text.clone()));
    }
    fields.finish()?;
    Ok(GivenCustomer { name: name.to_owned(), by, channel, accounts, money })
}

pub(super) fn kind(node: &Node) -> Result<&'static str, Mistake> {
    match node.text("won or foreign")? {
        "won" => Ok("won"),
        "foreign" => Ok("foreign"),
        text => Err(Mistake::at(node.at, format!("expected won or foreign, found `{text}`"))),
    }
}
