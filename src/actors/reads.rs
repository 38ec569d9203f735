//! Reads of lists: passbooks, exchanges, customers, rounds, the journal itself; and the word that the rates changed.
//!
//! They come from the store, not from the actors: a list is longer than what is in memory. A read sees everything that
//! was answered before it was asked: rounds, customers and the journal are what is committed; passbooks follow the
//! journal, so a read of one waits until they have reached what was durable when it was asked, for
//! [`PROJECTION_WAIT_MAX`] at most.
//!
//! Bounds: each read passes the door and keeps its passage until it is answered; a page has at most [`PAGE_MAX`]
//! items, whatever was asked for. Nothing here asks whose a customer is: the caller does.

use std::{sync::Arc, time::Duration};

use hwan_domain::{
    currency::Currency,
    id::{AccountId, CustomerId, LaneId, Position, Seq},
    record::Record,
    round::Round,
    time::BusinessDate,
};
use tokio::sync::watch;

use super::{
    command::{NotDone, Overload, Refusal},
    door::overloaded,
    engine::Engine,
};
pub use crate::storage::{
    listing::{CustomerListed, EntryKind, RoundPlace, Window},
    port::PassbookEntry,
};
use crate::storage::{
    listing::{CustomerQuery, PassbookPage, PassbookQuery, RoundQuery},
    port::StoreError,
};

/// Items that a page brings at most.
pub const PAGE_MAX: usize = 1_000;
/// How long a read waits for the projections to reach what was durable when it was asked.
const PROJECTION_WAIT_MAX: Duration = Duration::from_secs(2);

/// What of an account's passbook is asked for, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// When the entries were made; open at both ends for all.
    pub window: Window,
    /// Only entries whose version of the account is below this one: the `next` of the page before.
    pub before: Option<u64>,
    /// How many at most, 1 to [`PAGE_MAX`].
    pub limit: usize,
}

/// Which customers are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerFilter {
    /// Only those with exactly this reference.
    pub reference: Option<Box<str>>,
    /// Only those that belong to this channel.
    pub channel: Option<Arc<str>>,
}

/// A page of an account's passbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPage {
    /// The entries, newest first.
    pub entries: Vec<PassbookEntry>,
    /// The `before` of the next page; `None` after the last.
    pub next: Option<u64>,
}

/// A page of records of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPage {
    /// The records, newest first. There may be fewer than were asked for, even none, where few of an account's many
    /// entries are of the kind, and yet another page.
    pub records: Vec<Arc<Record>>,
    /// The `before` of the next page; `None` after the last.
    pub next: Option<u64>,
}

impl Engine {
    /// A page of an account's passbook, as of now or later; empty for an account that is not there.
    pub async fn entries(&self, account: AccountId, page: Page) -> Result<EntryPage, Refusal> {
        let _passage = self.enter()?;
        let PassbookPage { entries, next } = self.passbook(account, page, None).await?;
        Ok(EntryPage { entries, next })
    }

    /// A page of an account's exchanges, as of now or later; empty for an account that is not there.
    pub async fn exchanges(&self, account: AccountId, page: Page) -> Result<RecordPage, Refusal> {
        let _passage = self.enter()?;
        let PassbookPage { entries, next } = self.passbook(account, page, Some(EntryKind::Exchange)).await?;
        let places: Vec<Position> = entries.iter().map(|entry| entry.position).collect();
        let records = self.common().store.records(&places).await.map_err(|error| unread(&error))?;
        Ok(RecordPage { records, next })
    }

    async fn passbook(&self, account: AccountId, page: Page, only: Option<EntryKind>) -> Result<PassbookPage, Refusal> {
        self.projected(account.lane()).await?;
        let Page { window, before, limit } = page;
        let query = PassbookQuery { account, window, only, before, limit: limit.min(PAGE_MAX) };
        self.common().store.passbook_page(&query).await.map_err(|error| unread(&error))
    }

    /// Returns once a lane's projections have reached what is durable now.
    async fn projected(&self, lane: LaneId) -> Result<(), Refusal> {
        let Some(slot) = self.slot(lane) else { return Ok(()) }; // a lane that is not there has no passbook either
        let Some(link) = slot.link.load_full() else { return Err(Refusal::NotDone(slot.why_closed())) };
        let durable = link.shared.durable();
        drop(link);
        tokio::time::timeout(PROJECTION_WAIT_MAX, slot.progress.reaches(durable))
            .await
            .map_err(|_| overloaded(Overload::ProjectionLag))
    }

    /// Customers, by id; after `after`, and as the filter says.
    pub async fn customers(
        &self,
        filter: CustomerFilter,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<CustomerListed>, Refusal> {
        let _passage = self.enter()?;
        let CustomerFilter { reference, channel } = filter;
        let query = CustomerQuery { reference, channel, after, limit: limit.min(PAGE_MAX) };
        self.common().store.customers(&query).await.map_err(|error| unread(&error))
    }

    /// A currency's rounds as they stand, newest first; of one business date, or of all; below `before`.
    pub async fn rounds(
        &self,
        currency: Currency,
        date: Option<BusinessDate>,
        before: Option<RoundPlace>,
        limit: usize,
    ) -> Result<Vec<Round>, Refusal> {
        let _passage = self.enter()?;
        let query = RoundQuery { currency, date, before, limit: limit.min(PAGE_MAX) };
        self.common().store.rounds(&query).await.map_err(|error| unread(&error))
    }

    /// Durable records of a lane after `after`, in order; none for a lane that is not there.
    pub async fn journal(&self, lane: LaneId, after: Seq, limit: usize) -> Result<Vec<Arc<Record>>, Refusal> {
        let _passage = self.enter()?;
        let Some(from) = after.next() else { return Ok(Vec::new()) };
        let rows =
            self.common().store.journal(lane, from, limit.min(PAGE_MAX)).await.map_err(|error| unread(&error))?;
        Ok(rows.into_iter().map(|row| row.record).collect())
    }

    /// Says each time that the board was published anew, with the newest record of the system lane that it reflects; the
    /// board itself is read afterwards. Several changes may be said as one, and one may be said of a board that is the same.
    pub fn board_changes(&self) -> watch::Receiver<Seq> {
        self.common().board_seq.subscribe()
    }
}

/// What a read that failed is told: nothing was changed, it may be tried again.
fn unread(error: &StoreError) -> Refusal {
    tracing::warn!(%error, "a list could not be read");
    Refusal::NotDone(NotDone::LaneClosed)
}
