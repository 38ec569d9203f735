//! The common ground of all scenarios: what must hold after each, whatever its steps were.
//!
//! - No balance is negative, booked or available, and nothing is left reserved.
//! - Each account's passbook is an unbroken chain: versions without a gap, each balance after the one before it, the
//!   last ones what the account holds.
//! - Passbooks and acknowledged movements are the same: nothing lost, nothing doubled, nothing that nobody was told of.
//! - Money is conserved per currency: the customers hold what came in, less what went out, plus and minus exchanges at
//!   their rates.

use std::collections::BTreeMap;

use serde_json::Value;

use super::acknowledged::{Acknowledged, Amount, amount};

/// The accounts of a scenario as they stand at its end: balances and the whole passbook, newest first.
#[derive(Debug, Default)]
pub(crate) struct Household {
    pub(crate) accounts: Vec<AccountEnd>,
}

/// One account.
#[derive(Debug)]
pub(crate) struct AccountEnd {
    pub(crate) id: String,
    /// Of `GET /v1/accounts/{id}`.
    pub(crate) account: Value,
    /// Of `GET /v1/accounts/{id}/entries`, all pages.
    pub(crate) entries: Vec<Value>,
}

/// Everything that does not hold, each in a sentence.
pub(crate) fn judge_ground(household: &Household, acknowledged: &Acknowledged) -> Vec<String> {
    let mut wrong = acknowledged.judge();
    let mut held: BTreeMap<String, i128> = BTreeMap::new();
    let mut moved: BTreeMap<String, i128> = BTreeMap::new();
    for end in &household.accounts {
        let found = judge_account(end, &mut held);
        wrong.extend(found.into_iter().map(|reason| format!("{}: {reason}", end.id)));
        compare_passbook(end, acknowledged, &mut wrong);
    }
    let ours = |account: &str| household.accounts.iter().any(|end| end.id == account);
    for leg in acknowledged.movements().flat_map(|movement| &movement.legs).filter(|leg| ours(&leg.account)) {
        *moved.entry(leg.amount.1.clone()).or_default() += leg.amount.0;
    }
    for currency in held.keys().chain(moved.keys()).collect::<std::collections::BTreeSet<_>>() {
        let of = |sums: &BTreeMap<String, i128>| sums.get(currency).copied().unwrap_or_default();
        if of(&held) != of(&moved) {
            wrong.push(format!(
                "the customers hold {} minor units of {currency}, {} were moved",
                of(&held),
                of(&moved)
            ));
        }
    }
    wrong
}

fn judge_account(end: &AccountEnd, held: &mut BTreeMap<String, i128>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut booked: BTreeMap<String, i128> = BTreeMap::new();
    for row in end.account.get("balances").and_then(Value::as_array).into_iter().flatten() {
        let of = |field: &str| row.get(field).and_then(amount);
        let (Some((holds, currency)), Some((available, _)), Some((reserved, _))) =
            (of("booked"), of("available"), of("reserved"))
        else {
            wrong.push(format!("a balance that cannot be read: {row}"));
            continue;
        };
        if holds < 0 || available < 0 {
            wrong.push(format!("holds {holds} minor units of {currency}, {available} available"));
        }
        if reserved != 0 {
            wrong.push(format!("{reserved} minor units of {currency} are left reserved"));
        }
        *held.entry(currency.clone()).or_default() += holds;
        booked.insert(currency, holds);
    }
    let version = end.account.get("version").and_then(Value::as_u64).unwrap_or_default();
    match chain(&end.entries) {
        Err(reason) => wrong.push(reason),
        Ok((last, sums)) => {
            if last != version {
                wrong.push(format!("the passbook ends at version {last}, the account is at {version}"));
            }
            for (currency, sum) in sums {
                let holds = booked.get(&currency).copied().unwrap_or_default();
                if sum != holds {
                    wrong.push(format!(
                        "the passbook ends at {sum} minor units of {currency}, the account holds {holds}"
                    ));
                }
            }
        }
    }
    wrong
}

/// Walks a passbook from its beginning: the last version, and the balance of each currency.
fn chain(entries: &[Value]) -> Result<(u64, BTreeMap<String, i128>), String> {
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    let mut last = 0;
    for entry in entries.iter().rev() {
        let (version, (moved, currency), (after, _)) =
            read_entry(entry).ok_or_else(|| format!("an entry that cannot be read: {entry}"))?;
        if version != last + 1 {
            return Err(format!("version {version} follows version {last} in the passbook"));
        }
        let sum = sums.entry(currency.clone()).or_default();
        *sum += moved;
        if *sum != after || after < 0 {
            return Err(format!("version {version} leaves {after} minor units of {currency}, by its entries {sum}"));
        }
        last = version;
    }
    Ok((last, sums))
}

fn read_entry(entry: &Value) -> Option<(u64, Amount, Amount)> {
    let version = entry.get("version")?.as_u64()?;
    Some((version, amount(entry.get("amount")?)?, amount(entry.get("balance_after")?)?))
}

/// The passbook holds what was acknowledged and nothing else.
fn compare_passbook(end: &AccountEnd, acknowledged: &Acknowledged, wrong: &mut Vec<String>) {
    let mut told: BTreeMap<u64, (&str, &Amount, &Amount)> = BTreeMap::new();
    for movement in acknowledged.movements() {
        for leg in movement.legs.iter().filter(|leg| leg.account == end.id) {
            if told.insert(leg.version, (&movement.id, &leg.amount, &leg.balance_after)).is_some() {
                wrong.push(format!("{}: version {} was acknowledged twice", end.id, leg.version));
            }
        }
    }
    for entry in &end.entries {
        let Some((version, moved, after)) = read_entry(entry) else { continue }; // said by `chain`
        let id = entry.get("id").and_then(Value::as_str).unwrap_or_default();
        match told.remove(&version) {
            Some(found) if found == (id, &moved, &after) => {}
            Some((other, ..)) => {
                wrong
                    .push(format!("{}: version {version} is {id} in the passbook and was answered as {other}", end.id));
            }
            None => wrong.push(format!("{}: {id} at version {version} was never acknowledged", end.id)),
        }
    }
    for (version, (id, ..)) in told {
        wrong.push(format!("{}: {id} was acknowledged and is missing at version {version}", end.id));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn krw(amount: &str) -> Value {
        json!({"amount": amount, "currency": "KRW"})
    }

    fn entry(version: u64, id: &str, amount: &str, after: &str) -> Value {
        json!({"version": version, "id": id, "kind": "deposit", "amount": krw(amount), "balance_after": krw(after)})
    }

    fn deposit(version: u64, id: &str, amount: &str, after: &str) -> Value {
        json!({"id": id, "kind": if amount.starts_with('-') { "withdrawal" } else { "deposit" },
            "postings": [{"account_id": "acc_1", "version": version, "amount": krw(amount), "balance_after": krw(after)}]})
    }

    /// An account with a deposit of 100 and a withdrawal of 30, all of it acknowledged.
    fn good() -> (Household, Vec<Value>) {
        let account = json!({"version": 2, "balances": [
            {"currency": "KRW", "booked": krw("70"), "available": krw("70"), "reserved": krw("0")}]});
        let entries = vec![entry(2, "txn_2", "-30", "70"), entry(1, "txn_1", "100", "100")];
        let household = Household { accounts: vec![AccountEnd { id: "acc_1".into(), account, entries }] };
        (household, vec![deposit(1, "txn_1", "100", "100"), deposit(2, "txn_2", "-30", "70")])
    }

    fn judge(household: &Household, answers: &[Value]) -> String {
        let mut acknowledged = Acknowledged::default();
        answers.iter().for_each(|answer| acknowledged.note(answer));
        judge_ground(household, &acknowledged).join("; ")
    }

    #[test]
    fn a_good_household_is_sound_and_each_lie_is_found() {
        let (household, answers) = good();
        assert_eq!(judge(&household, &answers), "");
        // Lost: acknowledged, not in the passbook; and the reverse.
        assert!(judge(&household, &answers[..1]).contains("txn_2 at version 2 was never acknowledged"));
        let (mut household, answers) = good();
        household.accounts[0].entries.remove(0);
        let found = judge(&household, &answers);
        assert!(found.contains("the passbook ends at version 1, the account is at 2"), "{found}");
        assert!(found.contains("txn_2 was acknowledged and is missing at version 2"), "{found}");
        // A gap in the chain, a balance that does not follow.
        let (mut household, answers) = good();
        household.accounts[0].entries[0]["version"] = json!(3);
        assert!(judge(&household, &answers).contains("version 3 follows version 1"));
        let (mut household, answers) = good();
        household.accounts[0].entries[0]["balance_after"] = krw("71");
        assert!(judge(&household, &answers).contains("leaves 71 minor units of KRW, by its entries 70"));
        // Money from nowhere, money left reserved, a debt.
        let (mut household, answers) = good();
        household.accounts[0].account["balances"][0]["booked"] = krw("80");
        let found = judge(&household, &answers);
        assert!(found.contains("the customers hold 80 minor units of KRW, 70 were moved"), "{found}");
        let (mut household, answers) = good();
        household.accounts[0].account["balances"][0]["reserved"] = krw("5");
        household.accounts[0].account["balances"][0]["available"] = krw("-5");
        let found = judge(&household, &answers);
        assert!(found.contains("5 minor units of KRW are left reserved") && found.contains("-5 available"), "{found}");
    }
}
