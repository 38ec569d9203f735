//! When business dates begin.

use hwan_domain::business_day::BusinessDay;
use serde::Deserialize;

use super::ConfigError;

/// The schedule of business dates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusinessDayConfig {
    /// How far local time is ahead of UTC: `+09:00`.
    pub utc_offset: String,
    /// When the date turns, by the local clock: `00:00`.
    pub rolls_at: String,
}

impl BusinessDayConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.schedule().map(|_| ())
    }

    /// As the engine takes it.
    pub fn schedule(&self) -> Result<BusinessDay, ConfigError> {
        let refused = |field, found: &str, advice: &str| {
            Err(ConfigError::Bound { field, found: format!("{found:?}"), advice: advice.to_owned() })
        };
        let Some(utc_offset) = offset(&self.utc_offset) else {
            let advice =
                "write how far local time is ahead of UTC, -14:00 to +14:00, such as \"+09:00\" for Asia/Seoul";
            return refused("business_day.utc_offset", &self.utc_offset, advice);
        };
        match time(&self.rolls_at).and_then(|rolls_at| BusinessDay::new(utc_offset, rolls_at)) {
            Some(day) => Ok(day),
            None => {
                let advice =
                    "write when the date turns by the local clock, 00:00 to 23:59, such as \"00:00\" for midnight";
                refused("business_day.rolls_at", &self.rolls_at, advice)
            }
        }
    }
}

/// Minutes of `+09:00`.
fn offset(text: &str) -> Option<i16> {
    let (sign, text) = text.split_at_checked(1)?;
    let minutes = match text.split_once(':')? {
        ("14", "00") => 840,
        _ => i16::try_from(time(text)?).ok().filter(|minutes| *minutes < 840)?,
    };
    match sign {
        "+" => Some(minutes),
        "-" => Some(-minutes),
        _ => None,
    }
}

/// Minutes of `23:59`.
fn time(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |text: &str, below: u16| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number: &u16| digits && *number < below)
    };
    Some(two(hours, 24)? * 60 + two(minutes, 60)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(utc_offset: &str, rolls_at: &str) -> Result<BusinessDay, String> {
        let config = BusinessDayConfig { utc_offset: utc_offset.into(), rolls_at: rolls_at.into() };
        config.schedule().map_err(|error| error.to_string())
    }

    #[test]
    fn offsets_and_times_are_read_as_they_are_written() {
        for (utc_offset, rolls_at, offset, minute) in [
            ("+09:00", "00:00", 540, 0),
            ("-05:00", "17:00", -300, 1_020),
            ("+14:00", "23:59", 840, 1_439),
            ("-00:30", "06:15", -30, 375),
        ] {
            assert_eq!(read(utc_offset, rolls_at).ok(), BusinessDay::new(offset, minute), "{utc_offset} {rolls_at}");
        }
        assert_eq!(read("+09:00", "00:00"), Ok(BusinessDay::SEOUL));
    }

    #[test]
    fn what_is_no_offset_or_no_time_is_refused_by_name() {
        for wrong in ["", "09:00", "+9:00", "+14:01", "-15:00", "+09:60", "+09", "Asia/Seoul", "+0a:00"] {
            let error = read(wrong, "00:00").unwrap_err();
            assert!(error.starts_with("business_day.utc_offset is ") && error.contains("+09:00"), "{error}");
        }
        for wrong in ["", "24:00", "0:00", "00:60", "midnight", "00:00:00"] {
            let error = read("+09:00", wrong).unwrap_err();
            assert!(error.starts_with("business_day.rolls_at is ") && error.contains("midnight"), "{error}");
        }
    }
}
