//! Rounds (고시회차): rate notices of a pair, numbered from 1 each business date.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;

use crate::{
    currency::Currency,
    rate::Rate,
    time::{BusinessDate, Timestamp},
};

/// Names a round: `USD-20261123-1`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoundId {
    /// The currency's code, three capital letters.
    pub currency: [u8; 3],
    /// The business date on which it was published.
    pub date: BusinessDate,
    /// The number within that date, from 1.
    pub number: u32,
}

/// Whether a round trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoundStatus {
    /// The pair's current round.
    Active,
    /// A later one took its place; quotes on it stay good.
    Superseded,
    /// The guard refused it; it never traded.
    Halted,
    /// Declared wrong afterwards; quotes on it are refused.
    Voided,
}

/// A rate notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// Its name.
    pub id: RoundId,
    /// The foreign currency; the other side is always the won.
    pub currency: Currency,
    /// The middle rate.
    pub mid: Rate,
    /// The spread between mid and TT rate in won, already cut to the currency's decimals.
    pub spread: Decimal,
    /// How much of the spread is waived, in percent; 100 trades at mid.
    pub preference_percent: Decimal,
    /// When it was published.
    pub published_at: Timestamp,
    /// It does not trade from this instant on.
    pub valid_until: Timestamp,
    /// Whether it trades.
    pub status: RoundStatus,
}

impl fmt::Display for RoundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = std::str::from_utf8(&self.currency).unwrap_or("???"); // an error would make `to_string` panic
        write!(f, "{code}-{}-{}", self.date.to_string().replace('-', ""), self.number)
    }
}

impl fmt::Debug for RoundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a round's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a round: expected currency, date and number, such as USD-20261123-1")]
pub struct RoundIdError;

impl FromStr for RoundId {
    type Err = RoundIdError;

    fn from_str(text: &str) -> Result<Self, RoundIdError> {
        let mut parts = text.split('-');
        let (Some(code), Some(date), Some(number), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(RoundIdError);
        };
        let currency: [u8; 3] = code.as_bytes().try_into().map_err(|_| RoundIdError)?;
        if !currency.iter().all(u8::is_ascii_uppercase)
            || date.len() != 8
            || !date.is_ascii()
            || number.starts_with(['0', '+'])
        {
            return Err(RoundIdError);
        }
        let (year, rest) = date.split_at(4);
        let (month, day) = rest.split_at(2);
        let date = BusinessDate::parse(&format!("{year}-{month}-{day}")).ok_or(RoundIdError)?;
        Ok(Self { currency, date, number: number.parse().map_err(|_| RoundIdError)? })
    }
}
