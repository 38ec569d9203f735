//! The port of sealed days: with what every account began and ended a business date, account by account, from the daily rows alone.
//!
//! A day that is asked for is over: the lane has passed it, and its projections stand beyond it. Then the answer never changes again,
//! whatever the lane does meanwhile and however often it is asked. Callers: `sealing`. Nobody else.

use async_trait::async_trait;
use hwan_domain::{
    id::{AccountId, LaneId},
    money::Money,
    time::BusinessDate,
};

use crate::storage::port::{LedgerStore, StoreError};

/// What an account held of a currency at both ends of a business date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayBalance {
    /// The account.
    pub account: AccountId,
    /// When the date began.
    pub opening: Money,
    /// When it ended.
    pub closing: Money,
}

/// A page of them, by account and currency code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayBalancePage {
    /// The balances; those that were zero at both ends may be missing.
    pub balances: Vec<DayBalance>,
    /// The account after which the next page begins; `None` at the end.
    pub next: Option<AccountId>,
}

/// A store that knows how accounts ended their days.
#[async_trait]
pub trait DayBalances: Send + Sync + 'static {
    /// A page of a lane's accounts above `after`, at most `limit` accounts.
    async fn day_balances(
        &self,
        lane: LaneId,
        date: BusinessDate,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<DayBalancePage, StoreError>;
}

/// A store of record whose days can be exported.
pub trait SealingStore: LedgerStore + DayBalances {}

impl<T: LedgerStore + DayBalances> SealingStore for T {}
