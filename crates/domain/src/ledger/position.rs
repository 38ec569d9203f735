//! Currency positions: what customers' exchanges and covers leave open, what they have earned, and how far they may go.
//!
//! All of it follows from the turnovers of two accounts. A debit of the position is currency that the bank sold, a credit is
//! currency that it bought; a credit of the won equivalent is won that it received, a debit is won that it paid. So
//!
//! - open = bought − sold, the credit balance of the position;
//! - total = credit balance of the equivalent + open × mid / unit, exactly;
//! - realised = matched × (average selling price − average buying price), matched = the smaller of bought and sold, rounded once,
//!   half to even, to whole won;
//! - unrealised = total − realised: the two always add up.

use rust_decimal::Decimal;

use super::{
    chart::{Chart, Role},
    trial_balance::TrialBalance,
    turnover::Turnover,
};
use crate::{currency::Currency, rate::Rate};

/// The most digits that a [`Decimal`] holds, as a bound: 2^96 − 1.
const MANTISSA_MAX: u128 = (1 << 96) - 1;

/// A bank's position in one currency, by what was ever bought and sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrencyPosition {
    /// The currency.
    pub currency: Currency,
    /// What the bank bought, in minor units of the currency.
    pub bought: i128,
    /// What the bank sold, in minor units of the currency.
    pub sold: i128,
    /// What it paid for what it bought, in won.
    pub won_paid: i128,
    /// What it received for what it sold, in won.
    pub won_received: i128,
}

/// What a position is worth at a rate, in won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Valuation {
    /// The rate.
    pub mid: Rate,
    /// What the open amount is worth; negative where more was sold than bought.
    pub open_won: Decimal,
    /// Earned by what was both bought and sold.
    pub realised: Decimal,
    /// Earned by what is open, if it were closed at the rate.
    pub unrealised: Decimal,
    /// Both together.
    pub total: Decimal,
}

/// Why a position cannot be valued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PositionError {
    /// Beyond what can be computed exactly.
    #[error("the position in {0} is too large to be valued exactly")]
    TooLarge(Currency),
}

impl CurrencyPosition {
    /// By the turnovers of the position and of its won equivalent.
    pub const fn of(currency: Currency, position: Turnover, equivalent: Turnover) -> Self {
        Self {
            currency,
            bought: position.credit,
            sold: position.debit,
            won_paid: equivalent.debit,
            won_received: equivalent.credit,
        }
    }

    /// What is open, in minor units of the currency: positive where the bank holds more than it owes.
    pub const fn open(&self) -> i128 {
        self.bought - self.sold
    }

    /// Earned by what was both bought and sold, in whole won.
    pub fn realised(&self) -> Result<i128, PositionError> {
        let too_large = PositionError::TooLarge(self.currency);
        let matched = self.bought.min(self.sold);
        if matched == 0 {
            return Ok(0);
        }
        // matched × (received / sold − paid / bought). Where all of a side is matched, its price cancels out.
        if self.bought == self.sold {
            return Ok(self.won_received - self.won_paid);
        }
        let share = |won: i128, of: i128| -> Result<(i128, i128), PositionError> {
            Ok(if matched == of { (won, 1) } else { (won.checked_mul(matched).ok_or(too_large)?, of) })
        };
        let (received, sold) = share(self.won_received, self.sold)?;
        let (paid, bought) = share(self.won_paid, self.bought)?;
        // One of the two denominators is 1.
        let received = received.checked_mul(bought).ok_or(too_large)?;
        let paid = paid.checked_mul(sold).ok_or(too_large)?;
        let gained = received.checked_sub(paid).ok_or(too_large)?;
        Ok(half_even(gained, sold * bought))
    }

    /// What the position has earned, if what is open were closed at `mid`.
    pub fn valued(&self, mid: Rate) -> Result<Valuation, PositionError> {
        let too_large = PositionError::TooLarge(self.currency);
        let unit_decimals = if mid.unit() == 100 { 2 } else { 0 };
        let scale = mid.value().scale() + u32::from(self.currency.minor_digits()) + unit_decimals;
        let open_won = self.open().checked_mul(mid.value().mantissa()).ok_or(too_large)?;
        let whole = |won: i128| won.checked_mul(10_i128.pow(scale)).ok_or(too_large);
        let total = whole(self.won_received - self.won_paid)?.checked_add(open_won).ok_or(too_large)?;
        let realised = whole(self.realised()?)?;
        let unrealised = total.checked_sub(realised).ok_or(too_large)?;
        let exact = |won: i128| decimal(won, scale).ok_or(too_large);
        Ok(Valuation {
            mid,
            open_won: exact(open_won)?,
            realised: exact(realised)?,
            unrealised: exact(unrealised)?,
            total: exact(total)?,
        })
    }
}

/// The positions of a trial balance, by currency; one without a turnover is absent.
pub fn positions(chart: &Chart, balance: &TrialBalance) -> Vec<CurrencyPosition> {
    let position_code = chart.code(Role::Position);
    let positions = balance.lines.iter().filter(|line| line.account.code == position_code);
    positions
        .filter_map(|line| {
            let currency = line.account.of?;
            let equivalent = balance.turnover(chart.account_of(Role::PositionEquivalent, currency));
            Some(CurrencyPosition::of(currency, line.turnover, equivalent))
        })
        .collect()
}

/// The nearest whole number to a fraction with a positive denominator; of two that are as near the even one.
fn half_even(numerator: i128, denominator: i128) -> i128 {
    let (floor, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    let up = match (rest.unsigned_abs() * 2).cmp(&denominator.unsigned_abs()) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => floor.rem_euclid(2) == 1,
        std::cmp::Ordering::Greater => true,
    };
    floor + i128::from(up)
}

/// A number by its digits and how many of them are decimals, without zeros at its end; `None` beyond 28 digits.
fn decimal(mut mantissa: i128, mut scale: u32) -> Option<Decimal> {
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    if mantissa.unsigned_abs() > MANTISSA_MAX {
        return None;
    }
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

/// How far an open amount may go, to either side, in whatever it is counted in: minor units of the currency, or its worth in won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionLimit {
    soft: i128,
    hard: i128,
}

/// How far an open amount has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// Below the soft mark.
    Within,
    /// At the soft mark or above: time to cover.
    Soft,
    /// At the hard mark or above.
    Hard,
}

impl Mark {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mark::Within => "within",
            Mark::Soft => "soft",
            Mark::Hard => "hard",
        }
    }
}

impl PositionLimit {
    /// A soft mark above zero and a hard mark not below it; `None` for anything else.
    pub const fn new(soft: i128, hard: i128) -> Option<Self> {
        if soft > 0 && soft <= hard { Some(Self { soft, hard }) } else { None }
    }

    /// The soft mark.
    pub const fn soft(self) -> i128 {
        self.soft
    }

    /// The hard mark.
    pub const fn hard(self) -> i128 {
        self.hard
    }

    /// How far this open amount has gone, to either side.
    pub const fn mark(self, open: i128) -> Mark {
        let open = open.unsigned_abs();
        if open >= self.hard.unsigned_abs() {
            Mark::Hard
        } else if open >= self.soft.unsigned_abs() {
            Mark::Soft
        } else {
            Mark::Within
        }
    }
}
