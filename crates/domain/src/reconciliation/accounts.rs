//! Every account of a lane, packed: an index by id, a cell an account, a cell a balance. Some ninety bytes an account with one
//! currency; ten million accounts take a gigabyte.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use smallvec::SmallVec;

use super::{
    digest::mix,
    snapshot::{AccountState, BalanceState},
};
use crate::{
    currency::Currency,
    id::{AccountId, Position},
};

/// No cell.
const NONE: u32 = u32::MAX;
/// Before every day.
const NEVER: i32 = i32::MIN;

/// A hasher for packed positions: their lower bits alone differ, so they are mixed.
#[derive(Clone, Copy, Debug, Default)]
struct PositionHasher(u64);

impl Hasher for PositionHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte));
        }
    }

    fn write_i64(&mut self, number: i64) {
        self.0 = mix(number.cast_unsigned());
    }
}

#[derive(Clone, Copy, Debug)]
struct AccountCell {
    account: AccountId,
    version: u64,
    digest: u64,
    first: u32,
}

#[derive(Clone, Copy, Debug)]
struct BalanceCell {
    minor: i64,
    version: u64,
    currency: Currency,
    next: u32,
    day: i32,
}

/// What an account and a currency of it stand at before a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The account's version.
    pub version: u64,
    /// The balance of the currency, minor units.
    pub minor: i64,
    /// On which day, in days since 1970-01-01, the currency had its last posting in this walk.
    pub day: i32,
}

/// Every account of a lane that had a posting.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    index: HashMap<i64, u32, BuildHasherDefault<PositionHasher>>,
    accounts: Vec<AccountCell>,
    balances: Vec<BalanceCell>,
}

impl Accounts {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Takes an account as a snapshot has it.
    pub fn restore(&mut self, state: &AccountState) {
        let cell = AccountCell { account: state.account, version: state.version, digest: state.digest, first: NONE };
        let at = self.push(cell);
        for balance in &state.balances {
            self.link(at, *balance, NEVER);
        }
    }

    fn push(&mut self, cell: AccountCell) -> usize {
        let at = self.accounts.len();
        // More than four thousand million accounts do not fit one lane's memory; the last cell is shared then, and nothing agrees.
        self.index.insert(cell.account.position().packed(), u32::try_from(at).unwrap_or(NONE - 1));
        self.accounts.push(cell);
        at
    }

    fn link(&mut self, account: usize, balance: BalanceState, day: i32) {
        let at = u32::try_from(self.balances.len()).unwrap_or(NONE);
        if let Some(cell) = self.accounts.get_mut(account) {
            let BalanceState { currency, minor, version } = balance;
            self.balances.push(BalanceCell { minor, version, currency, next: cell.first, day });
            cell.first = at;
        }
    }

    fn cell_of(&self, account: AccountId) -> Option<usize> {
        let at = self.index.get(&account.position().packed())?;
        usize::try_from(*at).ok()
    }

    fn balance_of(&self, account: usize, currency: Currency) -> Option<usize> {
        let mut at = self.accounts.get(account)?.first;
        while at != NONE {
            let place = usize::try_from(at).ok()?;
            let cell = self.balances.get(place)?;
            if cell.currency == currency {
                return Some(place);
            }
            at = cell.next;
        }
        None
    }

    /// Posts: returns what stood there before. What stands there afterwards is what the posting says, right or wrong, so that one
    /// break is found once.
    pub fn post(
        &mut self,
        account: AccountId,
        after: BalanceState,
        day: i32,
        digest: impl FnOnce() -> u64,
    ) -> Standing {
        let at = match self.cell_of(account) {
            Some(at) => at,
            None => self.push(AccountCell { account, version: 0, digest: 0, first: NONE }),
        };
        let balance = self.balance_of(at, after.currency);
        let version = self.accounts.get(at).map_or(0, |cell| cell.version);
        let before = match balance.and_then(|place| self.balances.get_mut(place)) {
            Some(cell) => {
                let before = Standing { version, minor: cell.minor, day: cell.day };
                (cell.minor, cell.version, cell.day) = (after.minor, after.version, day);
                before
            }
            None => {
                self.link(at, after, day);
                Standing { version, minor: 0, day: NEVER }
            }
        };
        if let Some(cell) = self.accounts.get_mut(at) {
            cell.version = after.version;
            cell.digest = cell.digest.wrapping_add(digest());
        }
        before
    }

    fn state(&self, cell: &AccountCell) -> AccountState {
        let mut balances: SmallVec<[BalanceState; 2]> = SmallVec::new();
        let mut at = cell.first;
        while let Some(balance) = usize::try_from(at).ok().and_then(|at| self.balances.get(at)) {
            let BalanceCell { currency, minor, version, .. } = *balance;
            balances.push(BalanceState { currency, minor, version });
            at = balance.next;
        }
        balances.sort_unstable_by_key(|balance| balance.currency);
        AccountState { account: cell.account, version: cell.version, digest: cell.digest, balances }
    }

    /// An account.
    pub fn find(&self, account: AccountId) -> Option<AccountState> {
        self.accounts.get(self.cell_of(account)?).map(|cell| self.state(cell))
    }

    /// All accounts, in no order.
    pub fn iter(&self) -> impl Iterator<Item = AccountState> {
        self.accounts.iter().map(|cell| self.state(cell))
    }

    /// All accounts by their ids.
    pub fn sorted(&self) -> impl Iterator<Item = AccountState> {
        let mut order: Vec<(Position, u32)> =
            (0_u32..).zip(&self.accounts).map(|(at, cell)| (cell.account.position(), at)).collect();
        order.sort_unstable();
        order
            .into_iter()
            .filter_map(|(_, at)| self.accounts.get(usize::try_from(at).ok()?))
            .map(|cell| self.state(cell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{LaneId, Seq};

    fn account(number: u64) -> AccountId {
        AccountId::at(Position::new(LaneId::FIRST, Seq::new(number).unwrap()))
    }

    #[test]
    fn a_posting_says_what_stood_before_and_leaves_what_it_says() {
        let mut accounts = Accounts::default();
        let won = |minor, version| BalanceState { currency: Currency::KRW, minor, version };
        assert_eq!(accounts.post(account(9), won(100, 1), 5, || 3), Standing { version: 0, minor: 0, day: NEVER });
        assert_eq!(accounts.post(account(2), won(7, 1), 5, || 1), Standing { version: 0, minor: 0, day: NEVER });
        assert_eq!(accounts.post(account(9), won(60, 2), 6, || 4), Standing { version: 1, minor: 100, day: 5 });
        let state = accounts.find(account(9)).unwrap();
        assert_eq!((state.version, state.digest, state.balances[0].minor), (2, 7, 60));
        assert_eq!(accounts.sorted().map(|state| state.account).collect::<Vec<_>>(), [account(2), account(9)]);
        let mut restored = Accounts::default();
        accounts.iter().for_each(|state| restored.restore(&state));
        assert_eq!(restored.find(account(9)), Some(state));
        assert_eq!(restored.post(account(9), won(1, 3), 6, || 0).day, NEVER);
    }
}
