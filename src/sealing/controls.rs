//! What all accounts of a lane held together when a day ended, as the lane itself carried it forward: each record that moves money says
//! it of the currencies that moved. Of a currency that did not move on the day an earlier record says it, or the day before as it
//! was exported.

use std::collections::{BTreeMap, BTreeSet};

use hwan_domain::{
    currency::{Currency, CurrencySet},
    id::Seq,
    record::Record,
    time::BusinessDate,
};
use hwan_sealed::{Place, day};

use super::{SealingError, bounds::LaneDay, export::hex};
use crate::storage::port::LedgerStore;

/// Records that one read of the journal brings.
const READ_RECORDS_MAX: u64 = 4_096;

/// Totals by currency, in minor units; those of zero are left out in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals(BTreeMap<Currency, i128>);

impl Totals {
    /// Follows a record, from the day's first to its last.
    pub(super) fn follow(&mut self, record: &Record) {
        self.0.extend(record.totals.iter().map(|total| (total.currency, total.minor)));
    }

    /// By currency, those that are not zero.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Currency, i128)> {
        self.0.iter().filter(|(_, minor)| **minor != 0).map(|(currency, minor)| (*currency, *minor))
    }

    /// Learns of the currencies that accounts hold and that did not move on the day.
    pub(super) async fn complete(
        &mut self,
        store: &dyn LedgerStore,
        place: &Place,
        currencies: &CurrencySet,
        (date, lane): (BusinessDate, &LaneDay),
        held: &BTreeSet<Currency>,
    ) -> Result<(), SealingError> {
        let mut wanted: BTreeSet<Currency> = held.iter().filter(|of| !self.0.contains_key(of)).copied().collect();
        if wanted.is_empty() {
            return Ok(());
        }
        // The day before, where it ended with the very record that this day follows.
        let yesterday = BusinessDate::from_days(date.days().saturating_sub(1));
        let before = day::manifest(place, &yesterday.to_string()).await?;
        let number = lane.lane.number();
        let ended = before
            .as_ref()
            .and_then(|manifest| manifest.lane(number))
            .filter(|of| of.last_seq == lane.after.0.number() && of.last_hash == hex(&lane.after.1.0));
        if let Some(ended) = ended {
            for total in &ended.totals {
                if let (Some(currency), Ok(minor)) = (currencies.find(&total.currency), total.minor.parse())
                    && wanted.remove(&currency)
                {
                    self.0.insert(currency, minor);
                }
            }
            return Ok(());
        }
        let begins = store.journal_begins(lane.lane).await?.0.number();
        let mut end = lane.after.0.number();
        while end > begins && !wanted.is_empty() {
            let from = end.saturating_sub(READ_RECORDS_MAX - 1).max(begins + 1);
            let limit = usize::try_from(end + 1 - from).unwrap_or(usize::MAX);
            let rows = store.journal(lane.lane, Seq::new(from).unwrap_or_default(), limit).await?;
            for row in rows.iter().rev() {
                for total in &row.record.totals {
                    if wanted.remove(&total.currency) {
                        self.0.insert(total.currency, total.minor);
                    }
                }
            }
            end = from - 1;
        }
        match (begins, wanted.first()) {
            (1.., Some(currency)) => Err(SealingError::NotSealed {
                date,
                reason: format!(
                    "what lane {number} holds of {currency} cannot be known: the journal before was deleted, and {yesterday} does not lie at the same place"
                ),
            }),
            // No record ever moved it: the checks will say that accounts hold it all the same.
            _ => Ok(()),
        }
    }
}
