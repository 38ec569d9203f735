//! Reads of lists: passbooks, exchanges, customers, rounds, the journal itself; and the word that the rates changed.
//!
//! They come from the store, not from the actors: a list is longer than what is in memory. A read sees everything that
//! was answered before it was asked: rounds, customers and the journal are what is committed; passbooks follow the
//! journal, so a read of one that lacks postings of its account waits until they have reached what was durable when it
//! was asked, for `PROJECTION_WAIT_MAX` at most.
//!
//! Bounds: each read passes the door and keeps its passage until it is answered; a page has at most [`PAGE_MAX`]
//! items, whatever was asked for. Nothing here asks whose a customer is: the caller does.

use std::{sync::Arc, time::Duration};

use hwan_domain::{
    currency::Currency,
    customer::CustomerState,
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
use crate::storage::{
    listing::{CustomerQuery, PassbookPage, PassbookQuery, RoundQuery},
    port::StoreError,
};
pub use crate::storage::{
    listing::{EntryKind, RoundPlace, Window},
    port::PassbookEntry,
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

/// Which customers are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerFilter {
    /// Only those of the channel of this name.
    pub channel: Option<Arc<str>>,
    /// Only those with exactly this reference.
    pub reference: Option<Arc<str>>,
}

/// A customer in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCustomer {
    /// The customer as committed.
    pub state: CustomerState,
    /// The record that opened it.
    pub opening: Arc<Record>,
}

/// A page of customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerPage {
    /// The customers, by id.
    pub customers: Vec<ListedCustomer>,
    /// The `after` of the next page; `None` after the last.
    pub next: Option<CustomerId>,
}

/// A page of a currency's rounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundPage {
    /// The rounds, newest first.
    pub rounds: Vec<Round>,
    /// The `before` of the next page; `None` after the last.
    pub next: Option<RoundPlace>,
}

impl Engine {
    /// A page of an account's passbook, as of now or later; empty for an account that is not there.
    pub async fn entries(&self, account: AccountId, page: Page) -> Result<EntryPage, Refusal> {
        let _passage = self.0.door.enter()?;
        let PassbookPage { entries, next } = self.passbook(account, page, None).await?;
        Ok(EntryPage { entries, next })
    }

    /// A page of an account's exchanges, as of now or later; empty for an account that is not there.
    pub async fn exchanges(&self, account: AccountId, page: Page) -> Result<RecordPage, Refusal> {
        let _passage = self.0.door.enter()?;
        let PassbookPage { entries, next } = self.passbook(account, page, Some(EntryKind::Exchange)).await?;
        let places: Vec<Position> = entries.iter().map(|entry| entry.position).collect();
        let records = self.0.common.store.records(&places).await.map_err(|error| unread(&error))?;
        Ok(RecordPage { records, next })
    }

    async fn passbook(&self, account: AccountId, page: Page, only: Option<EntryKind>) -> Result<PassbookPage, Refusal> {
        self.projected(account).await?;
        let Page { window, before, limit } = page;
        let query = PassbookQuery { account, window, only, before, limit: page_size(limit) };
        self.0.common.store.passbook_page(&query).await.map_err(|error| unread(&error))
    }

    /// Returns once an account's passbook has what is durable now.
    pub(super) async fn projected(&self, account: AccountId) -> Result<(), Refusal> {
        let Some(slot) = self.slot(account.lane()) else { return Ok(()) }; // a lane that is not there has no passbook either
        let Some(link) = slot.link.load_full() else { return Err(Refusal::NotDone(slot.why_closed())) };
        let durable = link.shared.durable();
        drop(link);
        // Most accounts had no posting since the last step: their lists need not make a step of their own.
        if slot.progress.seq() >= durable
            || self.0.common.store.passbook_is_current(account).await.map_err(|error| unread(&error))?
        {
            return Ok(());
        }
        tokio::time::timeout(PROJECTION_WAIT_MAX, slot.progress.reaches(durable))
            .await
            .map_err(|_| overloaded(Overload::ProjectionLag))
    }

    /// Returns once a lane's projections have this record and all before it, which are durable.
    pub(super) async fn projected_to(&self, lane: LaneId, seq: Seq) -> Result<(), Refusal> {
        let Some(slot) = self.slot(lane) else { return Ok(()) };
        tokio::time::timeout(PROJECTION_WAIT_MAX, slot.progress.reaches(seq))
            .await
            .map_err(|_| overloaded(Overload::ProjectionLag))
    }

    /// Gives the projections a moment to reach what is durable now: what they lack, the next start has to catch up.
    pub(super) async fn projections_follow(&self) {
        let all = async {
            for slot in &self.0.slots {
                if let Some(link) = slot.link.load_full() {
                    slot.progress.reaches(link.shared.durable()).await;
                }
            }
        };
        if tokio::time::timeout(PROJECTION_WAIT_MAX, all).await.is_err() {
            tracing::warn!("the projections lag behind the journal: the next start catches up");
        }
    }

    /// A page of customers in the order of their opening, lane by lane, as they stand; only those of a channel or of a
    /// reference, where one is given.
    pub async fn customers(
        &self,
        filter: CustomerFilter,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<CustomerPage, Refusal> {
        let _passage = self.0.door.enter()?;
        let limit = page_size(limit);
        let CustomerFilter { channel, reference } = filter;
        let query = CustomerQuery { channel, reference, after, limit: limit + 1 };
        let mut states = self.0.common.store.customers(&query).await.map_err(|error| unread(&error))?;
        let has_more = has_more(&mut states, limit);
        let next = states.last().map(|last| last.id).filter(|_| has_more);
        let places: Vec<Position> = states.iter().map(|state| state.id.position()).collect();
        let openings = self.0.common.store.records(&places).await.map_err(|error| unread(&error))?;
        // A customer is named by the record that opened it, and both were committed at once.
        let customers = states.into_iter().zip(openings).map(|(state, opening)| ListedCustomer { state, opening });
        Ok(CustomerPage { customers: customers.collect(), next })
    }

    /// A page of a currency's rounds as they stand, newest first; of one business date, or of all; below `before`.
    pub async fn rounds(
        &self,
        currency: Currency,
        date: Option<BusinessDate>,
        before: Option<RoundPlace>,
        limit: usize,
    ) -> Result<RoundPage, Refusal> {
        let _passage = self.0.door.enter()?;
        let limit = page_size(limit);
        let query = RoundQuery { currency, date, before, limit: limit + 1 };
        let mut rounds = self.0.common.store.rounds(&query).await.map_err(|error| unread(&error))?;
        let has_more = has_more(&mut rounds, limit);
        let next = rounds.last().map(|last| (last.id.date, last.id.number)).filter(|_| has_more);
        Ok(RoundPage { rounds, next })
    }

    /// Durable records of a lane after `after`, in order; none for a lane that is not there.
    pub async fn journal(&self, lane: LaneId, after: Seq, limit: usize) -> Result<Vec<Arc<Record>>, Refusal> {
        let _passage = self.0.door.enter()?;
        let Some(from) = after.next() else { return Ok(Vec::new()) };
        let rows = self.0.common.store.journal(lane, from, page_size(limit)).await.map_err(|error| unread(&error))?;
        Ok(rows.into_iter().map(|row| row.record).collect())
    }

    /// Says each time that the board was published anew, with the newest record of the system lane that it reflects; the
    /// board itself is read afterwards. Several changes may be said as one, and one may be said of a board that is the same.
    pub fn board_changes(&self) -> watch::Receiver<Seq> {
        self.0.common.board_seq.subscribe()
    }
}

/// How many items a page brings at most.
fn page_size(limit: usize) -> usize {
    limit.clamp(1, PAGE_MAX)
}

/// Whether there was one more than a page brings; it is taken off.
fn has_more<T>(found: &mut Vec<T>, limit: usize) -> bool {
    let has_more = found.len() > limit;
    found.truncate(limit);
    has_more
}

/// What a read that failed is told: nothing was changed, it may be tried again.
fn unread(error: &StoreError) -> Refusal {
    tracing::warn!(%error, "a list could not be read");
    Refusal::NotDone(NotDone::LaneClosed)
}
