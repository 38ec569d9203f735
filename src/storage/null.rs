//! A store that keeps nothing, to measure the engine alone. Commits vanish; nothing is fenced.
//!
//! It needs no set-up, for it invents its customers by a rule: in every lane, the customer whose seq is a multiple of
//! four has a won account at seq + 1 and a foreign account at seq + 2, each with [`PLENTY_MINOR`] minor units of what
//! it holds, at version 1. So a benchmark asks for customer 4, 8, 12 … and knows the accounts. New records begin far
//! above, at [`HEAD`] + 1. Rounds are not invented: publish one.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use hwan_domain::{
    account::{AccountKind, AccountState, Balance},
    board::Pair,
    control::ControlTotals,
    currency::Currency,
    customer::CustomerState,
    id::{AccountId, CustomerId, LaneId, Position, Seq},
    money::Money,
    record::{KeyDigest, Record},
    round::Round,
    time::{BusinessDate, Timestamp},
};
use smallvec::SmallVec;

use super::{
    listing::{CustomerQuery, PassbookPage, PassbookQuery, RoundQuery},
    port::{
        AccountSums, ChainHash, CommitBatch, CommitError, Epoch, Household, JournalRow, LaneHead, LedgerStore,
        PassbookEntry, StoreError, TakenLane,
    },
};

/// What every invented balance is, in minor units.
pub const PLENTY_MINOR: i64 = 1_000_000_000_000_000;

/// Where every lane is said to stand, and to be projected to.
pub const HEAD: u64 = 1 << 40;

/// From one invented customer to the next.
const CUSTOMER_STEP: u64 = 4;

/// The store that keeps nothing.
#[derive(Debug)]
pub struct NullStore {
    foreign: Vec<Currency>,
    epochs: AtomicU64,
}

impl NullStore {
    /// Its foreign accounts hold these currencies; fewer make a smaller account.
    pub fn new(foreign: impl IntoIterator<Item = Currency>) -> Self {
        Self { foreign: foreign.into_iter().collect(), epochs: AtomicU64::new(0) }
    }

    /// The invented customer of this number in a lane, from 1, with its won and its foreign account.
    pub fn family(lane: LaneId, number: u64) -> Option<(CustomerId, AccountId, AccountId)> {
        let customer = Seq::new(number.checked_mul(CUSTOMER_STEP)?).filter(|seq| *seq != Seq::ZERO)?;
        let at = |seq| Position::new(lane, seq);
        let (won, foreign) = (customer.next()?, customer.next()?.next()?);
        Some((CustomerId::at(at(customer)), AccountId::at(at(won)), AccountId::at(at(foreign))))
    }
}

fn head() -> Seq {
    Seq::new(HEAD).unwrap_or(Seq::ZERO)
}

fn plenty(currency: Currency) -> Balance {
    Balance { amount: Money::from_minor(PLENTY_MINOR, currency).unwrap_or(Money::zero(currency)), version: 1 }
}

#[async_trait]
impl LedgerStore for NullStore {
    fn name(&self) -> String {
        "null".into()
    }

    async fn take_lane(&self, _lane: LaneId) -> Result<TakenLane, StoreError> {
        Ok(TakenLane {
            epoch: Epoch(self.epochs.fetch_add(1, Ordering::Relaxed) + 1),
            seq: head(),
            hash: ChainHash::GENESIS,
            last: None,
            projected: head(),
            totals: ControlTotals::default(),
        })
    }

    async fn commit(&self, _batch: &CommitBatch) -> Result<(), CommitError> {
        Ok(())
    }

    async fn journal(&self, _lane: LaneId, _from: Seq, _limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn journal_since(&self, _lane: LaneId, _at: Timestamp) -> Result<Seq, StoreError> {
        Ok(head().next().unwrap_or_default())
    }

    async fn records(&self, _places: &[Position]) -> Result<Vec<Arc<Record>>, StoreError> {
        Ok(Vec::new())
    }

    async fn find_keys(&self, _keys: &[KeyDigest]) -> Result<Vec<(KeyDigest, JournalRow)>, StoreError> {
        Ok(Vec::new())
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Household>, StoreError> {
        let seq = id.position().seq().number();
        let Some((customer, won, foreign)) =
            seq.is_multiple_of(CUSTOMER_STEP).then(|| Self::family(id.lane(), seq / CUSTOMER_STEP)).flatten()
        else {
            return Ok(None);
        };
        let account = |id, kind, balances: SmallVec<[Balance; 1]>| AccountState {
            balances,
            ..AccountState::opened(id, customer, kind)
        };
        let foreign_balances = self.foreign.iter().copied().map(plenty).collect();
        Ok(Some(Household {
            customer: CustomerState::opened(customer, "null".into(), None),
            accounts: vec![
                account(won, AccountKind::Won, SmallVec::from_iter([plenty(Currency::KRW)])),
                account(foreign, AccountKind::Foreign, foreign_balances),
            ],
        }))
    }

    async fn account_sums(&self) -> Result<Vec<AccountSums>, StoreError> {
        Ok(Vec::new())
    }

    async fn customers(&self, _query: &CustomerQuery) -> Result<Vec<CustomerState>, StoreError> {
        Ok(Vec::new())
    }

    async fn owner(&self, id: AccountId) -> Result<Option<CustomerId>, StoreError> {
        let seq = id.position().seq().number();
        let back = seq % CUSTOMER_STEP;
        let owned = back == 1 || back == 2;
        Ok(owned.then(|| Self::family(id.lane(), seq / CUSTOMER_STEP)).flatten().map(|(customer, ..)| customer))
    }

    async fn pairs(&self, _rounds: usize) -> Result<Vec<(Currency, Pair)>, StoreError> {
        Ok(Vec::new())
    }

    async fn rounds(&self, _query: &RoundQuery) -> Result<Vec<Round>, StoreError> {
        Ok(Vec::new())
    }

    async fn project(&self, _lane: LaneId, _from: Seq, _records: &[Arc<Record>]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn lane_heads(&self) -> Result<Vec<LaneHead>, StoreError> {
        Ok(Vec::new())
    }

    async fn projected(&self, _lane: LaneId) -> Result<Seq, StoreError> {
        Ok(head())
    }

    async fn relayed(&self, _lane: LaneId) -> Result<(Seq, ChainHash), StoreError> {
        Ok((head(), ChainHash::GENESIS))
    }

    async fn relay(&self, _: LaneId, _: Epoch, _from: Seq, _to: (Seq, ChainHash)) -> Result<(), StoreError> {
        Ok(())
    }

    async fn passbook(&self, _id: AccountId, _after: u64, _limit: usize) -> Result<Vec<PassbookEntry>, StoreError> {
        Ok(Vec::new())
    }

    async fn passbook_is_current(&self, _id: AccountId) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn passbook_page(&self, _query: &PassbookQuery) -> Result<PassbookPage, StoreError> {
        Ok(PassbookPage::default())
    }

    async fn daily_balances(&self, _id: AccountId, _: BusinessDate) -> Result<Vec<(BusinessDate, Money)>, StoreError> {
        Ok(Vec::new())
    }

    async fn close(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::conformance::fixture;

    #[tokio::test]
    async fn every_fourth_place_is_a_customer_with_plenty() {
        let store = NullStore::new([fixture::currency("USD")]);
        let (customer, won, foreign) = NullStore::family(LaneId::FIRST, 3).unwrap();
        assert_eq!(customer.position().seq().number(), 12);
        let household = store.customer(customer).await.unwrap().unwrap();
        assert_eq!(household.accounts.iter().map(|account| account.id).collect::<Vec<_>>(), [won, foreign]);
        assert_eq!(household.accounts[0].booked(Currency::KRW).minor(), PLENTY_MINOR);
        assert_eq!(household.accounts[1].booked(fixture::currency("USD")).minor(), PLENTY_MINOR);
        assert_eq!(store.owner(won).await.unwrap(), Some(customer));
        assert_eq!(store.owner(foreign).await.unwrap(), Some(customer));
        let nobody = CustomerId::at(Position::new(LaneId::FIRST, Seq::new(5).unwrap()));
        assert!(store.customer(nobody).await.unwrap().is_none());
        assert_eq!(NullStore::family(LaneId::FIRST, 0), None);
    }
}
