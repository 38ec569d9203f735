//! The trace that a request belongs to, as W3C Trace Context has it: kept, never judged.
//!
//! A well-formed `traceparent` stands in the answer, in the audit trail and in the log lines of its request; any other
//! is ignored, as the recommendation asks.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

/// Where it travels.
pub static HEADER: HeaderName = HeaderName::from_static("traceparent");

/// Version 00: two, 32, 16 and two hexadecimal digits.
const LEN: usize = 55;
/// The longest that a later version may have.
const LEN_MAX: usize = 128;

/// The request's trace, if it has a well-formed one.
pub fn of(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(&HEADER)?;
    is_well_formed(value.as_bytes()).then(|| value.clone())
}

fn is_well_formed(value: &[u8]) -> bool {
    let Some((known, rest)) = value.split_at_checked(LEN) else { return false };
    let mut fields = known.split(|byte| *byte == b'-');
    let mut field = |len: usize| {
        fields.next().filter(|field| {
            field.len() == len && field.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
        })
    };
    let (Some(version), Some(trace), Some(parent), Some(_flags)) = (field(2), field(32), field(16), field(2)) else {
        return false;
    };
    let not_zero = |field: &[u8]| field.iter().any(|byte| *byte != b'0');
    let end = if version == b"00" {
        rest.is_empty()
    } else {
        rest.is_empty() || rest.starts_with(b"-") && rest.iter().all(u8::is_ascii_graphic)
    };
    version != b"ff" && not_zero(trace) && not_zero(parent) && end && value.len() <= LEN_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_well_formed_is_kept_and_nothing_else() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for kept in [good, &good.replacen("00", "01", 1), &format!("{}-more", good.replacen("00", "cc", 1))] {
            assert!(is_well_formed(kept.as_bytes()), "{kept}");
        }
        for ignored in [
            "",
            &good[1..],
            &good[..54],
            &format!("{good}-more"),
            &format!("{good}0"),
            &good.to_uppercase(),
            &good.replacen("00", "ff", 1),
            &good.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &good.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &good.replace('-', "_"),
            &format!("{}-{}", good.replacen("00", "cc", 1), "x".repeat(128)),
            &format!("{}- ", good.replacen("00", "cc", 1)),
        ] {
            assert!(!is_well_formed(ignored.as_bytes()), "{ignored}");
        }
    }
}
