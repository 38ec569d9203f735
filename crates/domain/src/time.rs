//! Time as the engine stamps it, and the bank's days.
//!
//! An instant is microseconds since 1970-01-01T00:00:00Z. A business date is a calendar day of Asia/Seoul, which has
//! been nine hours ahead of UTC, without daylight saving, since 1988; so a fixed offset is exact for every date here.

use std::fmt;

use ::time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// Microseconds in a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds in a day.
pub const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// How far Asia/Seoul is ahead of UTC, in microseconds.
const SEOUL_OFFSET_MICROS: i64 = 9 * 3_600 * MICROS_PER_SECOND;

/// An instant: microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest instant that can be written: the end of the year 9999.
    pub const MAX: Timestamp = Timestamp(253_402_300_799_999_999);

    /// From microseconds since the epoch; held within 1970 and 9999.
    pub const fn from_micros(micros: i64) -> Self {
        if micros < 0 {
            Self(0)
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This instant plus `micros`, held at [`Timestamp::MAX`].
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// This instant plus `seconds`, held at [`Timestamp::MAX`].
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_micros(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Microseconds from `earlier` to here; negative if `earlier` is later.
    pub const fn micros_since(self, earlier: Timestamp) -> i64 {
        self.0 - earlier.0
    }

    /// The calendar day in Asia/Seoul.
    pub fn seoul_date(self) -> BusinessDate {
        BusinessDate::from_days(
            i32::try_from((self.0 + SEOUL_OFFSET_MICROS).div_euclid(MICROS_PER_DAY)).unwrap_or(i32::MAX),
        )
    }

    /// RFC 3339 in UTC with six digits of microseconds: `2026-11-23T01:00:00.000000Z`.
    pub fn to_rfc3339(self) -> String {
        let Ok(at) = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000) else {
            return String::new(); // unreachable: the constructor holds every value within the range
        };
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
            at.microsecond()
        )
    }

    /// Parses RFC 3339 with a `Z` or a numeric offset and at most six digits of fraction.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        parse_rfc3339(text)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = BusinessDate::parse(date)?;
    let rest = rest.strip_prefix(['T', 't'])?;
    let (clock, rest) = rest.split_at_checked(8)?;
    let mut parts = clock.split(':');
    let mut two = || parts.next().filter(|part| part.len() == 2).and_then(digits);
    let (hour, minute, second) = (two()?, two()?, two()?);
    let time = Time::from_hms(u8::try_from(hour).ok()?, u8::try_from(minute).ok()?, u8::try_from(second).ok()?).ok()?;
    let (micros, zone) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let len = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (fraction, zone) = rest.split_at_checked(len)?;
            if len == 0 || len > 6 {
                return None;
            }
            (digits(fraction)? * 10_i64.pow(u32::try_from(6 - len).ok()?), zone)
        }
    };
    let offset = match zone {
        "Z" | "z" => UtcOffset::UTC,
        _ => {
            let sign = match zone.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            if hours.len() != 2 || minutes.len() != 2 {
                return None;
            }
            let (hours, minutes) = (digits(hours)?, digits(minutes)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            UtcOffset::from_whole_seconds(i32::try_from(sign * (hours * 3_600 + minutes * 60)).ok()?).ok()?
        }
    };
    let seconds = PrimitiveDateTime::new(date.0, time).assume_offset(offset).unix_timestamp();
    let at = seconds.checked_mul(MICROS_PER_SECOND)?.checked_add(micros)?;
    (0..=Timestamp::MAX.0).contains(&at).then_some(Timestamp(at))
}

fn digits(text: &str) -> Option<i64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// A day of business: a calendar day of Asia/Seoul.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BusinessDate(Date);

/// The Julian day of 1970-01-01.
const EPOCH_JULIAN_DAY: i32 = 2_440_588;

/// 0000-01-01 and 9999-12-31, in days since 1970-01-01.
const FIRST_DAY: i32 = -719_528;
const LAST_DAY: i32 = 2_932_896;

impl BusinessDate {
    /// From days since 1970-01-01; held within what can be written, the years 0000 to 9999.
    pub fn from_days(days: i32) -> Self {
        let days = days.clamp(FIRST_DAY, LAST_DAY);
        Self(Date::from_julian_day(days.saturating_add(EPOCH_JULIAN_DAY)).unwrap_or(Date::MAX))
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0.to_julian_day() - EPOCH_JULIAN_DAY
    }

    /// Parses `2026-11-23`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        if (year.len(), month.len(), day.len()) != (4, 2, 2) {
            return None;
        }
        let month = ::time::Month::try_from(u8::try_from(digits(month)?).ok()?).ok()?;
        let year = i32::try_from(digits(year)?).ok()?;
        Date::from_calendar_date(year, month, u8::try_from(digits(day)?).ok()?).ok().map(Self)
    }

    /// The instant at which this day begins in Asia/Seoul.
    pub fn begins_at(self) -> Timestamp {
        Timestamp::from_micros(i64::from(self.days()) * MICROS_PER_DAY - SEOUL_OFFSET_MICROS)
    }

    /// The following day.
    pub fn next(self) -> Self {
        Self::from_days(self.days().saturating_add(1))
    }

    /// The first day of this day's month.
    pub fn first_of_month(self) -> Self {
        Self(self.0.replace_day(1).unwrap_or(self.0))
    }

    /// The first day of the month that follows this day's month.
    pub fn first_of_next_month(self) -> Self {
        // Day 1 plus 31 days always lies in the next month.
        Self::from_days(self.first_of_month().days().saturating_add(31)).first_of_month()
    }
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), u8::from(self.0.month()), self.0.day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_survives_its_text() {
        for text in ["1970-01-01T00:00:00.000000Z", "2026-11-23T01:00:00.000001Z", "9999-12-31T23:59:59.999999Z"] {
            assert_eq!(Timestamp::parse_rfc3339(text).unwrap().to_rfc3339(), text);
        }
        let seoul = Timestamp::parse_rfc3339("2026-11-23T10:00:00+09:00").unwrap();
        assert_eq!(seoul.to_rfc3339(), "2026-11-23T01:00:00.000000Z");
        for bad in [
            "",
            "2026-11-23",
            "2026-11-23T01:00:00",
            "2026-13-01T00:00:00Z",
            "2026-11-23T25:00:00Z",
            "2026-11-23T01:00:00.1234567Z",
            "2026-11-23T01:00:00+9:00",
            "２026-11-23T01:00:00Z",
        ] {
            assert_eq!(Timestamp::parse_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_business_day_turns_at_midnight_in_seoul() {
        let at = |text| Timestamp::parse_rfc3339(text).unwrap();
        assert_eq!(at("2026-11-23T14:59:59.999999Z").seoul_date().to_string(), "2026-11-23");
        assert_eq!(at("2026-11-23T15:00:00Z").seoul_date().to_string(), "2026-11-24");
        let day = BusinessDate::parse("2026-11-24").unwrap();
        assert_eq!(day.begins_at(), at("2026-11-23T15:00:00Z"));
        assert_eq!(BusinessDate::from_days(day.days()), day);
    }

    #[test]
    fn months_turn_over_years_and_leap_days() {
        for (day, first, next) in [
            ("2026-12-31", "2026-12-01", "2027-01-01"),
            ("2028-02-29", "2028-02-01", "2028-03-01"),
            ("2026-01-31", "2026-01-01", "2026-02-01"),
        ] {
            let day = BusinessDate::parse(day).unwrap();
            assert_eq!(
                (day.first_of_month().to_string(), day.first_of_next_month().to_string()),
                (first.into(), next.into())
            );
        }
        assert_eq!(BusinessDate::parse("2026-02-29"), None);
    }
}
