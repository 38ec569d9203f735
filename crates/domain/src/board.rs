//! The rate board: every pair's rounds and halts, as a state that events change. The actor around it only carries it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::{
    currency::{Currency, CurrencySet},
    exchange::{Side, Terms},
    guard::{GuardPolicy, Proposal},
    record::Event,
    rejection::{Rejection, Violation},
    round::{Round, RoundId},
    time::{BusinessDate, Timestamp},
};

/// How many rounds of each pair the board remembers, so that quotes on them can be judged: the longest quote lives
/// five minutes, and a pair is published at most every second.
pub const ROUNDS_REMEMBERED_MAX: usize = 512;

/// Why a pair does not trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Who or what halted it; someone else must resume it.
    pub by: std::sync::Arc<str>,
    /// Why.
    pub reason: Box<str>,
    /// Since when.
    pub since: Timestamp,
}

/// One pair on the board.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// The newest rounds, oldest first, whatever their status.
    pub rounds: Vec<Round>,
    /// Why the pair does not trade, if it does not.
    pub halt: Option<Halt>,
}

/// Every pair's rounds and halts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    pairs: BTreeMap<[u8; 3], Pair>,
}

/// What the publisher of a round says beside the rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The pair's foreign currency.
    pub currency: Currency,
    /// The rate and its sources.
    pub proposal: Proposal,
    /// It does not trade from this instant on.
    pub valid_until: Timestamp,
    /// Spread in percent of mid; the currency's own without.
    pub spread_percent: Option<Decimal>,
    /// Preference in percent; the currency's own without.
    pub preference_percent: Option<Decimal>,
}

impl Board {
    /// Of pairs as stored.
    pub fn new(pairs: impl IntoIterator<Item = (Currency, Pair)>) -> Self {
        let _ = pairs;
        todo!()
    }

    /// The pair, if any round or halt of it is known.
    pub fn pair(&self, currency: Currency) -> Option<&Pair> {
        let _ = currency;
        todo!()
    }

    /// All pairs, by currency code.
    pub fn pairs(&self) -> impl Iterator<Item = (&[u8; 3], &Pair)> {
        self.pairs.iter()
    }

    /// A remembered round.
    pub fn round(&self, id: RoundId) -> Option<&Round> {
        let _ = id;
        todo!()
    }

    /// The terms at which the pair trades at `at`, or why it does not: `rate_unavailable`, `pair_halted`.
    pub fn terms(&self, currency: Currency, side: Side, at: Timestamp) -> Result<Terms, Violation> {
        let _ = (currency, side, at);
        todo!()
    }

    /// Whether a quote on this round may still trade: the pair is not halted and the round is not voided.
    /// A superseded round's quotes stay good.
    pub fn admits_quote_on(&self, round: RoundId) -> Result<(), Violation> {
        let _ = round;
        todo!()
    }

    /// What publishing would do at `now`: a `RoundPublished` whose round is active, or, with findings, halted.
    /// Numbers restart at 1 on each business date.
    pub fn publish(
        &self,
        publication: &Publication,
        currencies: &CurrencySet,
        policy: &GuardPolicy,
        date: BusinessDate,
        now: Timestamp,
    ) -> Result<Event, Rejection> {
        let _ = (publication, currencies, policy, date, now);
        todo!()
    }

    /// What voiding a round would do: a `RoundVoided`; its pair is halted by it.
    pub fn void(&self, round: RoundId, reason: &str) -> Result<Event, Rejection> {
        let _ = (round, reason);
        todo!()
    }

    /// What halting a pair would do.
    pub fn halt(&self, currency: Currency, reason: &str) -> Result<Event, Rejection> {
        let _ = (currency, reason);
        todo!()
    }

    /// What resuming a pair would do; `by` must not be who halted it.
    pub fn resume(&self, currency: Currency, by: &str) -> Result<Event, Rejection> {
        let _ = (currency, by);
        todo!()
    }

    /// Applies an event that was decided here; events of other kinds change nothing.
    pub fn apply(&mut self, event: &Event, by: &std::sync::Arc<str>, at: Timestamp) {
        let _ = (event, by, at);
        todo!()
    }
}
