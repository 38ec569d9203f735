//! The balances of a customer in one column: a JSON array of `[account, currency, minor units, version]`, whole numbers all, so
//! that it stays exact in SQL too (the view `balance`).

use std::fmt::Write as _;

use hwan_domain::{
    account::Balance,
    currency::CurrencySet,
    id::{AccountId, Position},
    money::Money,
};

use crate::storage::port::StoreError;

/// As the column holds them.
pub(super) fn write(balances: &[(AccountId, Balance)]) -> String {
    let mut text = String::with_capacity(2 + balances.len() * 48);
    text.push('[');
    for (account, Balance { amount, version }) in balances {
        // A string takes every write.
        let _ = write!(
            text,
            "{}[{},\"{}\",{},{version}]",
            if text.len() > 1 { "," } else { "" },
            account.position().packed(),
            amount.currency().code(),
            amount.minor()
        );
    }
    text.push(']');
    text
}

/// From the column, in the order of account and currency code.
pub(super) fn read(text: &str, currencies: &CurrencySet) -> Result<Vec<(AccountId, Balance)>, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("the stored balances {text:?} cannot be read: {what}"));
    let rows: Vec<(i64, &str, i64, u64)> = serde_json::from_str(text).map_err(|error| damaged(&error.to_string()))?;
    let mut balances = rows
        .into_iter()
        .map(|(account, code, minor, version)| {
            let account = Position::from_packed(account).map(AccountId::at).ok_or_else(|| damaged("no account"))?;
            let currency = currencies.find(code).ok_or_else(|| damaged("a currency that is not configured"))?;
            let amount = Money::from_minor(minor, currency).map_err(|error| damaged(&error.to_string()))?;
            Ok((account, Balance { amount, version }))
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    balances.sort_by(|(one, held), (other, also)| {
        (*one, held.amount.currency().code()).cmp(&(*other, also.amount.currency().code()))
    });
    Ok(balances)
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use hwan_domain::id::LaneId;

    use super::*;
    use crate::storage::conformance::fixture::{currencies, money, seq};

    #[test]
    fn balances_come_back_exactly_and_in_order() {
        let account = |number| AccountId::at(Position::new(LaneId::FIRST, seq(number)));
        let balance = |text, code, version| Balance { amount: money(text, code), version };
        let held = [
            (account(3), balance("100.05", "USD", 7)),
            (account(2), balance("99999999999999999", "KRW", 12)),
            (account(3), balance("0.00", "EUR", 5)),
        ];
        let text = write(&held);
        assert!(text.starts_with("[[281474976710659,\"USD\",10005,7],"), "{text}");
        assert_eq!(read(&text, &currencies()).unwrap(), [held[1], held[2], held[0]]);
        assert_eq!((write(&[]).as_str(), read("[]", &currencies()).unwrap().len()), ("[]", 0));
        for wrong in ["", "{}", "[[1,\"USD\",1.5,1]]", "[[1,\"XXX\",1,1]]", "[[-1,\"USD\",1,1]]", "[[1,\"USD\",1,-1]]"]
        {
            assert!(matches!(read(wrong, &currencies()), Err(StoreError::Damaged(_))), "{wrong}");
        }
    }
}
