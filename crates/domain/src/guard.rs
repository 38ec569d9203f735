//! The rate guard: a new round passes it before it can trade.
//!
//! On 10 March 2026 a bank sold yen at half its price for seven minutes, because a value that was wrong by its unit
//! went straight to trading. The guard judges jump, deviation, staleness, unit, sign and scale; what fails is stored
//! with its findings, does not trade, and halts the pair until a second person resumes it.

use rust_decimal::Decimal;

use crate::{currency::CurrencySpec, round::Round, time::Timestamp};

/// What the guard holds against a proposed round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Mid is too far from the previous round's.
    Jump {
        /// How far, in percent.
        percent: Decimal,
        /// How far it may be.
        percent_max: Decimal,
    },
    /// Mid is too far from the median of the independent sources.
    Deviation {
        /// How far, in percent.
        percent: Decimal,
        /// How far it may be.
        percent_max: Decimal,
    },
    /// The rate was observed too long ago.
    Stale {
        /// Its age in seconds.
        seconds: i64,
        /// The age it may have.
        seconds_max: i64,
    },
    /// Off by about a factor of 100: quoted for another unit.
    Unit,
    /// Zero or negative.
    Sign,
    /// More decimals than the currency's rates have, or beyond what a rate can be.
    Scale,
}

/// What the guard tolerates beyond each currency's own jump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardPolicy {
    /// The deviation from the median of independent sources, in percent.
    pub deviation_percent_max: Decimal,
    /// The age of the observation, in seconds.
    pub staleness_seconds_max: i64,
}

impl Default for GuardPolicy {
    fn default() -> Self {
        Self { deviation_percent_max: Decimal::ONE, staleness_seconds_max: 60 }
    }
}

/// A rate as it arrives, before anything about it is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The middle rate for the currency's rate unit, as received: any number.
    pub mid: Decimal,
    /// When it was observed in the market.
    pub observed_at: Timestamp,
    /// Middle rates of independent sources, for the same unit; may be empty.
    pub sources: Vec<Decimal>,
}

/// Judges a proposal against the pair's previous trading round; empty when it may trade.
pub fn judge(
    proposal: &Proposal,
    previous: Option<&Round>,
    spec: &CurrencySpec,
    policy: &GuardPolicy,
    now: Timestamp,
) -> Vec<Finding> {
    let _ = (proposal, previous, spec, policy, now);
    todo!()
}
