//! The rate guard: a new round passes it before it can trade.
//!
//! On 10 March 2026 a bank sold yen at half its price for seven minutes, because a value that was wrong by its unit
//! went straight to trading. The guard judges jump, deviation, staleness, unit, sign and scale; what fails is stored
//! with its findings, does not trade, and halts the pair until a second person resumes it.
//!
//! The reference of a jump is the newest round that traded; a refused or voided one never is, however often it comes
//! again. So a market that truly jumped is followed in steps: while the pair stands halted, rounds within the
//! tolerance of each other lead to the new level, and resuming is the second person's word that it is right.
//! The first round of a pair has no reference: its sources, if given, and everything else still apply.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};

use crate::{
    currency::CurrencySpec,
    rate::{RATE_DECIMALS_MAX, RATE_MAX, Rate},
    round::Round,
    time::{MICROS_PER_SECOND, Timestamp},
};

/// The largest distance that a finding reports, in percent: what is beyond it is as wrong as can be.
pub const PERCENT_REPORTED_MAX: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

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
        /// Its age in seconds; negative for an observation from the future.
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

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jump { percent, percent_max } => {
                write!(f, "jump of {percent} % against the previous round, at most {percent_max} %")
            }
            Self::Deviation { percent, percent_max } => {
                write!(f, "deviation of {percent} % from the median of the sources, at most {percent_max} %")
            }
            Self::Stale { seconds, seconds_max } => write!(f, "observed {seconds} s ago, at most {seconds_max} s"),
            Self::Unit => f.write_str("off by about a factor of 100, quoted for another unit"),
            Self::Sign => f.write_str("zero or negative"),
            Self::Scale => f.write_str("more decimals than the currency's rates have, or beyond what a rate can be"),
        }
    }
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

/// Judges a proposal against the pair's previous trading round, if it has one; empty when the proposal may trade.
///
/// Sign and scale come first and alone: a number that is no rate cannot be compared with one. Unit stands in for jump
/// and deviation, which it explains. A distance of exactly what is tolerated is tolerated. No number makes this panic.
pub fn judge(
    proposal: &Proposal,
    previous: Option<&Round>,
    spec: &CurrencySpec,
    policy: &GuardPolicy,
    now: Timestamp,
) -> Vec<Finding> {
    let mut findings = unfit(proposal.mid, spec);
    if !findings.is_empty() {
        return findings;
    }
    let before = previous.and_then(|round| quoted_per(round.mid, spec.rate_unit));
    let market = median(&proposal.sources);
    if [before, market].into_iter().flatten().any(|reference| about_hundredfold(proposal.mid, reference)) {
        findings.push(Finding::Unit);
    } else {
        if let Some(percent) = before.and_then(|before| beyond(proposal.mid, before, spec.jump_percent_max)) {
            findings.push(Finding::Jump { percent, percent_max: spec.jump_percent_max });
        }
        if let Some(percent) = market.and_then(|market| beyond(proposal.mid, market, policy.deviation_percent_max)) {
            findings.push(Finding::Deviation { percent, percent_max: policy.deviation_percent_max });
        }
    }
    findings.extend(stale(now.micros_since(proposal.observed_at), policy.staleness_seconds_max));
    findings
}

/// Sign and scale. Zeros at the end of the fraction say nothing and do not count as decimals.
fn unfit(mid: Decimal, spec: &CurrencySpec) -> Vec<Finding> {
    let mut findings = Vec::new();
    if mid <= Decimal::ZERO {
        findings.push(Finding::Sign);
    }
    if mid.normalize().scale() > spec.rate_decimals.min(RATE_DECIMALS_MAX) || mid.abs() >= RATE_MAX {
        findings.push(Finding::Scale);
    }
    findings
}

/// A rate's value for `unit` units, whatever the unit it was quoted for.
fn quoted_per(rate: Rate, unit: u32) -> Option<Decimal> {
    rate.value().checked_mul(Decimal::from(unit))?.checked_div(Decimal::from(rate.unit()))
}

/// The middle one of the sources, or the mean of the middle two; `None` without any. A source that is no price is kept:
/// a minority of such does not move the median far, and a majority fails the proposal, as it should.
fn median(sources: &[Decimal]) -> Option<Decimal> {
    let mut sorted = sources.to_vec();
    sorted.sort_unstable();
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get((sorted.len() / 2).checked_sub(1)?)?;
    // Halved before they are added: two halves cannot overflow.
    lower.checked_div(Decimal::TWO)?.checked_add(upper.checked_div(Decimal::TWO)?)
}

/// Whether one is between 50 and 200 times the other: a hundred, and what a market can move besides.
fn about_hundredfold(mid: Decimal, reference: Decimal) -> bool {
    let (small, large) = if mid < reference { (mid, reference) } else { (reference, mid) };
    let times = |factor: u32| small.checked_mul(Decimal::from(factor));
    small > Decimal::ZERO && times(50).is_some_and(|low| large >= low) && times(200).is_none_or(|high| large <= high)
}

/// How far `mid` is from `reference` in percent of it, where that is more than `percent_max`: rounded up to four
/// decimals and held at [`PERCENT_REPORTED_MAX`], which also stands for "from something that is no price at all".
fn beyond(mid: Decimal, reference: Decimal, percent_max: Decimal) -> Option<Decimal> {
    let percent = (reference > Decimal::ZERO)
        .then(|| mid.checked_sub(reference)?.abs().checked_mul(Decimal::ONE_HUNDRED)?.checked_div(reference))
        .flatten();
    match percent {
        Some(percent) if percent <= percent_max => None,
        Some(percent) => {
            let reported = percent.round_dp_with_strategy(4, RoundingStrategy::AwayFromZero);
            Some(reported.min(PERCENT_REPORTED_MAX))
        }
        None => Some(PERCENT_REPORTED_MAX),
    }
}

/// Too old, or as far in the future: then the observer's clock is wrong, and so its word on the age is worth nothing.
fn stale(age_micros: i64, seconds_max: i64) -> Option<Finding> {
    let micros_max = seconds_max.saturating_mul(MICROS_PER_SECOND);
    if age_micros.saturating_abs() <= micros_max {
        return None;
    }
    // Away from zero, so that 60.5 seconds do not read as 60.
    let seconds = (age_micros.saturating_abs() / MICROS_PER_SECOND)
        .saturating_add(i64::from(age_micros % MICROS_PER_SECOND != 0))
        .saturating_mul(age_micros.signum());
    Some(Finding::Stale { seconds, seconds_max })
}
