//! What the projections are made of: the legs of records, and the last one of each day.

use std::{collections::BTreeMap, sync::Arc};

use hwan_domain::{
    currency::Currency,
    id::AccountId,
    record::{Leg, Record},
    time::BusinessDate,
};

use super::{listing::EntryKind, port::StoreError};

/// A leg of a record, and what the record did.
pub(super) type Posting<'a> = (&'a Record, EntryKind, &'a Leg);

/// What records did to accounts, by account and version: neighbours share pages.
pub(super) fn postings(records: &[Arc<Record>]) -> Result<Vec<Posting<'_>>, StoreError> {
    let mut postings = Vec::with_capacity(records.len().saturating_mul(2));
    for record in records {
        let mut legs = record.event.legs().peekable();
        if legs.peek().is_some() {
            let kind = EntryKind::of_posting(&record.event)?;
            postings.extend(legs.map(|leg| (&**record, kind, leg)));
        }
    }
    postings.sort_by_key(|(_, _, leg)| (leg.account, leg.version));
    Ok(postings)
}

/// Of which row of the daily balances.
pub(super) type DayKey = (AccountId, Currency, BusinessDate);

/// The last leg of each account, currency and date.
pub(super) fn closings<'a>(postings: &[Posting<'a>]) -> BTreeMap<DayKey, &'a Leg> {
    // Sorted by version within an account: a later one takes an earlier one's place.
    postings.iter().map(|(record, _, leg)| ((leg.account, leg.amount.currency(), record.business_date), *leg)).collect()
}
