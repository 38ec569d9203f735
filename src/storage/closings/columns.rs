//! A closing as its columns hold it: its text, and beside it what it is found by. Reading checks that both say the same.

use hwan_domain::{
    closing::{Closing, LaneDay, Seal},
    currency::CurrencySet,
    id::{LaneId, Seq},
    time::BusinessDate,
};

use crate::storage::{codec::digest, port::StoreError};

/// A closing from its columns.
pub(in crate::storage) fn read_closing(
    days: i32,
    hash: &[u8],
    body: &str,
    currencies: &CurrencySet,
) -> Result<Closing, StoreError> {
    let date = BusinessDate::from_days(days);
    let damaged =
        |what: String| StoreError::Damaged(format!("the closing of {date} cannot be what was sealed: {what}"));
    let closing = Closing::read(body, currencies, digest).map_err(|error| damaged(error.to_string()))?;
    if closing.business_date != date {
        return Err(damaged(format!("its text is of {}", closing.business_date)));
    }
    if closing.hash.0 != hash {
        return Err(damaged(format!("its text has the hash {}", closing.hash)));
    }
    Ok(closing)
}

/// A lane against the end of a date, from its columns.
pub(in crate::storage) fn read_lane_day(
    lane: i64,
    stands_on: Option<i32>,
    (next_date, next_seq): (Option<i32>, Option<i64>),
    dead_letters: i64,
) -> Result<LaneDay, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("{what} of a stored lane is beyond what it can be"));
    let lane = u16::try_from(lane).ok().and_then(LaneId::new).ok_or_else(|| damaged("the number"))?;
    let seq =
        next_seq.map(|seq| u64::try_from(seq).ok().and_then(Seq::new).ok_or_else(|| damaged("a seq"))).transpose()?;
    Ok(LaneDay {
        lane,
        passed: next_date.map(BusinessDate::from_days).zip(seq),
        stands_on: stands_on.map(BusinessDate::from_days),
        dead_letters: u64::try_from(dead_letters).map_err(|_| damaged("a count"))?,
    })
}

/// Whether a closing may follow what is closed last.
pub(in crate::storage) fn follows(closing: &Closing, last: Option<(BusinessDate, Seal)>) -> bool {
    match last {
        None => closing.previous == Seal::GENESIS,
        Some((date, hash)) => closing.previous == hash && closing.business_date == date.next(),
    }
}
