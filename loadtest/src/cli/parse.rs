//! Values of the command line that are more than a number.

use std::time::Duration;

use clap::ValueEnum;

use super::BaselineKind;

/// `500ms`, `30s`, `5m`; an hour at most, so that nothing here runs for ever.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let unit_from = text.find(|c: char| !c.is_ascii_digit()).ok_or("a duration needs a unit: 500ms, 30s or 5m")?;
    let (number, unit) = text.split_at(unit_from);
    let number: u64 = number.parse().map_err(|_| format!("{text:?} does not begin with a number"))?;
    let millis = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        _ => return Err(format!("unknown unit {unit:?}: use ms, s or m")),
    };
    millis.filter(|millis| *millis <= 3_600_000).map(Duration::from_millis).ok_or("an hour at most".to_owned())
}

/// `15` or `2.5` milliseconds, in microseconds: three decimals, an hour at most.
pub(super) fn millis(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no number of milliseconds such as 15 or 2.5");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 3 || whole.len() > 7 {
        return Err(wrong());
    }
    let micros: u64 = format!("{whole}{decimals:0<3}").parse().map_err(|_| wrong())?;
    if micros <= 3_600_000_000 { Ok(micros) } else { Err("an hour at most".to_owned()) }
}

/// `2` or `1.5` times, in hundredths.
pub(super) fn times(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no ratio such as 2 or 1.5");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 2 || whole.len() > 6 {
        return Err(wrong());
    }
    format!("{whole}{decimals:0<2}").parse().map_err(|_| wrong())
}

/// `row-lock=5` or `redis-lock=7.5`: an alternative, and hundredths of a ratio.
pub(super) fn at_least(text: &str) -> Result<(BaselineKind, u64), String> {
    let wrong = || format!("{text:?} is no ratio such as row-lock=5");
    let (kind, ratio) = text.split_once('=').ok_or_else(wrong)?;
    let hundredths = times(ratio).map_err(|_| wrong())?;
    Ok((BaselineKind::from_str(kind, false).map_err(|_| wrong())?, hundredths))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_an_end() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        for bad in ["", "5", "s", "5h", "61m", "-1s", "1.5s", "99999999999999999999m"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn milliseconds_may_have_decimals() {
        assert_eq!([millis("15"), millis("2.5"), millis("0.125")], [Ok(15_000), Ok(2_500), Ok(125)]);
        for bad in ["", ".", "1.", ".5", "-1", "1.2345", "1e3", "3600001"] {
            assert!(millis(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_ratio_names_an_alternative() {
        assert_eq!(at_least("row-lock=5"), Ok((BaselineKind::RowLock, 500)));
        assert_eq!(at_least("redis-lock=7.5"), Ok((BaselineKind::RedisLock, 750)));
        for bad in ["", "row-lock", "row-lock=", "x=5", "row-lock=-1", "row-lock=1.234"] {
            assert!(at_least(bad).is_err(), "{bad}");
        }
    }
}
