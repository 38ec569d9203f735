//! An alert as columns hold it: the same in every store.

use hwan_domain::{
    anomaly::{Alert, Severity},
    id::Position,
    time::Timestamp,
};
use sha2::{Digest, Sha256};

use super::port::{AlertState, Checkpoint, Note};
use crate::storage::port::StoreError;

/// How large a part of a state is, in bytes.
const PART_BYTES: usize = 512 * 1_024;

/// The columns that an alert is read from.
pub(in crate::storage) const ALERT: &str = "SELECT id, rule, severity, state, subject_kind, subject, expected, found, \
    record, account, pair, at, first_seen, last_seen, times_seen, times_reopened, acknowledged_at, acknowledged_by, \
    acknowledged_note, resolved_at, resolved_by, resolved_note FROM alert";

/// A severity's number.
pub(in crate::storage) const fn severity_number(severity: Severity) -> i64 {
    match severity {
        Severity::Info => 0,
        Severity::Warning => 1,
        Severity::Critical => 2,
    }
}

/// The severity of a number.
pub(in crate::storage) fn read_severity(number: i64) -> Result<Severity, StoreError> {
    Severity::ALL
        .into_iter()
        .find(|severity| severity_number(*severity) == number)
        .ok_or_else(|| StoreError::Damaged(format!("{number} is no severity")))
}

/// A state's number.
pub(in crate::storage) const fn state_number(state: AlertState) -> i64 {
    match state {
        AlertState::Open => 0,
        AlertState::Acknowledged => 1,
        AlertState::Resolved => 2,
    }
}

/// The state of a number.
pub(in crate::storage) fn read_state(number: i64) -> Result<AlertState, StoreError> {
    AlertState::ALL
        .into_iter()
        .find(|state| state_number(*state) == number)
        .ok_or_else(|| StoreError::Damaged(format!("{number} is no state of an alert")))
}

/// A place from its column.
pub(in crate::storage) fn read_place(packed: Option<i64>) -> Result<Option<Position>, StoreError> {
    let damaged = |packed| StoreError::Damaged(format!("{packed} is not a position"));
    packed.map(|packed| Position::from_packed(packed).ok_or_else(|| damaged(packed))).transpose()
}

/// What somebody said, where somebody said anything.
pub(in crate::storage) fn read_note(at: Option<i64>, by: Option<String>, text: Option<String>) -> Option<Note> {
    let at = Timestamp::from_micros(at?);
    Some(Note { by: by.unwrap_or_default(), at, text: text.unwrap_or_default() })
}

/// A count from its column.
pub(in crate::storage) fn read_count(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Damaged("a count is negative".to_owned()))
}

/// The account and the pair of an alert, as columns hold them.
pub(in crate::storage) fn touched(alert: &Alert) -> (Option<i64>, Option<String>) {
    let account = alert.account.map(|account| account.position().packed());
    (account, alert.pair.map(|currency| currency.code().to_owned()))
}

/// A state in parts, and the digest of all of them.
pub(in crate::storage) fn parts(checkpoint: &Checkpoint) -> (Vec<&[u8]>, [u8; 32]) {
    (checkpoint.body.chunks(PART_BYTES).collect(), Sha256::digest(&checkpoint.body).into())
}

/// A state of its parts; refused where they are not those that were put away.
pub(in crate::storage) fn joined(parts: Vec<Vec<u8>>, count: i64, digest: &[u8]) -> Result<Vec<u8>, StoreError> {
    let found = i64::try_from(parts.len()).unwrap_or(i64::MAX);
    let body = parts.concat();
    if found != count || Sha256::digest(&body).as_slice() != digest {
        return Err(StoreError::Damaged("a state of the watch is not what was put away".to_owned()));
    }
    Ok(body)
}

/// Reads an alert from a row with a store's own `get`; `$small` is how that store reads a small number.
macro_rules! read_alert {
    ($row:expr, $get:path, $small:ty) => {{
        let row = $row;
        let instant = |name| -> Result<Timestamp, StoreError> { Ok(Timestamp::from_micros($get(row, name)?)) };
        let severity: $small = $get(row, "severity")?;
        let state: $small = $get(row, "state")?;
        Ok(KeptAlert {
            id: $get(row, "id")?,
            rule: $get(row, "rule")?,
            severity: read_severity(i64::from(severity))?,
            state: read_state(i64::from(state))?,
            subject_kind: $get(row, "subject_kind")?,
            subject: $get(row, "subject")?,
            expected: $get(row, "expected")?,
            found: $get(row, "found")?,
            record: read_place($get(row, "record")?)?,
            account: read_place($get(row, "account")?)?.map(AccountId::at),
            pair: $get(row, "pair")?,
            at: instant("at")?,
            first_seen: instant("first_seen")?,
            last_seen: instant("last_seen")?,
            times_seen: read_count($get(row, "times_seen")?)?,
            times_reopened: read_count($get(row, "times_reopened")?)?,
            acknowledged: read_note(
                $get(row, "acknowledged_at")?,
                $get(row, "acknowledged_by")?,
                $get(row, "acknowledged_note")?,
            ),
            resolved: read_note($get(row, "resolved_at")?, $get(row, "resolved_by")?, $get(row, "resolved_note")?),
        })
    }};
}
pub(in crate::storage) use read_alert;
