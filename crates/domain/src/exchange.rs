//! What an exchange costs, and the rule of rounding.
//!
//! Truncating both ways at the mid rate is exploitable, so per exchange: buying foreign currency debits
//! **ceil**(amount × rate / unit) won, selling credits **floor** of it, and a leg of zero is refused. Splitting a trade
//! or going round in a circle never gains the customer anything.

use rust_decimal::Decimal;

use crate::{
    currency::Currency,
    money::Money,
    rate::Rate,
    rejection::{Code, Violation},
    round::{Round, RoundId},
};

/// The customer's side in the foreign currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Foreign currency for won: the won account is debited.
    Buy,
    /// Won for foreign currency: the foreign account is debited.
    Sell,
}

/// What the customer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Exactly this much foreign currency.
    Foreign(Money),
    /// Exactly this much won on the won leg; refused if no foreign amount is worth exactly that.
    Won(Money),
    /// Buying only: as much foreign currency as this much won pays for; the rest stays in won.
    WonBudget(Money),
}

/// The numbers that an exchange trades at: copies of its round's, never looked up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Buy or sell.
    pub side: Side,
    /// The foreign currency.
    pub currency: Currency,
    /// The round.
    pub round: RoundId,
    /// The round's middle rate.
    pub mid: Rate,
    /// The customer's rate: mid plus (buy) or minus (sell) what the preference leaves of the spread.
    pub rate: Rate,
    /// The preference, in percent.
    pub preference_percent: Decimal,
}

/// Both amounts of an exchange, positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priced {
    /// In the foreign currency.
    pub foreign: Money,
    /// In won.
    pub won: Money,
}

impl Terms {
    /// The terms that a round gives to a customer on this side.
    pub fn of(round: &Round, side: Side) -> Result<Self, Violation> {
        let rate = Self::rate_of(round, side).ok_or_else(|| {
            Violation::new(Code::RateUnavailable, format!("round {} gives no rate to trade at on this side", round.id))
        })?;
        Ok(Self {
            side,
            currency: round.currency,
            round: round.id,
            mid: round.mid,
            rate,
            preference_percent: round.preference_percent,
        })
    }

    /// Mid and what the preference leaves of the spread; `None` where that is no rate (a spread as large as mid).
    fn rate_of(round: &Round, side: Side) -> Option<Rate> {
        let kept = Decimal::ONE_HUNDRED.checked_sub(round.preference_percent)?.checked_div(Decimal::ONE_HUNDRED)?;
        let spread = round.spread.checked_mul(kept)?.normalize();
        let value = match side {
            _ if spread.is_zero() => return Some(round.mid),
            Side::Buy => round.mid.value().checked_add(spread)?,
            Side::Sell => round.mid.value().checked_sub(spread)?,
        };
        Rate::new(value, round.mid.unit()).ok()
    }

    /// Whether the rate is worse for the customer than `worst`: above it when buying, below it when selling.
    pub fn worse_than(&self, worst: Decimal) -> bool {
        match self.side {
            Side::Buy => self.rate.value() > worst,
            Side::Sell => self.rate.value() < worst,
        }
    }

    /// Both amounts of an exchange at these terms.
    pub fn price(&self, ask: Ask) -> Result<Priced, Violation> {
        let (asked, expected) = match ask {
            Ask::Foreign(foreign) => (foreign.currency(), self.currency),
            Ask::Won(won) | Ask::WonBudget(won) => (won.currency(), Currency::KRW),
        };
        if asked != expected {
            let detail = format!("the amount is in {asked}, this exchange takes it in {expected}");
            return Err(Violation::new(Code::AccountNotFound, detail));
        }
        let ratio = Ratio::of(self.rate, self.currency);
        let (foreign, won) = match (ask, self.side) {
            (Ask::Foreign(foreign), side) => (foreign.minor(), ratio.won(foreign.minor(), side)),
            (Ask::Won(won), side) => {
                let foreign = ratio.foreign(won.minor(), side);
                let reached = ratio.won(narrow(foreign)?, side);
                if reached != i128::from(won.minor()) {
                    return Err(inexact(won, reached));
                }
                (narrow(foreign)?, reached)
            }
            (Ask::WonBudget(budget), Side::Buy) => {
                let foreign = narrow(ratio.foreign(budget.minor(), Side::Buy))?;
                (foreign, ratio.won(foreign, Side::Buy))
            }
            (Ask::WonBudget(_), Side::Sell) => {
                return Err(Violation::new(
                    Code::WonAmountNotExact,
                    "a won budget is for buying: sell a foreign or a won amount",
                ));
            }
        };
        if foreign <= 0 || won <= 0 {
            return Err(Violation::new(Code::AmountTooSmall, "a leg of the exchange would be zero: ask for more"));
        }
        Ok(Priced {
            foreign: Money::from_minor(foreign, self.currency).map_err(|_| too_large())?,
            won: Money::won(narrow(won)?).map_err(|_| too_large())?,
        })
    }
}

fn too_large() -> Violation {
    Violation::new(Code::AmountTooLarge, "the amount is beyond what an account can hold")
}

fn narrow(minor: i128) -> Result<i64, Violation> {
    i64::try_from(minor).map_err(|_| too_large())
}

fn inexact(asked: Money, reached: i128) -> Violation {
    Violation::new(
        Code::WonAmountNotExact,
        format!(
            "no foreign amount is worth exactly {asked} KRW at this rate, the nearest is worth {reached} KRW: ask for a foreign amount, or buy for a won budget"
        ),
    )
}

/// Won per minor unit of the foreign currency, as an exact fraction of integers.
///
/// A rate's mantissa is below 10^17, an amount at most 10^17, the denominator at most 10^14: every product of two of
/// them stays far below the 1.7 × 10^38 of an `i128`.
pub(crate) struct Ratio {
    numerator: i128,
    denominator: i128,
}

impl Ratio {
    /// Of a rate of this currency.
    pub(crate) fn of(rate: Rate, currency: Currency) -> Self {
        let decimals = rate.value().scale() + u32::from(currency.minor_digits());
        Self { numerator: rate.value().mantissa(), denominator: 10_i128.pow(decimals) * i128::from(rate.unit()) }
    }

    /// The won leg of `foreign` minor units: ceil when the customer buys, floor when the customer sells.
    pub(crate) fn won(&self, foreign: i64, side: Side) -> i128 {
        let exact = i128::from(foreign) * self.numerator;
        match side {
            Side::Buy => div_ceil(exact, self.denominator),
            Side::Sell => exact.div_euclid(self.denominator),
        }
    }

    /// The won that a positive amount of `foreign` minor units is worth, rounded half away from zero.
    pub(crate) fn won_nearest(&self, foreign: i64) -> i128 {
        (2 * i128::from(foreign) * self.numerator + self.denominator).div_euclid(2 * self.denominator)
    }

    /// Whether `foreign` minor units are worth `won`, but for less than one won.
    pub(crate) fn is_nearly(&self, foreign: i64, won: i64) -> bool {
        let difference = i128::from(won) * self.denominator - i128::from(foreign) * self.numerator;
        difference.abs() < self.denominator
    }

    /// What `won` is above the worth of `foreign` minor units, in millionths of a won, cut towards zero; negative below it.
    /// `None` beyond what can be counted.
    pub(crate) fn excess_millionths(&self, foreign: i64, won: i64) -> Option<i64> {
        let worth = i128::from(foreign).checked_mul(self.numerator)?;
        let excess = i128::from(won).checked_mul(self.denominator)?.checked_sub(worth)?;
        i64::try_from(excess.checked_mul(1_000_000)?.checked_div(self.denominator)?).ok()
    }

    /// Whether who holds `won` and `foreign` more than before, either may be negative, has more than before.
    pub(crate) fn is_gain(&self, foreign: i64, won: i64) -> bool {
        let worth = i128::from(foreign) * self.numerator;
        i128::from(won) * self.denominator + worth > 0
    }

    /// Buying: the most foreign minor units that `won` pays for. Selling: the fewest that are worth `won`.
    fn foreign(&self, won: i64, side: Side) -> i128 {
        let exact = i128::from(won) * self.denominator;
        match side {
            Side::Buy => exact.div_euclid(self.numerator),
            Side::Sell => div_ceil(exact, self.numerator),
        }
    }
}

fn div_ceil(dividend: i128, divisor: i128) -> i128 {
    -(-dividend).div_euclid(divisor)
}

/// The value of a foreign amount in won at `rate`, for limits and caps, not for postings. Rounded up, so that many
/// small amounts never count less than their sum.
pub fn value_in_won(amount: Money, rate: Rate) -> i64 {
    i64::try_from(Ratio::of(rate, amount.currency()).won(amount.minor(), Side::Buy)).unwrap_or(i64::MAX)
}
