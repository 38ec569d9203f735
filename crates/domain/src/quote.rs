//! Quotes: a promise of both amounts until an instant, to one customer, on two accounts, once.
//!
//! A quote is a capability: all it says travels in a signed token, nothing is stored. Here is what it says and when it
//! is good; signing is not the domain's.

use crate::{
    exchange::{Priced, Terms},
    id::{AccountId, CustomerId},
    rejection::{Code, Violation},
    time::Timestamp,
};

/// Names a quote: 48 bits of its own time in milliseconds, then 80 random ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuoteId(pub u128);

/// What a quote promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its name: it is used at most once.
    pub id: QuoteId,
    /// To whom.
    pub customer: CustomerId,
    /// The won account.
    pub won_account: AccountId,
    /// The foreign account.
    pub foreign_account: AccountId,
    /// Side, round and rates.
    pub terms: Terms,
    /// Both amounts.
    pub priced: Priced,
    /// It is not good from this instant on.
    pub expires_at: Timestamp,
}

impl Quote {
    /// Adds nothing to a posting at `at` unless the quote has expired by then.
    pub fn expired(&self, at: Timestamp) -> Option<Violation> {
        (at >= self.expires_at)
            .then(|| Violation::new(Code::QuoteExpired, format!("expired at {}: ask for a new quote", self.expires_at)))
    }
}
