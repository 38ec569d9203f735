//! A business day that ends when it is wanted: far from midnight by its own clock when the measurement begins.

const SECONDS_PER_MINUTE: u64 = 60;
const SECONDS_PER_HOUR: u64 = 3_600;
const SECONDS_PER_DAY: u64 = 24 * SECONDS_PER_HOUR;
/// How long after the beginning of a measurement its day may end at most.
const ENDS_WITHIN: u64 = 8 * SECONDS_PER_HOUR;

/// A clock beside UTC by which the day is counted, so that it is about noon when the measurement begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Day {
    began_unix: u64,
    /// How many hours ahead of UTC, -11 to 12.
    offset_hours: i64,
}

impl Day {
    pub(super) fn around_noon(now_unix: u64) -> Self {
        let hour = (now_unix / SECONDS_PER_HOUR) % 24;
        Self { began_unix: now_unix, offset_hours: 12 - i64::try_from(hour).unwrap_or(0) }
    }

    /// The latest minute at which it may end, in seconds since 1970.
    pub(super) const fn latest_end(&self) -> u64 {
        Self::minute_from(self.began_unix + ENDS_WITHIN)
    }

    /// The first whole minute from this second on, in seconds since 1970: a date turns at a minute.
    pub(super) const fn minute_from(unix: u64) -> u64 {
        unix.div_ceil(SECONDS_PER_MINUTE) * SECONDS_PER_MINUTE
    }

    /// The settings of a server whose business date turns at this minute, in seconds since 1970.
    pub(super) fn settings(&self, turns_at_unix: u64) -> Vec<(String, String)> {
        let sign = if self.offset_hours < 0 { '-' } else { '+' };
        let ahead = u64::try_from(self.offset_hours.rem_euclid(24)).unwrap_or(0) * SECONDS_PER_HOUR;
        let local = (turns_at_unix + ahead) % SECONDS_PER_DAY;
        let rolls_at = format!("{:02}:{:02}", local / SECONDS_PER_HOUR, local / SECONDS_PER_MINUTE % 60);
        vec![
            ("HWAN_BUSINESS_DAY__UTC_OFFSET".to_owned(), format!("{sign}{:02}:00", self.offset_hours.abs())),
            ("HWAN_BUSINESS_DAY__ROLLS_AT".to_owned(), rolls_at),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_about_noon_when_it_is_made_and_ends_when_it_is_wanted() {
        for hour in 0..24 {
            let now = 1_795_392_000 + hour * SECONDS_PER_HOUR + 1_234; // 2026-11-23T00:20:34Z and each hour after
            let day = Day::around_noon(now);
            let settings = day.settings(Day::minute_from(now + 130));
            let local = settings[1].1.clone();
            assert_eq!(local, "12:23", "{hour}: {settings:?}");
            let latest = &day.settings(day.latest_end())[1].1;
            assert!(local < *latest, "{hour}: the day ends within itself, {local} {latest}");
        }
    }
}
