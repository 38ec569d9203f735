//! Writes the parts of a canonical text straight into bytes: this runs once a record on the hot path, so nothing here
//! goes through an intermediate value. Only whole `str`s and ASCII are ever written.

use std::{fmt, io::Write};

use hwan_domain::{
    control::ControlTotal,
    money::Money,
    rate::Rate,
    time::{BusinessDate, MICROS_PER_DAY, MICROS_PER_SECOND, Timestamp},
};
use rust_decimal::Decimal;

/// Enough for the 39 digits of a `u128`, its point, and the zeros that a scale of 28 puts before it.
const NUMBER_LEN_MAX: usize = 48;
/// Days from 1970-01-01 to 9999-12-31: the dates whose year has four digits and no sign.
const PLAIN_DAYS: std::ops::RangeInclusive<i32> = 0..=2_932_896;

/// A canonical text in the making.
#[derive(Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
}

impl Text {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    pub(super) fn reusing(text: String) -> Self {
        Self { bytes: text.into_bytes() }
    }

    pub(super) fn finish(self) -> String {
        String::from_utf8(self.bytes).expect("only whole strs and ascii are written")
    }

    /// Text as it stands: punctuation, names of fields.
    pub(super) fn raw(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A JSON string, escaped as needed.
    pub(super) fn string(&mut self, text: &str) {
        serde_json::to_writer(&mut self.bytes, text).expect("a vec takes every byte, a str is always a json string");
    }

    /// A JSON string of something that displays without characters to escape: ids, codes.
    pub(super) fn plain(&mut self, value: impl fmt::Display) {
        self.bytes.push(b'"');
        write!(self.bytes, "{value}").expect("a vec takes every byte");
        self.bytes.push(b'"');
    }

    pub(super) fn number(&mut self, number: u64) {
        self.scaled(false, u128::from(number), 0);
    }

    /// A whole number as a JSON string: won, seconds.
    pub(super) fn quoted_whole(&mut self, number: i64) {
        self.bytes.push(b'"');
        self.scaled(number < 0, u128::from(number.unsigned_abs()), 0);
        self.bytes.push(b'"');
    }

    /// An amount at its currency's exact scale, as a JSON string.
    pub(super) fn amount(&mut self, money: Money) {
        self.bytes.push(b'"');
        let digits = usize::from(money.currency().minor_digits());
        self.scaled(money.is_negative(), u128::from(money.minor().unsigned_abs()), digits);
        self.bytes.push(b'"');
    }

    /// A total at its currency's exact scale, as a JSON string.
    pub(super) fn total(&mut self, total: ControlTotal) {
        self.bytes.push(b'"');
        let digits = usize::from(total.currency.minor_digits());
        self.scaled(total.minor < 0, total.minor.unsigned_abs(), digits);
        self.bytes.push(b'"');
    }

    /// A decimal with all the digits that it has, as a JSON string.
    pub(super) fn decimal(&mut self, decimal: Decimal) {
        self.bytes.push(b'"');
        let negative = decimal.is_sign_negative() && !decimal.is_zero();
        self.scaled(negative, decimal.mantissa().unsigned_abs(), usize::try_from(decimal.scale()).unwrap_or(0));
        self.bytes.push(b'"');
    }

    /// A rate with its unit: `{"won":"934.06","per":100}`.
    pub(super) fn rate(&mut self, rate: Rate) {
        self.raw("{\"won\":");
        self.decimal(rate.value());
        self.raw(",\"per\":");
        self.number(u64::from(rate.unit()));
        self.raw("}");
    }

    /// `2026-11-23T01:00:00.000000Z`, as a JSON string.
    pub(super) fn instant(&mut self, at: Timestamp) {
        let (day, within) = (at.micros().div_euclid(MICROS_PER_DAY), at.micros().rem_euclid(MICROS_PER_DAY));
        let (seconds, micros) = (within / MICROS_PER_SECOND, within % MICROS_PER_SECOND);
        self.bytes.push(b'"');
        self.calendar(BusinessDate::from_days(i32::try_from(day).unwrap_or(i32::MAX)));
        self.bytes.push(b'T');
        self.digits::<2>(seconds / 3_600);
        self.bytes.push(b':');
        self.digits::<2>(seconds / 60 % 60);
        self.bytes.push(b':');
        self.digits::<2>(seconds % 60);
        self.bytes.push(b'.');
        self.digits::<6>(micros);
        self.raw("Z\"");
    }

    /// `2026-11-23`, as a JSON string.
    pub(super) fn date(&mut self, date: BusinessDate) {
        self.bytes.push(b'"');
        self.calendar(date);
        self.bytes.push(b'"');
    }

    /// Bytes in hexadecimal, lower case, as a JSON string.
    pub(super) fn hex(&mut self, bytes: &[u8]) {
        self.bytes.push(b'"');
        for byte in bytes {
            for nibble in [byte >> 4, byte & 15] {
                self.bytes.push(if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble });
            }
        }
        self.bytes.push(b'"');
    }

    /// The last `LEN` decimal digits of a number that is not negative.
    fn digits<const LEN: usize>(&mut self, number: i64) {
        let mut text = [b'0'; LEN];
        let mut rest = number;
        for slot in text.iter_mut().rev() {
            *slot = b'0' + (rest % 10) as u8; // 0 to 9
            rest /= 10;
        }
        self.bytes.extend_from_slice(&text);
    }

    fn calendar(&mut self, date: BusinessDate) {
        if !PLAIN_DAYS.contains(&date.days()) {
            write!(self.bytes, "{date}").expect("a vec takes every byte");
            return;
        }
        let (year, month, day) = civil(i64::from(date.days()));
        self.digits::<4>(year);
        self.bytes.push(b'-');
        self.digits::<2>(month);
        self.bytes.push(b'-');
        self.digits::<2>(day);
    }

    fn scaled(&mut self, negative: bool, mantissa: u128, scale: usize) {
        let mut text = [b'0'; NUMBER_LEN_MAX];
        let mut slots = text.iter_mut().rev();
        let mut len = 0;
        let mut wide = mantissa;
        // Divisions of 64 bits are many times cheaper, and every amount fits.
        let mut narrow = u64::try_from(mantissa).ok();
        let mut take = || match &mut narrow {
            Some(rest) => {
                let digit = (*rest % 10) as u8;
                *rest /= 10;
                (digit, *rest == 0)
            }
            None => {
                let digit = (wide % 10) as u8;
                wide /= 10;
                (digit, wide == 0)
            }
        };
        let mut digits = 0;
        loop {
            if digits == scale
                && scale > 0
                && let Some(slot) = slots.next()
            {
                *slot = b'.';
                len += 1;
            }
            let (digit, last) = take();
            let Some(slot) = slots.next() else { break };
            *slot = b'0' + digit;
            len += 1;
            digits += 1;
            if last && digits > scale {
                break;
            }
        }
        if negative {
            self.bytes.push(b'-');
        }
        self.bytes.extend_from_slice(text.get(NUMBER_LEN_MAX - len..).unwrap_or_default());
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar, by the arithmetic of eras of 400
/// years (146,097 days) that begin on 1 March.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}
