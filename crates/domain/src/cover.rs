//! Cover trades: what the bank deals for itself in the market, to cover what its customers have left it with.
//!
//! A deal is reported as it was made; here it is judged by its own numbers alone. It touches no customer's account, so
//! no balance and no limit is asked: only the bank's position in its own books follows from it.

use rust_decimal::Decimal;

use crate::{
    currency::{Currency, CurrencySet, CurrencySpec},
    exchange::{Ratio, Side},
    money::Money,
    rate::Rate,
    record::Cover,
    rejection::{Code, Rejection, Violation, Violations},
};

/// A deal as it is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// Whether the bank bought or sold the foreign currency.
    pub side: Side,
    /// The foreign amount.
    pub amount: Money,
    /// At which rate, in won per the currency's rate unit.
    pub rate: Decimal,
    /// What was paid or received in won; the amount at the rate without, rounded half away from zero.
    pub won: Option<Money>,
    /// Its reference in the bank's dealing system, if it has one.
    pub reference: Option<Box<str>>,
}

impl Deal {
    /// The cover trade that it is. Everything that stands against it is found: `pair_not_found` for a currency that the
    /// bank does not trade, `amount_too_small`, `amount_too_large`, `cover_invalid` where rate and won cannot be.
    pub fn cover(&self, currencies: &CurrencySet) -> Result<Cover, Rejection> {
        let currency = self.amount.currency();
        let spec = currencies.spec(currency).filter(|_| !currency.is_home());
        let mut violations = Violations::new();
        if spec.is_none() {
            let detail = format!("{currency} is not traded against the won here");
            violations.push(Violation::new(Code::PairNotFound, detail));
        }
        if self.amount.minor() <= 0 {
            violations.push(Violation::new(Code::AmountTooSmall, "a deal is of more than nothing"));
        }
        // What is no pair of the bank's has no unit and no decimals to be judged by.
        let rate = spec.and_then(|spec| rate(self.rate, spec).map_err(|violation| violations.push(violation)).ok());
        let won = rate.filter(|_| self.amount.minor() > 0);
        let won = won.and_then(|rate| self.won_at(rate).map_err(|violation| violations.push(violation)).ok());
        match (rate, won, Rejection::of(violations)) {
            (Some(rate), Some(won), None) => {
                let reference = self.reference.clone();
                Ok(Cover { side: self.side, amount: self.amount, won, rate, reference })
            }
            (_, _, Some(rejection)) => Err(rejection),
            // Whatever is missing was refused above.
            (_, _, None) => Err(Rejection::one(Code::CoverInvalid, "the deal cannot be valued")),
        }
    }

    /// The won of the deal at this rate: as reported, if that is less than one won off; else as it follows.
    fn won_at(&self, rate: Rate) -> Result<Money, Violation> {
        let (amount, ratio) = (self.amount, Ratio::of(rate, self.amount.currency()));
        let nearest = ratio.won_nearest(amount.minor());
        let Some(won) = self.won else {
            if nearest == 0 {
                let detail = format!("{amount} {} at {rate} is worth less than half a won", amount.currency());
                return Err(Violation::new(Code::AmountTooSmall, detail));
            }
            let money = i64::try_from(nearest).ok().and_then(|won| Money::won(won).ok());
            return money.ok_or_else(|| {
                let detail = format!("the deal is worth {nearest} KRW, beyond what is posted at once");
                Violation::new(Code::AmountTooLarge, detail)
            });
        };
        if won.currency() != Currency::KRW {
            let detail = format!("the other side of a deal is won, not {}", won.currency());
            return Err(Violation::new(Code::CoverInvalid, detail));
        }
        if won.minor() <= 0 {
            return Err(Violation::new(Code::AmountTooSmall, "a deal is for more than no won"));
        }
        if !ratio.is_nearly(amount.minor(), won.minor()) {
            let detail = format!(
                "{amount} {} at {rate} is worth {nearest} KRW: {won} KRW is a won or more off, look at the rate's unit",
                amount.currency()
            );
            return Err(Violation::new(Code::CoverInvalid, detail));
        }
        Ok(won)
    }
}

/// The number as a rate of this currency: per its unit, with at most its decimals.
fn rate(value: Decimal, spec: &CurrencySpec) -> Result<Rate, Violation> {
    let value = if value.scale() > spec.rate_decimals { value.normalize() } else { value };
    if value.scale() > spec.rate_decimals {
        let detail = format!("a rate of {} has at most {} decimals", spec.code, spec.rate_decimals);
        return Err(Violation::new(Code::CoverInvalid, detail));
    }
    Rate::new(value, spec.rate_unit).map_err(|error| Violation::new(Code::CoverInvalid, error.to_string()))
}
