//! What the server acknowledged: every movement of money that any answer of a scenario showed.
//!
//! An answer may come twice, by a replay or by reading; it must not come in two versions. Each movement is judged by
//! itself: what kinds of postings it has, that an exchange is at its rate, that a reversal undoes its exchange.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::language::decimal_parts;

/// An amount in minor units of a currency.
pub(super) type Amount = (i128, String);

/// One leg of a movement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leg {
    pub(super) account: String,
    pub(super) version: u64,
    pub(super) amount: Amount,
    pub(super) balance_after: Amount,
}

/// One movement: an exchange, a reversal, a deposit, a withdrawal, a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Movement {
    pub(super) id: String,
    pub(super) legs: Vec<Leg>,
    /// What was left in suspense because an account was closed.
    pub(super) suspense: Option<Amount>,
    /// The answer, for what is judged once.
    body: Value,
}

/// All of a scenario's.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    movements: BTreeMap<String, Movement>,
    conflicts: Vec<String>,
}

impl Acknowledged {
    /// Takes note of every movement that an answer shows, wherever it stands in it.
    pub(crate) fn note(&mut self, body: &Value) {
        match body {
            Value::Array(items) => items.iter().for_each(|item| self.note(item)),
            Value::Object(fields) => match movement(body) {
                Some(movement) => self.add(movement),
                None => fields.values().for_each(|value| self.note(value)),
            },
            _ => {}
        }
    }

    fn add(&mut self, movement: Movement) {
        let known = self.movements.entry(movement.id.clone()).or_insert_with(|| movement.clone());
        if (&known.legs, &known.suspense) != (&movement.legs, &movement.suspense) {
            self.conflicts.push(format!("{} was answered in two versions", movement.id));
        }
    }

    pub(super) fn movements(&self) -> impl Iterator<Item = &Movement> {
        self.movements.values()
    }

    /// Everything that is wrong with the movements by themselves.
    pub(super) fn judge(&self) -> Vec<String> {
        let mut wrong = self.conflicts.clone();
        for movement in self.movements.values() {
            let found = match movement.id.split('_').next() {
                Some("exg") => at_its_rate(movement),
                Some("rev") => self.undoes(movement),
                _ => balanced(movement),
            };
            wrong.extend(found.err().map(|reason| format!("{}: {reason}", movement.id)));
        }
        wrong
    }

    /// A reversal takes and gives what its exchange gave and took; what finds no account waits in suspense.
    fn undoes(&self, reversal: &Movement) -> Result<(), String> {
        let of = reversal.body.get("exchange_id").and_then(Value::as_str).ok_or("a reversal of nothing")?;
        let Some(exchange) = self.movements.get(of) else { return Ok(()) }; // another scenario's answer never shows up
        let mut left: Vec<Amount> = exchange.legs.iter().map(|leg| leg.amount.clone()).collect();
        let back = reversal.legs.iter().map(|leg| &leg.amount).chain(&reversal.suspense);
        for (amount, currency) in back {
            let index = left.iter().position(|(other, of)| *other == -amount && of == currency);
            left.swap_remove(index.ok_or(format!("{amount} {currency} is no amount of {of}"))?);
        }
        if left.is_empty() { Ok(()) } else { Err(format!("not all of {of} went back")) }
    }
}

/// Reads money in minor units.
pub(super) fn amount(money: &Value) -> Option<Amount> {
    let (digits, _) = decimal_parts(money.get("amount")?.as_str()?)?;
    Some((digits, money.get("currency")?.as_str()?.to_owned()))
}

fn movement(body: &Value) -> Option<Movement> {
    let id = body.get("id")?.as_str()?.to_owned();
    let legs = body.get("postings")?.as_array()?.iter().map(leg).collect::<Option<Vec<_>>>()?;
    Some(Movement { id, legs, suspense: body.get("suspense").and_then(amount), body: body.clone() })
}

fn leg(posting: &Value) -> Option<Leg> {
    Some(Leg {
        account: posting.get("account_id")?.as_str()?.to_owned(),
        version: posting.get("version")?.as_u64()?,
        amount: amount(posting.get("amount")?)?,
        balance_after: amount(posting.get("balance_after")?)?,
    })
}

/// Interest brings what is left of gross after 14 % and a tenth of that, each cut below 10 won. A transaction that was read
/// says nothing of it.
fn taxed(body: &Value) -> bool {
    let won = |field: &str| body.get(field).and_then(amount).map(|(won, _)| won);
    let Some(gross) = won("gross") else { return true };
    let income = gross * 14 / 100 / 10 * 10;
    let local = income / 10 / 10 * 10;
    (won("income_tax"), won("local_tax"), won("net")) == (Some(income), Some(local), Some(gross - income - local))
}

/// A deposit brings, a withdrawal takes, a transfer does both alike; interest brings, after tax.
fn balanced(movement: &Movement) -> Result<(), String> {
    let signs: Vec<i128> = movement.legs.iter().map(|leg| leg.amount.0.signum()).collect();
    let kind = movement.body.get("kind").and_then(Value::as_str).unwrap_or_default();
    match (kind, signs.as_slice(), movement.legs.as_slice()) {
        ("deposit", [1], _) | ("withdrawal", [-1], _) => Ok(()),
        ("interest", [1], _) if taxed(&movement.body) => Ok(()),
        ("transfer", [_, _], [from, to]) if from.amount.0 == -to.amount.0 && from.amount.1 == to.amount.1 => Ok(()),
        _ => Err(format!("a {kind} with postings that do not belong to one")),
    }
}

/// The won leg is the foreign one at the rate, rounded against the customer.
fn at_its_rate(exchange: &Movement) -> Result<(), String> {
    let body = &exchange.body;
    let parts = |value: Option<&Value>| decimal_parts(value?.as_str()?);
    let rate = body.get("rate");
    let (rate_digits, rate_decimals) = parts(rate.and_then(|rate| rate.get("value"))).ok_or("no rate")?;
    let unit = rate.and_then(|rate| rate.get("unit")).and_then(Value::as_u64).ok_or("no unit")?;
    let foreign = body.get("foreign").ok_or("no foreign amount")?;
    let (foreign_digits, foreign_decimals) = parts(foreign.get("amount")).ok_or("no foreign amount")?;
    let (foreign_minor, currency) = amount(foreign).ok_or("no foreign amount")?;
    let (won, _) = body.get("won").and_then(amount).ok_or("no won amount")?;
    let decimals = u32::try_from(rate_decimals + foreign_decimals).map_err(|_| "too many decimals")?;
    let divisor = 10_i128.checked_pow(decimals).and_then(|power| power.checked_mul(unit.into())).ok_or("too large")?;
    let product = foreign_digits.checked_mul(rate_digits).ok_or("too large")?;
    let buys = body.get("side").and_then(Value::as_str) == Some("buy");
    let exact = if buys { (product + divisor - 1) / divisor } else { product / divisor };
    if won != exact {
        return Err(format!("{won} KRW, at its rate it is {exact} KRW"));
    }
    let mut legs: Vec<Amount> = exchange.legs.iter().map(|leg| leg.amount.clone()).collect();
    let sign = if buys { 1 } else { -1 };
    let mut expected = vec![(-sign * won, "KRW".to_owned()), (sign * foreign_minor, currency)];
    legs.sort();
    expected.sort();
    if legs == expected { Ok(()) } else { Err("postings that are not its two amounts".to_owned()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn exchange(won: &str) -> Value {
        json!({"id": "exg_1", "side": "buy", "rate": {"value": "1350.57", "unit": 1},
            "won": {"amount": won, "currency": "KRW"}, "foreign": {"amount": "33.33", "currency": "USD"},
            "postings": [
                {"account_id": "acc_1", "version": 2, "amount": {"amount": format!("-{won}"), "currency": "KRW"},
                 "balance_after": {"amount": "4985", "currency": "KRW"}},
                {"account_id": "acc_2", "version": 1, "amount": {"amount": "33.33", "currency": "USD"},
                 "balance_after": {"amount": "33.33", "currency": "USD"}}]})
    }

    fn judge(answers: &[Value]) -> Vec<String> {
        let mut acknowledged = Acknowledged::default();
        answers.iter().for_each(|answer| acknowledged.note(answer));
        acknowledged.judge()
    }

    #[test]
    fn an_exchange_off_its_rate_by_one_won_is_found() {
        assert_eq!(judge(&[exchange("45015"), json!({"items": [{"body": exchange("45015")}]})]), [""; 0]);
        assert_eq!(judge(&[exchange("45014")]), ["exg_1: 45014 KRW, at its rate it is 45015 KRW"]);
        assert_eq!(judge(&[exchange("45015"), exchange("45014")]), ["exg_1 was answered in two versions"]);
    }

    #[test]
    fn a_reversal_undoes_all_of_its_exchange() {
        let posting = |account: &str, amount: &str, currency: &str| {
            json!({"account_id": account, "version": 3, "amount": {"amount": amount, "currency": currency},
                "balance_after": {"amount": "0", "currency": currency}})
        };
        let reversal = |postings: Vec<Value>, suspense: Value| json!({"id": "rev_1", "exchange_id": "exg_1", "postings": postings, "suspense": suspense});
        let foreign = || posting("acc_2", "-33.33", "USD");
        let whole = reversal(vec![foreign(), posting("acc_1", "45015", "KRW")], Value::Null);
        assert_eq!(judge(&[exchange("45015"), whole]), [""; 0]);
        let suspended = reversal(vec![foreign()], json!({"amount": "45015", "currency": "KRW"}));
        assert_eq!(judge(&[exchange("45015"), suspended]), [""; 0]);
        let half = reversal(vec![foreign()], Value::Null);
        assert_eq!(judge(&[exchange("45015"), half]), ["rev_1: not all of exg_1 went back"]);
        let more = reversal(vec![foreign(), posting("acc_1", "45016", "KRW")], Value::Null);
        assert_eq!(judge(&[exchange("45015"), more]), ["rev_1: 45016 KRW is no amount of exg_1"]);
    }
}
