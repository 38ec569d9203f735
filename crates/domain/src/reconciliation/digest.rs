//! Order-free sums of a passbook's columns: linear, so that they are the same whether a server adds up the columns or the walk
//! adds up posting by posting.
//!
//! Each column's sum is multiplied by an odd constant of its own and all of it added modulo 2^64: a column that differs by anything
//! but a multiple of 2^64 makes another digest. Two products, of version and amount and of version and balance, are columns of
//! their own, so that amounts which change places are noticed.

use crate::{
    currency::Currency,
    id::{AccountId, Position},
    money::Money,
    time::{BusinessDate, Timestamp},
};

/// By what versions are cut before they are multiplied with an amount.
pub const VERSION_MODULUS: i64 = 1_024;
/// By what amounts are cut before they are multiplied with a version: a prime.
pub const AMOUNT_MODULUS: i64 = 1_000_000_007;

/// Mixes a number well: the finalizer of SplitMix64.
pub const fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A currency as a number: its code's three letters, big end first.
pub fn currency_number(currency: Currency) -> i64 {
    let [a, b, c] = *currency.code_bytes();
    i64::from(u32::from_be_bytes([0, a, b, c]))
}

/// The columns of some entries of one account, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColumnSums {
    /// Σ version.
    pub version: i128,
    /// Σ packed position of the record.
    pub record: i128,
    /// Σ number of the kind.
    pub kind: i128,
    /// Σ [`currency_number`].
    pub currency: i128,
    /// Σ amount, minor units.
    pub amount: i128,
    /// Σ balance afterwards, minor units.
    pub balance: i128,
    /// Σ instant, microseconds.
    pub at: i128,
    /// Σ business date, days.
    pub date: i128,
    /// Σ (version mod [`VERSION_MODULUS`]) × (amount mod [`AMOUNT_MODULUS`]), remainders with the dividend's sign.
    pub version_by_amount: i128,
    /// The same of the balance.
    pub version_by_balance: i128,
}

impl ColumnSums {
    /// All columns in one number.
    pub const fn digest(&self) -> u64 {
        let columns = [
            (self.version, 0x9e37_79b9_7f4a_7c15_u64),
            (self.record, 0xc2b2_ae3d_27d4_eb4f),
            (self.kind, 0x1656_67b1_9e37_79f9),
            (self.currency, 0xd6e8_feb8_6659_fd93),
            (self.amount, 0xa076_1d64_78bd_642f),
            (self.balance, 0xe703_7ed1_a0b4_28db),
            (self.at, 0x8ebc_6af0_9c88_c6e3),
            (self.date, 0x5899_65cc_7537_4cc3),
            (self.version_by_amount, 0x1d8e_4e27_c47d_124f),
            (self.version_by_balance, 0xeb44_acca_b455_d165),
        ];
        let mut digest = 0_u64;
        let mut rest: &[(i128, u64)] = &columns;
        while let [(sum, factor), more @ ..] = rest {
            // Modulo 2^64 on purpose.
            digest = digest.wrapping_add((*sum as u64).wrapping_mul(*factor));
            rest = more;
        }
        digest
    }
}

/// One entry of a passbook, as its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryColumns {
    /// The account's version after it.
    pub version: u64,
    /// The record.
    pub record: Position,
    /// The number of its kind.
    pub kind: u8,
    /// What was posted.
    pub amount: Money,
    /// The balance afterwards.
    pub balance: Money,
    /// When.
    pub at: Timestamp,
    /// On which business date.
    pub date: BusinessDate,
}

impl EntryColumns {
    /// This entry's part of its account's digest.
    pub fn digest(&self) -> u64 {
        let version = self.version.cast_signed();
        let by = |minor: i64| i128::from((version % VERSION_MODULUS) * (minor % AMOUNT_MODULUS));
        let sums = ColumnSums {
            version: i128::from(version),
            record: i128::from(self.record.packed()),
            kind: i128::from(self.kind),
            currency: i128::from(currency_number(self.amount.currency())),
            amount: i128::from(self.amount.minor()),
            balance: i128::from(self.balance.minor()),
            at: i128::from(self.at.micros()),
            date: i128::from(self.date.days()),
            version_by_amount: by(self.amount.minor()),
            version_by_balance: by(self.balance.minor()),
        };
        sums.digest()
    }
}

/// A passbook up to a day, added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassbookSums {
    /// The account.
    pub account: AccountId,
    /// How many entries.
    pub count: u64,
    /// The newest version.
    pub version: u64,
    /// All columns of all entries.
    pub digest: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{LaneId, Seq};

    fn entry(version: u64, amount: i64, balance: i64) -> EntryColumns {
        EntryColumns {
            version,
            record: Position::new(LaneId::FIRST, Seq::new(100 + version).unwrap()),
            kind: 1,
            amount: Money::won(amount).unwrap(),
            balance: Money::won(balance).unwrap(),
            at: Timestamp::from_micros(1_700_000_000_000_000),
            date: BusinessDate::from_days(20_000),
        }
    }

    #[test]
    fn the_sum_of_digests_is_the_digest_of_the_sums() {
        let entries = [entry(1, 1_000, 1_000), entry(2, -400, 600), entry(3, -600, 0)];
        let one_by_one = entries.iter().fold(0_u64, |sum, entry| sum.wrapping_add(entry.digest()));
        let mut sums = ColumnSums::default();
        for entry in &entries {
            let (version, amount, balance) = (entry.version as i64, entry.amount.minor(), entry.balance.minor());
            sums.version += i128::from(version);
            sums.record += i128::from(entry.record.packed());
            sums.kind += 1;
            sums.currency += i128::from(currency_number(Currency::KRW));
            sums.amount += i128::from(amount);
            sums.balance += i128::from(balance);
            sums.at += i128::from(entry.at.micros());
            sums.date += i128::from(entry.date.days());
            sums.version_by_amount += i128::from(version % VERSION_MODULUS * (amount % AMOUNT_MODULUS));
            sums.version_by_balance += i128::from(version % VERSION_MODULUS * (balance % AMOUNT_MODULUS));
        }
        assert_eq!(sums.digest(), one_by_one);
    }

    #[test]
    fn amounts_that_change_places_make_another_digest() {
        let sum =
            |entries: [EntryColumns; 2]| entries.iter().fold(0_u64, |sum, entry| sum.wrapping_add(entry.digest()));
        assert_ne!(sum([entry(1, 5, 9), entry(2, 7, 9)]), sum([entry(1, 7, 9), entry(2, 5, 9)]));
        assert_ne!(sum([entry(1, 5, 9), entry(2, 5, 8)]), sum([entry(1, 5, 8), entry(2, 5, 9)]));
    }
}
