//! A record's text, read by its documented form.

use serde::Deserialize;

use crate::{
    fingerprint,
    history::{Fingerprint, Posting},
    money::{Currency, Decimal, Side, won_leg},
    place::Place,
};

/// What the judge looks at of a record.
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a> {
    pub(super) lane: u16,
    pub(super) seq: u64,
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    #[serde(borrow)]
    pub(super) at: &'a str,
    #[serde(borrow)]
    pub(super) business_date: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) request: Option<&'a str>,
    debit: Option<LegText<'a>>,
    credit: Option<LegText<'a>>,
    terms: Option<Terms<'a>>,
}

#[derive(Debug, Deserialize)]
struct LegText<'a> {
    #[serde(borrow)]
    account: &'a str,
    currency: &'a str,
    amount: &'a str,
    balance_after: &'a str,
    version: u64,
}

#[derive(Debug, Deserialize)]
struct Terms<'a> {
    #[serde(borrow)]
    side: &'a str,
    rate: RateText<'a>,
}

#[derive(Debug, Deserialize)]
struct RateText<'a> {
    #[serde(borrow)]
    won: &'a str,
    per: u32,
}

/// How money moves in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Movement {
    /// Between two accounts of different currencies.
    Exchange,
    /// Into one account.
    In,
    /// Out of one account.
    Out,
    /// No money moves.
    Nothing,
    /// It moves in a way that the clients never ask for.
    Unasked,
}

impl Text<'_> {
    pub(super) fn id(&self) -> Place {
        Place::new(self.lane, self.seq)
    }

    pub(super) fn key_digest(&self) -> Option<Fingerprint> {
        self.key.and_then(fingerprint::of_hex)
    }

    pub(super) fn request_digest(&self) -> Option<Fingerprint> {
        self.request.and_then(fingerprint::of_hex)
    }

    pub(super) fn movement(&self) -> Movement {
        match self.kind {
            "exchanged" => Movement::Exchange,
            "deposited" => Movement::In,
            "withdrawn" => Movement::Out,
            _ if self.debit.is_none() && self.credit.is_none() => Movement::Nothing,
            _ => Movement::Unasked,
        }
    }

    /// The legs, debit first, amounts signed; or what is wrong with them.
    pub(super) fn postings(&self) -> Result<Vec<Posting>, String> {
        let mut postings = Vec::with_capacity(2);
        for (leg, sign) in [(&self.debit, -1), (&self.credit, 1)] {
            let Some(leg) = leg else { continue };
            postings.push(leg.posting(sign).ok_or_else(|| format!("a leg that cannot be read: {leg:?}"))?);
        }
        let legs = (self.debit.is_some(), self.credit.is_some());
        let expected = match self.movement() {
            Movement::Exchange => (true, true),
            Movement::In => (false, true),
            Movement::Out => (true, false),
            Movement::Nothing | Movement::Unasked => legs,
        };
        if legs != expected {
            return Err(format!("{} with debit: {}, credit: {}", self.kind, legs.0, legs.1));
        }
        if self.movement() == Movement::Exchange {
            self.fits().ok_or_else(|| format!("the legs do not fit each other at the rate: {:?}", self.terms))?;
        }
        Ok(postings)
    }

    /// Whether the won leg of an exchange is what the foreign one makes at its rate.
    fn fits(&self) -> Option<()> {
        let (debit, credit, terms) = (self.debit.as_ref()?, self.credit.as_ref()?, self.terms.as_ref()?);
        let (side, won, foreign) = match terms.side {
            "buy" => (Side::Buy, debit, credit),
            "sell" => (Side::Sell, credit, debit),
            _ => return None,
        };
        let expected = won_leg(side, Decimal::of(foreign.amount)?, Decimal::of(terms.rate.won)?, terms.rate.per)?;
        let found = Decimal::of(won.amount)?;
        (won.currency == "KRW" && found.scale == 0 && found.digits == expected && expected > 0).then_some(())
    }
}

impl LegText<'_> {
    fn posting(&self, sign: i64) -> Option<Posting> {
        let minor = |text: &str| Decimal::of(text).and_then(|decimal| i64::try_from(decimal.digits).ok());
        Some(Posting {
            account: Place::of_id(self.account)?,
            currency: Currency::of_code(self.currency)?,
            amount: sign * minor(self.amount).filter(|amount| *amount > 0)?,
            balance_after: minor(self.balance_after)?,
            version: self.version,
        })
    }
}

/// An instant in RFC 3339 with microseconds and `Z`, as microseconds since 1970; `None` if it is not that.
pub(super) fn micros_of(instant: &str) -> Option<i64> {
    let (date, time) = instant.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = time.split_once('.')?;
    let mut parts = clock.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    if fraction.len() != 6 {
        return None;
    }
    let seconds = i64::from(days_of(date)?) * 86_400 + hours * 3_600 + minutes * 60 + seconds;
    Some(seconds * 1_000_000 + fraction.parse::<i64>().ok()?)
}

/// A date as days since 1970.
pub(super) fn days_of(date: &str) -> Option<i32> {
    let mut parts = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    // Years that begin on 1 March, so that the leap day comes last.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days =
        365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day - 1;
    i32::try_from(days - 719_468).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_dates_are_counted_from_1970() {
        assert_eq!(days_of("1970-01-01"), Some(0));
        assert_eq!(days_of("2000-03-01"), Some(11_017));
        assert_eq!(micros_of("1970-01-02T00:00:01.000002Z"), Some(86_401_000_002));
        assert_eq!(micros_of("2026-11-22T22:36:40.721504Z"), Some(1_795_387_000_721_504));
        assert_eq!(micros_of("yesterday"), None);
    }
}
