//! Instants as the clock's port writes them, and the next time of day in Asia/Seoul. Seoul is nine hours ahead of UTC
//! the whole year.

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
const SEOUL_AHEAD_MICROS: i64 = 9 * 3_600 * MICROS_PER_SECOND;

/// Microseconds since 1970 of `2026-11-23T01:00:00.000000Z`; any number of decimals up to six.
pub(super) fn parse_utc(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut time = time.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes, seconds) = (time.next()??, time.next()??, time.next()??);
    let micros = if fraction.len() > 6 { None } else { format!("0{fraction:0<6}").parse::<i64>().ok() }?;
    let seconds = (hours * 60 + minutes) * 60 + seconds;
    Some(days_of(year, month, day) * MICROS_PER_DAY + seconds * MICROS_PER_SECOND + micros)
}

/// An instant in UTC with microseconds.
pub(super) fn format_utc(micros: i64) -> String {
    let (year, month, day) = date_of(micros.div_euclid(MICROS_PER_DAY));
    let of_day = micros.rem_euclid(MICROS_PER_DAY);
    let (seconds, micros) = (of_day / MICROS_PER_SECOND, of_day % MICROS_PER_SECOND);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{micros:06}Z")
}

/// The first instant after `now` at which it is this time of day in Seoul, on that day of a month where one is named.
pub(super) fn next_in_seoul(now: i64, micros_of_day: i64, day_of_month: Option<u32>) -> i64 {
    let today = (now + SEOUL_AHEAD_MICROS).div_euclid(MICROS_PER_DAY);
    let fits = |day: &i64| {
        let (_, _, of_month) = date_of(*day);
        let instant = day * MICROS_PER_DAY + micros_of_day - SEOUL_AHEAD_MICROS;
        instant > now && day_of_month.is_none_or(|wanted| i64::from(wanted) == of_month)
    };
    // A day up to the 28th comes within 62 days.
    let day = (today..today + 63).find(fits).unwrap_or(today + 1);
    day * MICROS_PER_DAY + micros_of_day - SEOUL_AHEAD_MICROS
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
/// algorithms").
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_of`].
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_survive_being_written_and_read() {
        for text in ["2026-11-23T01:00:00.000000Z", "2028-02-29T23:59:59.999999Z", "1970-01-01T00:00:00.000000Z"] {
            assert_eq!(format_utc(parse_utc(text).unwrap()), text);
        }
        assert_eq!(parse_utc("2026-11-23T01:00:00Z"), parse_utc("2026-11-23T01:00:00.000000Z"));
        assert_eq!(parse_utc("2026-11-23T01:00:00.5Z").unwrap() % MICROS_PER_SECOND, 500_000);
        for wrong in ["2026-11-23", "2026-11-23T01:00:00", "x-11-23T01:00:00Z", "2026-11-23T01:00:00.1234567Z"] {
            assert_eq!(parse_utc(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_next_time_of_day_is_todays_or_tomorrows_in_seoul() {
        let next = |now: &str, seconds: i64, day| {
            format_utc(next_in_seoul(parse_utc(now).unwrap(), seconds * MICROS_PER_SECOND, day))
        };
        let nine = 9 * 3_600;
        // Ten in the morning in Seoul.
        assert_eq!(next("2026-11-23T01:00:00Z", nine, None), "2026-11-24T00:00:00.000000Z");
        assert_eq!(next("2026-11-23T01:00:00Z", 11 * 3_600, None), "2026-11-23T02:00:00.000000Z");
        assert_eq!(next("2026-11-24T00:00:00Z", nine, None), "2026-11-25T00:00:00.000000Z");
        assert_eq!(next("2026-11-23T23:59:59.999Z", nine, None), "2026-11-24T00:00:00.000000Z");
        assert_eq!(next("2026-11-23T01:00:00Z", nine, Some(1)), "2026-12-01T00:00:00.000000Z");
        assert_eq!(next("2026-12-31T16:00:00Z", nine, Some(1)), "2027-01-01T00:00:00.000000Z");
    }
}
