//! An account of the general ledger.

use std::fmt;

use crate::currency::Currency;

/// The number of an account in the chart: 1 to 999,999,999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountCode(u32);

impl AccountCode {
    /// The largest code.
    pub const MAX: AccountCode = AccountCode(999_999_999);

    /// The account of this number; `None` for 0 and beyond [`AccountCode::MAX`].
    pub const fn new(number: u32) -> Option<Self> {
        if number > 0 && number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for AccountCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An account as entries name it: `2010`, or `1901[USD]` where the chart keeps one per currency. Of which currency it is does not
/// always say in what it is counted: the won equivalent of the dollar position is counted in won.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LedgerAccount {
    /// Its number.
    pub code: AccountCode,
    /// Of which currency, where the chart keeps one per currency.
    pub of: Option<Currency>,
}

impl fmt::Display for LedgerAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            None => self.code.fmt(f),
            Some(currency) => write!(f, "{}[{currency}]", self.code),
        }
    }
}
