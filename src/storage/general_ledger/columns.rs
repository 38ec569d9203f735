//! How the books lie in columns, the same in every store: entries packed into one, kinds as numbers, sums split in two.
//!
//! Entries are a JSON array of `[account, currency of the account or "", "D" or "C", currency, minor units]`, whole numbers and
//! codes, so that SQL can unpack them too (the view `v_entry`).

use std::fmt::Write as _;

use hwan_domain::{
    currency::{Currency, CurrencySet},
    ledger::{AccountCode, Chart, ChartAccount, Entries, Entry, EntrySide, JournalKind, LedgerAccount, Turnover},
    money::Money,
};

use crate::storage::port::StoreError;

/// What an entry takes, about, in bytes.
const ENTRY_BYTES: usize = 34;
/// Sums are read as two numbers, since one may not hold them: what is above this many minor units, and the rest.
pub(in crate::storage) const SUM_UNIT: i64 = 1_000_000_000;

/// The number under which a kind of journal is kept.
pub(in crate::storage) const fn kind_number(kind: JournalKind) -> u8 {
    match kind {
        JournalKind::Deposit => 1,
        JournalKind::Withdrawal => 2,
        JournalKind::Transfer => 3,
        JournalKind::Exchange => 4,
        JournalKind::Reversal => 5,
        JournalKind::Cover => 6,
        JournalKind::Interest => 7,
    }
}

/// The kind that is kept under a number.
pub(in crate::storage) fn kind_by_number(number: i64) -> Result<JournalKind, StoreError> {
    JournalKind::ALL
        .into_iter()
        .find(|kind| i64::from(kind_number(*kind)) == number)
        .ok_or_else(|| StoreError::Damaged(format!("{number} is no kind of journal")))
}

/// The currency that an account is of, as its column holds it.
pub(in crate::storage) fn of_column(account: &LedgerAccount) -> &str {
    account.of.as_ref().map_or("", Currency::code)
}

/// Entries as their column holds them.
pub(in crate::storage) fn write_entries(entries: &Entries) -> String {
    let mut text = String::with_capacity(2 + entries.len() * ENTRY_BYTES);
    write_entries_into(&mut text, entries);
    text
}

/// The same, after what a buffer holds.
pub(in crate::storage) fn write_entries_into(text: &mut String, entries: &Entries) {
    text.push('[');
    let begins = text.len();
    for Entry { account, side, amount } in entries {
        let side = match side {
            EntrySide::Debit => 'D',
            EntrySide::Credit => 'C',
        };
        // A string takes every write.
        let _ = write!(
            text,
            "{}[{},\"{}\",\"{side}\",\"{}\",{}]",
            if text.len() > begins { "," } else { "" },
            account.code.number(),
            of_column(account),
            amount.currency().code(),
            amount.minor()
        );
    }
    text.push(']');
}

/// Entries from their column.
pub(in crate::storage) fn read_entries(text: &str, currencies: &CurrencySet) -> Result<Entries, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("the stored entries {text:?} cannot be read: {what}"));
    let rows: Vec<(u32, &str, &str, &str, i64)> =
        serde_json::from_str(text).map_err(|error| damaged(&error.to_string()))?;
    rows.into_iter()
        .map(|(code, of, side, currency, minor)| {
            let currency = currencies.find(currency).ok_or_else(|| damaged("a currency that is not configured"))?;
            Ok(Entry {
                account: read_account(code, of, currencies)?,
                side: match side {
                    "D" => EntrySide::Debit,
                    "C" => EntrySide::Credit,
                    _ => return Err(damaged("a side that is none")),
                },
                amount: Money::from_minor(minor, currency).map_err(|error| damaged(&error.to_string()))?,
            })
        })
        .collect()
}

/// An account from its two columns.
pub(in crate::storage) fn read_account(
    code: u32,
    of: &str,
    currencies: &CurrencySet,
) -> Result<LedgerAccount, StoreError> {
    let code =
        AccountCode::new(code).ok_or_else(|| StoreError::Damaged(format!("{code} is no number of an account")))?;
    let of =
        match of {
            "" => None,
            of => Some(currencies.find(of).ok_or_else(|| {
                StoreError::Damaged(format!("stored currency {of:?} is not among the configured ones"))
            })?),
        };
    Ok(LedgerAccount { code, of })
}

/// A side of a turnover, for a column of 64 bits.
pub(in crate::storage) fn narrow(minor: i128) -> Result<i64, StoreError> {
    i64::try_from(minor).map_err(|_| {
        StoreError::Damaged(format!("a turnover of {minor} minor units on one day is more than its column can hold"))
    })
}

/// A sum from its two numbers.
pub(in crate::storage) fn whole_sum(above: i64, rest: i64) -> i128 {
    i128::from(above) * i128::from(SUM_UNIT) + i128::from(rest)
}

/// Both sides from the two numbers of each.
pub(in crate::storage) fn whole_turnover(debit: (i64, i64), credit: (i64, i64)) -> Turnover {
    Turnover { debit: whole_sum(debit.0, debit.1), credit: whole_sum(credit.0, credit.1) }
}

/// Refuses a chart by which stored turnovers would mean something else: a role that had another number.
pub(in crate::storage) fn same_chart(chart: &Chart, code: u32, role: &str) -> Result<(), StoreError> {
    let kept = AccountCode::new(code).and_then(|code| chart.role(code));
    if kept.is_some_and(|kept| kept.as_str() == role) {
        return Ok(());
    }
    Err(StoreError::Unsafe(format!(
        "the books were kept with account {code} as {role}, the chart of accounts says otherwise: give it that number again"
    )))
}

/// Refuses columns of hashes that are none.
pub(in crate::storage) fn read_trail(bytes: &[u8]) -> Result<Vec<[u8; 32]>, StoreError> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if rest.is_empty() { Ok(hashes.to_vec()) } else { Err(StoreError::Damaged("a trail of hashes is cut".into())) }
}

/// What the view of accounts shows of a line of the chart.
pub(in crate::storage) fn chart_columns(account: &ChartAccount) -> (u32, &str, &str, &str) {
    (account.code.number(), account.name.as_str(), account.class.as_str(), account.role.as_str())
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use smallvec::smallvec;

    use super::*;
    use crate::storage::conformance::fixture::{currencies, currency, money};

    #[test]
    fn entries_come_back_as_they_were_and_what_is_none_is_damaged() {
        let account = |code, of| LedgerAccount { code: AccountCode::new(code).unwrap(), of };
        let usd = currency("USD");
        let entries: Entries = smallvec![
            Entry { account: account(2010, None), side: EntrySide::Debit, amount: money("135050", "KRW") },
            Entry { account: account(1901, Some(usd)), side: EntrySide::Credit, amount: money("135050", "KRW") },
        ];
        let text = write_entries(&entries);
        assert_eq!(text, r#"[[2010,"","D","KRW",135050],[1901,"USD","C","KRW",135050]]"#);
        assert_eq!(read_entries(&text, &currencies()).unwrap(), entries);
        for (from, to) in [("2010", "0"), ("\"D\"", "\"E\""), ("\"KRW\"", "\"XXX\""), ("USD", "XXX"), ("135050", "1.5")]
        {
            let wrong = text.replacen(from, to, 1);
            assert!(matches!(read_entries(&wrong, &currencies()), Err(StoreError::Damaged(_))), "{wrong}");
        }
    }

    #[test]
    fn kinds_and_sums_come_back() {
        for kind in JournalKind::ALL {
            assert_eq!(kind_by_number(kind_number(kind).into()).unwrap(), kind);
        }
        assert!(kind_by_number(0).is_err() && kind_by_number(8).is_err());
        assert_eq!(whole_sum(12, 345), 12_000_000_345);
        assert!(narrow(i128::from(i64::MAX) + 1).is_err());
        assert!(read_trail(&[0; 64]).is_ok_and(|hashes| hashes.len() == 2) && read_trail(&[0; 33]).is_err());
    }
}
