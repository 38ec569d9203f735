//! One account alone, posting by posting: every entry of its passbook against the record that it names. Nothing else is read, so it
//! takes no longer than its passbook is long.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use hwan_domain::{
    currency::{Currency, CurrencySet},
    id::{AccountId, Seq},
    money::Money,
    reconciliation::Movement,
};

use crate::storage::{
    codec::{self, Skimmer},
    port::{PassbookEntry, StoreError},
    reconciliation::port::ReconciliationReads,
};

/// Entries that one read brings.
const ENTRIES_PER_PAGE: usize = 1_000;

/// What was seen of an account.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which.
    pub account: AccountId,
    /// Its entries, each with what is wrong with it.
    pub entries: Vec<(PassbookEntry, Option<String>)>,
    /// What it holds by them.
    pub balances: BTreeMap<Currency, Money>,
}

impl Seen {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.entries.iter().all(|(_, wrong)| wrong.is_none())
    }
}

/// Looks at an account.
pub async fn look(
    reads: &mut dyn ReconciliationReads,
    account: AccountId,
    currencies: &CurrencySet,
) -> Result<Seen, StoreError> {
    let mut seen = Seen { account, entries: Vec::new(), balances: BTreeMap::new() };
    let mut skimmer = Skimmer::new(currencies);
    let mut version = 0;
    loop {
        let page = reads.entries(account, version, ENTRIES_PER_PAGE).await?;
        let Some(last) = page.last().map(|entry| entry.version) else { return Ok(seen) };
        for entry in page {
            let wrong = wrong(reads, &mut skimmer, currencies, &seen, version, &entry).await?;
            version = entry.version;
            seen.balances.insert(entry.amount.currency(), entry.balance_after);
            seen.entries.push((entry, wrong));
        }
        version = last;
    }
}

async fn wrong(
    reads: &mut dyn ReconciliationReads,
    skimmer: &mut Skimmer,
    currencies: &CurrencySet,
    seen: &Seen,
    before: u64,
    entry: &PassbookEntry,
) -> Result<Option<String>, StoreError> {
    let currency = entry.amount.currency();
    let balance = seen.balances.get(&currency).copied().unwrap_or(Money::zero(currency));
    if before.checked_add(1) != Some(entry.version) {
        return Ok(Some(format!("version {} is missing before it", before.saturating_add(1))));
    }
    if balance.checked_add(entry.amount) != Ok(entry.balance_after) {
        return Ok(Some(format!("{:?} does not lead from {balance:?} to {:?}", entry.amount, entry.balance_after)));
    }
    let (lane, seq) = (entry.position.lane(), entry.position.seq());
    let after = seq.number().checked_sub(1).and_then(Seq::new).unwrap_or(Seq::ZERO);
    let page = reads.journal(lane, after, seq, 1).await?;
    let Some((_, text)) = page.iter().next() else {
        return Ok(Some("its record is not in the journal; it may have been exported and deleted".to_owned()));
    };
    let movement = match skimmer.read(text) {
        Some(movement) => movement,
        None => match codec::decode(text, currencies) {
            Ok(record) => Movement::from(&record),
            Err(error) => return Ok(Some(error.to_string())),
        },
    };
    let Some(leg) = movement.legs.iter().find(|leg| leg.account == seen.account && leg.version == entry.version) else {
        return Ok(Some("its record posts nothing to this version of the account".to_owned()));
    };
    let same = (leg.amount, leg.balance_after) == (entry.amount, entry.balance_after)
        && (movement.event.at, movement.event.business_date) == (entry.at, entry.business_date);
    Ok((!same).then(|| format!("its record says {:?} to {:?}", leg.amount, leg.balance_after)))
}

/// Tells it.
pub fn write(seen: &Seen, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "account {}, {} entries", seen.account, seen.entries.len())?;
    for (entry, wrong) in &seen.entries {
        writeln!(
            out,
            "{:>8}  {}  {}  record {:?}  {:?} to {:?}{}",
            entry.version,
            entry.business_date,
            entry.at,
            entry.position,
            entry.amount,
            entry.balance_after,
            wrong.as_ref().map_or_else(String::new, |wrong| format!("\n          WRONG {wrong}"))
        )?;
    }
    for balance in seen.balances.values() {
        writeln!(out, "holds {balance:?}")?;
    }
    match seen.entries.iter().filter(|(_, wrong)| wrong.is_some()).count() {
        0 => writeln!(out, "every entry is what its record posted"),
        count => writeln!(out, "{count} entries are WRONG"),
    }
}
