//! Brings the bank's rates to where scenarios want them.
//!
//! A round that jumps too far is refused by the guard and halts its pair; so a rate is approached in steps that the
//! guard tolerates. A pair that an earlier scenario left halted is lifted by whichever caller may do so: not the one who
//! halted it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::target::{Exchanged, Outgoing, Target};
use crate::language::{GivenRate, VALID_UNTIL, decimal_parts};

/// How far one step goes, in thousandths of the rate: less than the guard tolerates, 2 % for the dollar and 3 % else.
const STEP_THOUSANDTHS: [(&str, i128); 2] = [("USD", 19), ("", 29)];
/// Steps to a rate: enough for a rate ten times as high.
const STEPS_MAX: u32 = 200;

/// What was published here last, by currency, with the round's id.
#[derive(Debug, Default)]
pub(super) struct Bank {
    published: Mutex<BTreeMap<String, (GivenRate, String)>>,
}

/// A decimal as digits and the number of decimals.
type Decimal = (i128, usize);

impl Bank {
    /// Sees to it that these rates trade; gives the currencies that do not, and why.
    pub(super) async fn ensure(
        &self,
        target: &Target,
        rates: &BTreeMap<String, GivenRate>,
    ) -> BTreeMap<String, String> {
        let mut published = self.published.lock().await;
        let mut unready = BTreeMap::new();
        for (currency, wanted) in rates {
            match settle(target, currency, wanted, published.get(currency)).await {
                Ok(round) => drop(published.insert(currency.clone(), (wanted.clone(), round))),
                Err(why) => drop(unready.insert(currency.clone(), format!("{currency}: {why}"))),
            }
        }
        unready
    }
}

/// Publishes until the pair trades at the rate that is wanted; gives the round.
async fn settle(
    target: &Target,
    currency: &str,
    wanted: &GivenRate,
    known: Option<&(GivenRate, String)>,
) -> Result<String, String> {
    let goal = decimal_parts(&wanted.mid).ok_or("not a rate")?;
    let mut reference = None;
    for _ in 0..STEPS_MAX {
        let rate = body(target.send(None, Outgoing::get(format!("/v1/rates/{currency}")), None).await?)?;
        let text = |field: &str| rate.get(field).and_then(Value::as_str);
        if text("status") == Some("halted") {
            lift(target, currency).await?;
            continue;
        }
        let round = text("round").unwrap_or_default();
        if text("status") == Some("trading") && known.is_some_and(|(terms, id)| terms == wanted && id == round) {
            return Ok(round.to_owned());
        }
        let from = reference.take().or_else(|| text("mid").and_then(decimal_parts));
        let mid = from.map_or(goal, |from| step(currency, from, goal));
        let arrives = same(mid, goal);
        let answer = publish(target, currency, wanted, arrives.then_some(wanted.mid.as_str()), mid).await?;
        let trades = answer.get("verdict").and_then(|verdict| verdict.get("trades")) == Some(&Value::Bool(true));
        match (trades, arrives) {
            (true, true) => {
                let id = answer.get("round").and_then(|round| round.get("id")).and_then(Value::as_str);
                return Ok(id.ok_or("a round without an id")?.to_owned());
            }
            (true, false) => {}
            // The pair stands halted now and is lifted in the next turn; the guard measured from another round.
            (false, _) if from.is_none() => reference = Some(last_traded(target, currency).await?),
            (false, _) => return Err(format!("the guard refused a step to {}: {answer}", show(mid))),
        }
    }
    Err(format!("{} is not reached within {STEPS_MAX} rounds", wanted.mid))
}

async fn publish(
    target: &Target,
    currency: &str,
    wanted: &GivenRate,
    text: Option<&str>,
    mid: Decimal,
) -> Result<Value, String> {
    let mid = text.map_or_else(|| show(mid), str::to_owned);
    let mut round = json!({ "currency": currency, "mid": mid, "valid_until": VALID_UNTIL });
    let terms = [("spread_percent", &wanted.spread_percent), ("preference_percent", &wanted.preference_percent)];
    for (field, percent) in terms {
        if let (Some(percent), Some(fields)) = (percent, round.as_object_mut()) {
            fields.insert(field.to_owned(), Value::from(percent.as_str()));
        }
    }
    body(target.send(None, Outgoing::post("/v1/rounds", &round), None).await?)
}

/// The rate that the guard measures from, where the board shows none: that of the newest round that traded.
async fn last_traded(target: &Target, currency: &str) -> Result<Decimal, String> {
    let mut outgoing = Outgoing::get("/v1/rounds");
    outgoing.query = vec![("currency", currency.to_owned()), ("limit", "1000".to_owned())];
    let rounds = body(target.send(None, outgoing, None).await?)?;
    let traded = |round: &&Value| matches!(round.get("status").and_then(Value::as_str), Some("active" | "superseded"));
    let rounds = rounds.get("items").and_then(Value::as_array).into_iter().flatten();
    let mid = rounds.filter(traded).find_map(|round| decimal_parts(round.get("mid")?.as_str()?));
    mid.ok_or_else(|| "the guard refused the first round".to_owned())
}

/// Lifts a halt by the first caller who may.
async fn lift(target: &Target, currency: &str) -> Result<(), String> {
    let mut refusals = Vec::new();
    for caller in target.callers() {
        let outgoing = Outgoing::post(format!("/v1/halts/{currency}/lift"), &json!({}));
        let answer = target.send(caller, outgoing, None).await?;
        if answer.status < 400 {
            return Ok(());
        }
        refusals.push(format!("{}: {}", caller.unwrap_or("the default token"), answer.outcome()));
    }
    let refusals = refusals.join(", ");
    Err(format!("the pair is halted and nobody here may lift it ({refusals}): give --token approver=FILE"))
}

fn body(exchanged: Exchanged) -> Result<Value, String> {
    if exchanged.status >= 400 {
        let detail = exchanged.body.as_ref().and_then(|body| body.get("detail")).and_then(Value::as_str);
        let (path, detail) = (&exchanged.outgoing.path, detail.unwrap_or_default());
        return Err(format!("{path}: {} {}: {detail}", exchanged.status, exchanged.outcome()));
    }
    exchanged.body.ok_or_else(|| format!("{}: an answer that is not json", exchanged.outgoing.path))
}

/// Both numbers with the same decimals.
fn aligned((left, left_decimals): Decimal, (right, right_decimals): Decimal) -> (i128, i128, usize) {
    let decimals = left_decimals.max(right_decimals);
    let scaled = |digits: i128, of: usize| (of..decimals).fold(digits, |digits, _| digits.saturating_mul(10));
    (scaled(left, left_decimals), scaled(right, right_decimals), decimals)
}

fn same(left: Decimal, right: Decimal) -> bool {
    let (left, right, _) = aligned(left, right);
    left == right
}

/// The next rate on the way from one to another, at most one tolerated step away; at least the smallest there is.
fn step(currency: &str, from: Decimal, goal: Decimal) -> Decimal {
    let thousandths = STEP_THOUSANDTHS.iter().find(|(code, _)| [currency, ""].contains(code)).map_or(0, |(_, t)| *t);
    let (from, to, decimals) = aligned(from, goal);
    let longest = (from.saturating_mul(thousandths) / 1000).max(1);
    (from + (to - from).clamp(-longest, longest), decimals)
}

fn show((digits, decimals): Decimal) -> String {
    let text = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = text.split_at(text.len() - decimals);
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_approached_in_steps_that_the_guard_tolerates() {
        let walk = |currency: &str, from: &str, to: &str| {
            let goal = decimal_parts(to).unwrap();
            let mut at = decimal_parts(from).unwrap();
            let mut steps = 0;
            while !same(at, goal) {
                let next = step(currency, at, goal);
                let (before, after, _) = aligned(at, next);
                let tolerated = if currency == "USD" { 20 } else { 30 };
                assert!((after - before).abs() * 1000 <= before * tolerated, "{} to {}", show(at), show(next));
                at = next;
                steps += 1;
                assert!(steps < STEPS_MAX, "{currency} {from} {to}");
            }
            steps
        };
        assert_eq!(walk("USD", "1350.50", "1350.57"), 1);
        assert_eq!(walk("USD", "1350.50", "1350.50"), 0);
        assert!(walk("JPY", "472.23", "934.06") > 20);
        assert!(walk("VND", "5.45", "10.00") > 10 && walk("USD", "1500", "1350.5") > 3);
        assert_eq!((show((135_050, 2)), show((5, 2)), show((934, 0))), ("1350.50".into(), "0.05".into(), "934".into()));
    }
}
