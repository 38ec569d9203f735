//! What an account held, at an instant or at the end of a business date; and its statement between two dates.
//!
//! All of it comes from the passbook and the daily balances, once they have reached what was durable when it was asked. A business
//! date's end is exact in the lane's order: a posting belongs to the date that its record bears, whatever its instant is. Of an
//! instant, the postings up to a version are found by halves (instants never decrease), and the balances at a version are the daily
//! rows of the date before that version's date, with the postings of its own date over them.
//!
//! Bounds: a statement has at most [`POSTINGS_MAX`] postings and then goes on with carried balances; balances at a version read at
//! most one business date of one account.

use hwan_domain::{
    currency::Currency,
    id::AccountId,
    money::Money,
    rejection::{Code, Rejection},
    statement::{StatementBreak, adds_up},
    time::{BusinessDate, Timestamp},
};

use super::{
    command::{NotDone, Refusal, Viewer},
    engine::Engine,
    view::AccountView,
};
pub use crate::storage::port::PassbookEntry;
use crate::storage::{
    listing::{PassbookQuery, Window},
    port::StoreError,
};

/// The most postings that one page of a statement has.
pub const POSTINGS_MAX: usize = 10_000;
/// Entries that one read brings.
const ENTRIES_PER_READ: usize = 1_000;

/// As of when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// After the last posting at or before this instant.
    Instant(Timestamp),
    /// At the end of this business date; of one that is not over, as it stands.
    Date(BusinessDate),
}

/// What an account held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// How many postings the account had had by then.
    pub version: u64,
    /// Whether nothing can be added any more: the instant has passed, the date is over in the account's lane.
    pub is_final: bool,
    /// What it held of every currency that had had a posting by then, by code.
    pub balances: Vec<Money>,
}

/// Which statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatementQuery {
    /// The first business date; the first of the month of the last one without.
    pub from: Option<BusinessDate>,
    /// The last business date; the lane's without.
    pub to: Option<BusinessDate>,
    /// Postings of this currency alone.
    pub currency: Option<Currency>,
    /// Where the page before ended.
    pub place: Option<StatementPlace>,
    /// At most so many postings; never more than [`POSTINGS_MAX`].
    pub limit: usize,
}

/// Where a page of a statement ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementPlace {
    /// The last version that was looked at.
    pub after: u64,
    /// The last version that belongs to the statement: what is posted later is in none of its pages.
    pub last: u64,
}

/// A statement, or a page of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The first business date.
    pub from: BusinessDate,
    /// The last business date.
    pub to: BusinessDate,
    /// Whether nothing can be added any more: the last date is over in the account's lane.
    pub is_final: bool,
    /// Before the first posting of this page, by currency code.
    pub opening: Vec<Money>,
    /// The postings, oldest first.
    pub postings: Vec<PassbookEntry>,
    /// After the last posting of this page, by currency code.
    pub closing: Vec<Money>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<StatementPlace>,
}

/// Why there is no statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// As any read may be refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The page that is asked for does not lie in this statement: its place is of another account, or of other dates.
    #[error("the page is of another statement")]
    ForeignPlace,
    /// It does not add up: what is stored is damaged.
    #[error("the statement of {account} does not add up: {cause}")]
    Broken {
        /// Whose.
        account: AccountId,
        /// Where.
        cause: StatementBreak,
    },
}

impl Engine {
    /// What an account held; `None` if there is none. Refused for what lies ahead, and before the account was opened.
    pub async fn held(&self, who: &Viewer, account: AccountId, as_of: AsOf) -> Result<Option<Held>, Refusal> {
        let Some(view) = self.account(who, account).await? else { return Ok(None) };
        self.judge_as_of(&view, as_of).await?;
        let _passage = self.0.door.enter()?;
        self.projected(account).await?;
        Ok(Some(match as_of {
            AsOf::Instant(at) => {
                let version = self.version_at(account, at).await?;
                Held { version, is_final: at < view.at, balances: self.at_version(account, version).await? }
            }
            AsOf::Date(date) => {
                let last = view.state.version();
                let version = self.last_version_of(account, date, last).await?;
                let is_final = date < view.business_date;
                Held { version, is_final, balances: self.at_end_of(&view, date, version).await? }
            }
        }))
    }

    /// An account's statement, or a page of it; `None` if there is no such account. It adds up, or is not given.
    pub async fn statement(
        &self,
        who: &Viewer,
        account: AccountId,
        query: StatementQuery,
    ) -> Result<Option<Statement>, StatementError> {
        let Some(view) = self.account(who, account).await? else { return Ok(None) };
        let to = query.to.unwrap_or(view.business_date);
        let from = query.from.unwrap_or_else(|| to.first_of_month().min(to));
        self.judge_as_of(&view, AsOf::Date(to)).await?;
        let _passage = self.0.door.enter().map_err(StatementError::Refused)?;
        self.projected(account).await?;
        let newest = view.state.version();
        let day_before = before(from);
        let place = match query.place {
            // A cursor may be of another account, of other dates, or of nobody. What is over has one end; what goes on is kept to the
            // end that it had at its first page.
            Some(StatementPlace { after, last }) => {
                let first = self.last_version_of(account, day_before, newest).await?;
                let end = self.last_version_of(account, to, newest).await?;
                let last = if to < view.business_date { end } else { last };
                if after < first || after > last || last > end {
                    return Err(StatementError::ForeignPlace);
                }
                StatementPlace { after, last }
            }
            None => StatementPlace {
                after: self.last_version_of(account, day_before, newest).await?,
                last: self.last_version_of(account, to, newest).await?,
            },
        };
        let opening = match query.place {
            None => self.at_end_of(&view, day_before, place.after).await?,
            Some(_) => self.at_version(account, place.after).await?,
        };
        let (postings, reached) = self.postings(account, &query, place).await?;
        let next = (reached < place.last).then_some(StatementPlace { after: reached, ..place });
        // A day that is over has its closing in the daily balances: kept by the projections beside the passbook.
        let closing = match next {
            None => self.at_end_of(&view, to, place.last).await?,
            Some(_) => self.at_version(account, reached).await?,
        };
        let keep = |balances: Vec<Money>| -> Vec<Money> {
            let wanted = |money: &Money| query.currency.is_none_or(|currency| currency == money.currency());
            balances.into_iter().filter(wanted).collect()
        };
        let (opening, closing) = (keep(opening), keep(closing));
        let moved = postings.iter().map(|entry| (entry.amount, entry.balance_after));
        if let Err(cause) = adds_up(&opening, moved, &closing) {
            tracing::error!(%account, %from, %to, %cause, "a statement does not add up: it is not given, run hwan verify");
            return Err(StatementError::Broken { account, cause });
        }
        let is_final = to < view.business_date;
        Ok(Some(Statement { from, to, is_final, opening, postings, closing, next }))
    }

    /// Refuses what lies ahead, and what lies before the account was opened.
    async fn judge_as_of(&self, view: &AccountView, as_of: AsOf) -> Result<(), Refusal> {
        let refused = |code, detail| Err(Refusal::Rejected(Rejection::one(code, detail)));
        match as_of {
            AsOf::Instant(at) if at > view.at => {
                return refused(Code::AsOfInFuture, format!("{at}; it is {} now", view.at));
            }
            AsOf::Date(date) if date > view.business_date => {
                let detail = format!("{date}; the account's business date is {}", view.business_date);
                return refused(Code::AsOfInFuture, detail);
            }
            _ => {}
        }
        // The record that opened it; a journal that begins later says nothing against it.
        let Some(opening) = self.record(view.state.id.position()).await? else { return Ok(()) };
        match as_of {
            AsOf::Instant(at) if at < opening.at => {
                refused(Code::AsOfBeforeOpening, format!("{at}; the account was opened at {}", opening.at))
            }
            AsOf::Date(date) if date < opening.business_date => {
                refused(Code::AsOfBeforeOpening, format!("{date}; the account was opened on {}", opening.business_date))
            }
            _ => Ok(()),
        }
    }

    /// The account's version after the last posting at or before an instant.
    async fn version_at(&self, account: AccountId, at: Timestamp) -> Result<u64, Refusal> {
        let window = Window { from: None, to: Some(at.plus_micros(1)) };
        let query = PassbookQuery { account, window, only: None, before: None, limit: 1 };
        let page = self.0.common.store.passbook_page(&query).await.map_err(|error| unread(&error))?;
        Ok(page.entries.first().map_or(0, |entry| entry.version))
    }

    /// The account's version after its last posting of a business date or of an earlier one, of those up to `last`: by halves.
    async fn last_version_of(&self, account: AccountId, date: BusinessDate, last: u64) -> Result<u64, Refusal> {
        let (mut low, mut high) = (0, last);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.entry(account, middle).await?.business_date <= date {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Ok(low)
    }

    async fn entry(&self, account: AccountId, version: u64) -> Result<PassbookEntry, Refusal> {
        let read = self.0.common.store.passbook(account, version.saturating_sub(1), 1).await;
        let found = read.map_err(|error| unread(&error))?.into_iter().next().filter(|entry| entry.version == version);
        found.ok_or_else(|| {
            let gap = format!("the passbook of {account} has no version {version}");
            unread(&StoreError::Damaged(gap))
        })
    }

    /// The balances at the end of a business date whose last version this is.
    async fn at_end_of(&self, view: &AccountView, date: BusinessDate, version: u64) -> Result<Vec<Money>, Refusal> {
        let account = view.state.id;
        if date >= view.business_date {
            // It is not over: more may have been posted since the account was looked at.
            return self.at_version(account, version).await;
        }
        self.daily(account, date).await
    }

    async fn daily(&self, account: AccountId, date: BusinessDate) -> Result<Vec<Money>, Refusal> {
        let rows = self.0.common.store.daily_balances(account, date).await.map_err(|error| unread(&error))?;
        let mut balances: Vec<Money> = rows.into_iter().map(|(_, balance)| balance).collect();
        balances.sort_by_key(|balance| balance.currency());
        Ok(balances)
    }

    /// The balances after a version.
    async fn at_version(&self, account: AccountId, version: u64) -> Result<Vec<Money>, Refusal> {
        if version == 0 {
            return Ok(Vec::new());
        }
        let date = self.entry(account, version).await?.business_date;
        let mut held: Vec<Money> = Vec::new();
        let mut next = Some(version.saturating_add(1));
        while next.is_some() {
            let query =
                PassbookQuery { account, window: Window::default(), only: None, before: next, limit: ENTRIES_PER_READ };
            let page = self.0.common.store.passbook_page(&query).await.map_err(|error| unread(&error))?;
            next = page.next;
            for entry in page.entries {
                if entry.business_date < date {
                    next = None;
                    break;
                }
                let balance = entry.balance_after;
                // From the newest down: the first of a currency is its balance.
                if !held.iter().any(|money| money.currency() == balance.currency()) {
                    held.push(balance);
                }
            }
        }
        for balance in self.daily(account, before(date)).await? {
            if !held.iter().any(|money| money.currency() == balance.currency()) {
                held.push(balance);
            }
        }
        held.sort_by_key(|balance| balance.currency());
        Ok(held)
    }

    /// The postings of a page of a statement, and the last version that was looked at.
    async fn postings(
        &self,
        account: AccountId,
        query: &StatementQuery,
        StatementPlace { after, last }: StatementPlace,
    ) -> Result<(Vec<PassbookEntry>, u64), Refusal> {
        let limit = query.limit.clamp(1, POSTINGS_MAX);
        let (mut postings, mut reached, mut looked_at) = (Vec::new(), after, 0);
        // What is passed over for its currency counts too: how much one page reads is bounded.
        while reached < last && looked_at < limit {
            let wanted = ENTRIES_PER_READ.min(limit - looked_at);
            let read = self.0.common.store.passbook(account, reached, wanted).await;
            let entries = read.map_err(|error| unread(&error))?;
            if entries.is_empty() {
                let gap = format!("the passbook of {account} has nothing after version {reached}");
                return Err(unread(&StoreError::Damaged(gap)));
            }
            for entry in entries.into_iter().take_while(|entry| entry.version <= last) {
                reached = entry.version;
                looked_at += 1;
                if query.currency.is_none_or(|currency| currency == entry.amount.currency()) {
                    postings.push(entry);
                }
            }
            if looked_at == 0 {
                break;
            }
        }
        Ok((postings, reached))
    }
}

/// The day before.
fn before(date: BusinessDate) -> BusinessDate {
    BusinessDate::from_days(date.days().saturating_sub(1))
}

/// What a read that failed is told: nothing was changed, it may be tried again.
fn unread(error: &StoreError) -> Refusal {
    tracing::warn!(%error, "an account's past could not be read");
    Refusal::NotDone(NotDone::LaneClosed)
}
