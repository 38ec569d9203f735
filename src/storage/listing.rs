//! Lists: what of a passbook, of the customers and of the rounds is asked for, and what a page of it is.
//!
//! A page is asked for by where the one before it ended, never by a number of rows to skip: so pages join up without gap
//! or repeat while the list grows, and the last page costs what the first one does. How much one page looks at is
//! bounded, whatever is asked.

use std::sync::Arc;

use hwan_domain::{
    currency::Currency,
    id::{AccountId, CustomerId},
    record::Event,
    time::{BusinessDate, Timestamp},
};

use super::port::{PassbookEntry, StoreError};

/// Entries that one page of a passbook looks at, and brings, at most: two thousand are read in a few milliseconds.
pub const ENTRIES_PER_PAGE_MAX: u64 = 2_000;

/// What a record did to an account: which list it belongs to, and what its id is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// A side of an exchange.
    Exchange,
    /// Money came in from outside.
    Deposit,
    /// Money went out.
    Withdrawal,
    /// A side of a transfer.
    Transfer,
    /// A side of the reversal of an exchange.
    Reversal,
    /// Interest was paid.
    Interest,
}

impl EntryKind {
    const ALL: [EntryKind; 6] = [
        EntryKind::Exchange,
        EntryKind::Deposit,
        EntryKind::Withdrawal,
        EntryKind::Transfer,
        EntryKind::Reversal,
        EntryKind::Interest,
    ];

    /// Of an event that moves money; `None` for any other.
    pub fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Exchanged { .. } => Some(EntryKind::Exchange),
            Event::Deposited { .. } => Some(EntryKind::Deposit),
            Event::Withdrawn { .. } => Some(EntryKind::Withdrawal),
            Event::Transferred { .. } => Some(EntryKind::Transfer),
            Event::Reversed { .. } => Some(EntryKind::Reversal),
            Event::InterestPaid { .. } => Some(EntryKind::Interest),
            Event::CustomerOpened { .. }
            | Event::AccountOpened { .. }
            | Event::AccountFactStated { .. }
            | Event::AccountClosed { .. }
            | Event::CustomerFactStated { .. }
            | Event::DateRolled { .. }
            | Event::RoundPublished { .. }
            | Event::RoundRefused { .. }
            | Event::RoundVoided { .. }
            | Event::PairHalted { .. }
            | Event::PairResumed { .. }
            | Event::Covered { .. } => None,
        }
    }

    /// The same, of a record that moved money on an account: without a kind it can't be listed.
    pub(super) fn of_posting(event: &Event) -> Result<Self, StoreError> {
        Self::of(event).ok_or_else(|| StoreError::Damaged(format!("{} moves money and has no kind", event.name())))
    }

    /// The number under which a store keeps it.
    pub const fn number(self) -> u8 {
        match self {
            EntryKind::Exchange => 1,
            EntryKind::Deposit => 2,
            EntryKind::Withdrawal => 3,
            EntryKind::Transfer => 4,
            EntryKind::Reversal => 5,
            EntryKind::Interest => 6,
        }
    }

    /// By the number under which a store keeps it.
    pub fn by_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            EntryKind::Exchange => "exchange",
            EntryKind::Deposit => "deposit",
            EntryKind::Withdrawal => "withdrawal",
            EntryKind::Transfer => "transfer",
            EntryKind::Reversal => "reversal",
            EntryKind::Interest => "interest",
        }
    }
}

/// A window of time: `from` ≤ instant < `to`; open where an end is absent, empty where they cross.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first instant that belongs to it.
    pub from: Option<Timestamp>,
    /// The first instant after it.
    pub to: Option<Timestamp>,
}

/// A page of an account's passbook, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassbookQuery {
    /// The account.
    pub account: AccountId,
    /// When the entries were made.
    pub window: Window,
    /// Only entries of this kind.
    pub only: Option<EntryKind>,
    /// Only entries of a version below this one: where the page before ended.
    pub before: Option<u64>,
    /// How many entries at most, at least one, at most [`ENTRIES_PER_PAGE_MAX`].
    pub limit: usize,
}

/// What a page of a passbook holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassbookPage {
    /// The entries, newest first. A page that had to look at [`ENTRIES_PER_PAGE_MAX`] may hold fewer than were asked
    /// for, even none, and yet not be the last.
    pub entries: Vec<PassbookEntry>,
    /// Below which version the next page begins; `None` after the last.
    pub next: Option<u64>,
}

impl PassbookQuery {
    /// How many entries at most.
    pub(super) fn entries_max(&self) -> usize {
        self.limit.clamp(1, usize::try_from(ENTRIES_PER_PAGE_MAX).unwrap_or(usize::MAX))
    }

    /// The versions that the page looks at, where the window has those from `first` to below `end`.
    pub(super) fn looked_at(&self, first: u64, end: u64) -> std::ops::Range<u64> {
        let end = self.before.map_or(end, |before| before.min(end)).max(first);
        first.max(end.saturating_sub(ENTRIES_PER_PAGE_MAX))..end
    }

    /// The page, of what was found in `looked_at`, newest first and at least one more than fits, where there is one.
    pub(super) fn page(
        &self,
        mut found: Vec<PassbookEntry>,
        first: u64,
        looked_at: &std::ops::Range<u64>,
    ) -> PassbookPage {
        let has_more = found.len() > self.entries_max();
        found.truncate(self.entries_max());
        let next = match found.last() {
            Some(last) if has_more => Some(last.version),
            _ => Some(looked_at.start).filter(|start| *start > first),
        };
        PassbookPage { entries: found, next }
    }
}

/// Customers, by id: in the order in which they were opened, lane by lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerQuery {
    /// Only those of this channel.
    pub channel: Option<Arc<str>>,
    /// Only those with exactly this reference.
    pub reference: Option<Arc<str>>,
    /// Only those after this one: where the page before ended.
    pub after: Option<CustomerId>,
    /// How many at most.
    pub limit: usize,
}

/// Which round of a currency, as lists order them: by business date, then by number.
pub type RoundPlace = (BusinessDate, u32);

/// Rounds of a currency, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundQuery {
    /// The foreign currency.
    pub currency: Currency,
    /// Only those of this business date.
    pub date: Option<BusinessDate>,
    /// Only those before this one: where the page before ended.
    pub before: Option<RoundPlace>,
    /// How many at most.
    pub limit: usize,
}
