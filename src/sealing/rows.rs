//! A record as rows: of the journal, and of its legs.

use hwan_domain::{
    exchange::{Side, Terms},
    id::CustomerId,
    record::{Event, Leg, Record},
};
use hwan_sealed::{
    SealedError, TableFile,
    row::{EntryRow, RecordRow, TermsRow},
};

use crate::storage::port::{ChainHash, JournalRow};

/// Writes a record.
pub(super) async fn push_record(
    file: &mut TableFile,
    row: &JournalRow,
    previous: ChainHash,
) -> Result<(), SealedError> {
    let record = row.record.as_ref();
    let customer = match &record.event {
        Event::CustomerOpened { .. } => Some(CustomerId::at(record.position)),
        event => event.customer(),
    };
    let customer = customer.map(|customer| customer.to_string());
    let row = RecordRow {
        seq: whole(record.position.seq().number()),
        kind: record.event.name(),
        at: record.at.micros(),
        caller: &record.origin.caller,
        customer: customer.as_deref(),
        body: &row.body,
        hash: row.hash.0,
        previous_hash: previous.0,
    };
    file.push(&row).await
}

/// Writes a record's legs.
pub(super) async fn push_entries(file: &mut TableFile, record: &Record) -> Result<(), SealedError> {
    let terms = match &record.event {
        Event::Exchanged { terms, .. } | Event::Reversed { terms, .. } => Some(TermsText::of(terms)),
        _ => None,
    };
    for (leg, place) in record.event.legs().zip(1..) {
        push_entry(file, record, leg, place, terms.as_ref()).await?;
    }
    Ok(())
}

async fn push_entry(
    file: &mut TableFile,
    record: &Record,
    leg: &Leg,
    place: i32,
    terms: Option<&TermsText>,
) -> Result<(), SealedError> {
    let (account, customer) = (leg.account.to_string(), leg.customer.to_string());
    let currency = leg.amount.currency();
    let row = EntryRow {
        seq: whole(record.position.seq().number()),
        leg: place,
        kind: record.event.name(),
        side: if leg.amount.is_negative() { "debit" } else { "credit" },
        account: &account,
        customer: &customer,
        currency: currency.code(),
        amount_minor: leg.amount.minor(),
        balance_after_minor: leg.balance_after.minor(),
        version: whole(leg.version),
        terms: terms.map(TermsText::row),
    };
    file.push(&row).await
}

/// Terms as text, rates exact.
struct TermsText {
    side: &'static str,
    currency: String,
    round: String,
    mid: String,
    rate: String,
    unit: i32,
}

impl TermsText {
    fn of(terms: &Terms) -> Self {
        Self {
            side: match terms.side {
                Side::Buy => "buy",
                Side::Sell => "sell",
            },
            currency: terms.currency.code().to_owned(),
            round: terms.round.to_string(),
            mid: terms.mid.value().to_string(),
            rate: terms.rate.value().to_string(),
            unit: i32::try_from(terms.rate.unit()).unwrap_or(i32::MAX),
        }
    }

    fn row(&self) -> TermsRow<'_> {
        TermsRow {
            side: self.side,
            currency: &self.currency,
            round: &self.round,
            mid: &self.mid,
            rate: &self.rate,
            unit: self.unit,
        }
    }
}

/// Sequence numbers and versions are far below what a signed number holds.
pub(super) fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
