//! Redelivery: what could not be posted is tried again, by command.
//!
//! A record is posted on the business date that it belongs to, as if it had been posted in its place, and the control accounts are
//! compared again from the next record on. Doing it twice posts once. What still cannot be posted stays, with its reason of today;
//! strays are no records and stay too. Nothing is posted on a day that was over at the record's place, or is closed: a day cannot be
//! closed while a record of it waits here, so that is a record whose date goes back.

use hwan_domain::{
    id::{LaneId, Position},
    ledger::{Chart, post},
    time::Timestamp,
};

use super::event_reader::EventReader;
use crate::storage::{
    general_ledger::port::{DEAD_LETTERS_PER_PAGE_MAX, DeadLetter, DeadLetterKind, GeneralLedger, Redelivery},
    port::StoreError,
};

/// What redelivering came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redelivered {
    /// What was posted now.
    pub posted: Vec<Position>,
    /// What still cannot be, and why.
    pub left: Vec<(Position, String)>,
}

/// Tries to post what could not be posted, of a lane or of all.
pub async fn redeliver(
    ledger: &dyn GeneralLedger,
    chart: &Chart,
    reader: &EventReader,
    lane: Option<LaneId>,
    now: Timestamp,
) -> Result<Redelivered, StoreError> {
    let mut redelivered = Redelivered::default();
    let mut after = None;
    loop {
        let letters = ledger.dead_letters(lane, after, DEAD_LETTERS_PER_PAGE_MAX).await?;
        let Some(last) = letters.last() else { return Ok(redelivered) };
        after = Some(last.position);
        for letter in &letters {
            match judge(letter, chart, reader, now) {
                Ok(redelivery) => match ledger.redeliver(&redelivery).await {
                    Ok(true) => {
                        tracing::info!(position = ?letter.position, "a record that could not be posted was redelivered");
                        redelivered.posted.push(letter.position);
                    }
                    Ok(false) => {} // somebody else has done it
                    Err(error @ StoreError::DayOver(_)) => redelivered.left.push((letter.position, error.to_string())),
                    Err(error) => return Err(error),
                },
                Err(reason) => redelivered.left.push((letter.position, reason)),
            }
        }
    }
}

fn judge(letter: &DeadLetter, chart: &Chart, reader: &EventReader, now: Timestamp) -> Result<Redelivery, String> {
    if letter.kind == DeadLetterKind::Stray {
        return Err(letter.reason.clone());
    }
    let event = reader.read(&letter.body).map_err(|error| error.to_string())?;
    if event.position != letter.position {
        return Err(format!("the text is that of {:?}", event.position));
    }
    let journal = post(chart, &event).map_err(|error| error.to_string())?;
    let lines = journal.as_ref().map(|journal| journal.lines(chart)).unwrap_or_default();
    Ok(Redelivery { position: letter.position, business_date: event.business_date, journal, lines, at: now })
}
