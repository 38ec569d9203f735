//! A lane as it closed a day, packed: accounts in chunks by their ids, and a head with what belongs to the lane as a whole.
//!
//! Numbers are little-endian base-128 varints, signed ones zigzag; an account costs some twenty bytes. Whoever stores it adds a
//! digest: a text that does not decode to what was written is damaged, never guessed at.

use smallvec::SmallVec;

use crate::{
    control::{ControlTotal, ControlTotals},
    currency::{Currency, CurrencySet},
    id::{AccountId, LaneId, Position, Seq},
    ledger::{AccountCode, LedgerAccount, TrialLine, Turnover},
    time::{BusinessDate, Timestamp},
};

/// Accounts in a chunk: a quarter of a megabyte.
pub const ACCOUNTS_PER_CHUNK: usize = 8_192;
/// The version of this form.
const FORM: u8 = 1;

/// One balance of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceState {
    /// The currency.
    pub currency: Currency,
    /// What is there, minor units.
    pub minor: i64,
    /// The account's version at this currency's last posting.
    pub version: u64,
}

/// An account as it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// The account.
    pub account: AccountId,
    /// Its version: how many postings it has had.
    pub version: u64,
    /// The digest of its passbook, see [`digest`](super::digest).
    pub digest: u64,
    /// Its balances, by currency.
    pub balances: SmallVec<[BalanceState; 2]>,
}

/// A lane as it stood at the end of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneState {
    /// The lane.
    pub lane: LaneId,
    /// The day.
    pub date: BusinessDate,
    /// The day's last record; [`Seq::ZERO`] where there was none yet.
    pub seq: Seq,
    /// Its hash.
    pub hash: [u8; 32],
    /// When it was sequenced.
    pub at: Timestamp,
    /// Accounts that had a posting.
    pub accounts: u64,
    /// Postings from the first record on.
    pub postings: u64,
    /// What all accounts hold.
    pub totals: ControlTotals,
    /// What waits in suspense.
    pub suspense: ControlTotals,
    /// What the posting rules make of all records, by account of the general ledger.
    pub turnovers: Vec<TrialLine>,
}

/// That bytes are no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored snapshot cannot be read at byte {at}")]
pub struct Unreadable {
    /// Where.
    pub at: usize,
}

fn put(bytes: &mut Vec<u8>, mut number: u128) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8); // below 128
}

fn put_signed(bytes: &mut Vec<u8>, number: i128) {
    put(bytes, ((number << 1) ^ (number >> 127)).cast_unsigned());
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    const fn lost(&self) -> Unreadable {
        Unreadable { at: self.at }
    }

    fn byte(&mut self) -> Result<u8, Unreadable> {
        let byte = *self.bytes.get(self.at).ok_or(Unreadable { at: self.at })?;
        self.at += 1;
        Ok(byte)
    }

    fn wide(&mut self) -> Result<u128, Unreadable> {
        let mut number = 0_u128;
        for shift in (0..126).step_by(7) {
            let byte = self.byte()?;
            number |= u128::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.lost())
    }

    fn number(&mut self) -> Result<u64, Unreadable> {
        u64::try_from(self.wide()?).map_err(|_| self.lost())
    }

    fn signed(&mut self) -> Result<i128, Unreadable> {
        let number = self.wide()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    fn minor(&mut self) -> Result<i64, Unreadable> {
        i64::try_from(self.signed()?).map_err(|_| self.lost())
    }

    fn array<const LEN: usize>(&mut self) -> Result<[u8; LEN], Unreadable> {
        let mut array = [0; LEN];
        for slot in &mut array {
            *slot = self.byte()?;
        }
        Ok(array)
    }

    fn currency(&mut self, currencies: &CurrencySet) -> Result<Currency, Unreadable> {
        let code: [u8; 3] = self.array()?;
        let found = std::str::from_utf8(&code).ok().and_then(|code| currencies.find(code));
        found.ok_or(self.lost())
    }

    fn position(&mut self) -> Result<Position, Unreadable> {
        let packed = i64::try_from(self.number()?).map_err(|_| self.lost())?;
        Position::from_packed(packed).ok_or(self.lost())
    }

    fn totals(&mut self, currencies: &CurrencySet) -> Result<ControlTotals, Unreadable> {
        let mut totals = Vec::new();
        for _ in 0..self.number()? {
            totals.push(ControlTotal { currency: self.currency(currencies)?, minor: self.signed()? });
        }
        Ok(ControlTotals::of(totals))
    }
}

/// Some accounts, by their ids, as bytes.
pub fn encode_chunk(accounts: &[AccountState]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(accounts.len() * 32);
    bytes.push(FORM);
    put(&mut bytes, accounts.len() as u128);
    let mut before = 0_u64;
    for state in accounts {
        let packed = state.account.position().packed().cast_unsigned();
        put(&mut bytes, u128::from(packed.wrapping_sub(before)));
        before = packed;
        put(&mut bytes, u128::from(state.version));
        bytes.extend_from_slice(&state.digest.to_le_bytes());
        put(&mut bytes, state.balances.len() as u128);
        for balance in &state.balances {
            bytes.extend_from_slice(balance.currency.code_bytes());
            put_signed(&mut bytes, i128::from(balance.minor));
            put(&mut bytes, u128::from(balance.version));
        }
    }
    bytes
}

/// Accounts from bytes.
pub fn decode_chunk(bytes: &[u8], currencies: &CurrencySet) -> Result<Vec<AccountState>, Unreadable> {
    let mut cursor = Cursor { bytes, at: 0 };
    if cursor.byte()? != FORM {
        return Err(cursor.lost());
    }
    let count = cursor.number()?;
    let mut accounts = Vec::with_capacity(usize::try_from(count).unwrap_or(0).min(ACCOUNTS_PER_CHUNK));
    let mut before = 0_u64;
    for _ in 0..count {
        let packed = before.wrapping_add(cursor.number()?);
        before = packed;
        let account = i64::try_from(packed).ok().and_then(Position::from_packed).map(AccountId::at);
        let mut state = AccountState {
            account: account.ok_or(cursor.lost())?,
            version: cursor.number()?,
            digest: u64::from_le_bytes(cursor.array()?),
            balances: SmallVec::new(),
        };
        for _ in 0..cursor.number()? {
            state.balances.push(BalanceState {
                currency: cursor.currency(currencies)?,
                minor: cursor.minor()?,
                version: cursor.number()?,
            });
        }
        accounts.push(state);
    }
    if cursor.at == bytes.len() { Ok(accounts) } else { Err(cursor.lost()) }
}

impl LaneState {
    /// A lane before its first record.
    pub fn empty(lane: LaneId, date: BusinessDate) -> Self {
        Self {
            lane,
            date,
            seq: Seq::ZERO,
            hash: [0; 32],
            at: Timestamp::default(),
            accounts: 0,
            postings: 0,
            totals: ControlTotals::default(),
            suspense: ControlTotals::default(),
            turnovers: Vec::new(),
        }
    }

    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORM];
        put(&mut bytes, u128::from(self.lane.number()));
        put_signed(&mut bytes, i128::from(self.date.days()));
        put(&mut bytes, u128::from(self.seq.number()));
        bytes.extend_from_slice(&self.hash);
        put_signed(&mut bytes, i128::from(self.at.micros()));
        put(&mut bytes, u128::from(self.accounts));
        put(&mut bytes, u128::from(self.postings));
        for totals in [&self.totals, &self.suspense] {
            put(&mut bytes, totals.iter().count() as u128);
            for total in totals.iter() {
                bytes.extend_from_slice(total.currency.code_bytes());
                put_signed(&mut bytes, total.minor);
            }
        }
        put(&mut bytes, self.turnovers.len() as u128);
        for line in &self.turnovers {
            put(&mut bytes, u128::from(line.account.code.number()));
            match line.account.of {
                None => bytes.push(0),
                Some(currency) => {
                    bytes.push(1);
                    bytes.extend_from_slice(currency.code_bytes());
                }
            }
            bytes.extend_from_slice(line.currency.code_bytes());
            put_signed(&mut bytes, line.turnover.debit);
            put_signed(&mut bytes, line.turnover.credit);
        }
        bytes
    }

    /// From bytes.
    pub fn decode(bytes: &[u8], currencies: &CurrencySet) -> Result<Self, Unreadable> {
        let mut cursor = Cursor { bytes, at: 0 };
        if cursor.byte()? != FORM {
            return Err(cursor.lost());
        }
        let lane = u16::try_from(cursor.number()?).ok().and_then(LaneId::new).ok_or(cursor.lost())?;
        let date = BusinessDate::from_days(i32::try_from(cursor.signed()?).map_err(|_| cursor.lost())?);
        let seq = Seq::new(cursor.number()?).ok_or(cursor.lost())?;
        let hash = cursor.array()?;
        let at = Timestamp::from_micros(cursor.minor()?);
        let (accounts, postings) = (cursor.number()?, cursor.number()?);
        let (totals, suspense) = (cursor.totals(currencies)?, cursor.totals(currencies)?);
        let mut turnovers = Vec::new();
        for _ in 0..cursor.number()? {
            let code = u32::try_from(cursor.number()?).ok().and_then(AccountCode::new).ok_or(cursor.lost())?;
            let of = if cursor.byte()? == 0 { None } else { Some(cursor.currency(currencies)?) };
            turnovers.push(TrialLine {
                account: LedgerAccount { code, of },
                currency: cursor.currency(currencies)?,
                turnover: Turnover { debit: cursor.signed()?, credit: cursor.signed()? },
            });
        }
        if cursor.at != bytes.len() {
            return Err(cursor.lost());
        }
        Ok(Self { lane, date, seq, hash, at, accounts, postings, totals, suspense, turnovers })
    }

    /// The place of its last record.
    pub const fn position(&self) -> Position {
        Position::new(self.lane, self.seq)
    }
}

impl Cursor<'_> {
    /// The account with which a chunk begins.
    fn first(&mut self) -> Result<Option<AccountId>, Unreadable> {
        if self.byte()? != FORM {
            return Err(self.lost());
        }
        if self.number()? == 0 {
            return Ok(None);
        }
        self.position().map(AccountId::at).map(Some)
    }
}

/// The account with which a chunk begins.
pub fn first_of(chunk: &[u8]) -> Option<AccountId> {
    Cursor { bytes: chunk, at: 0 }.first().ok().flatten()
}
