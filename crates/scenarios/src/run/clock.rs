//! Moves the server's test clock by its admin port.

use serde_json::{Value, json};

use super::{
    calendar,
    target::{Exchanged, Outgoing, Target},
};
use crate::language::ClockMove;

/// The server's time, in microseconds since 1970.
async fn now(target: &Target) -> Result<i64, String> {
    read(&target.send_to_admin(Outgoing::get("/clock")).await?)
}

/// Moves the clock; gives its new time.
pub(super) async fn shift(target: &Target, movement: ClockMove) -> Result<String, String> {
    let before = now(target).await?;
    let to = match movement {
        ClockMove::Advance { micros } => before + micros,
        ClockMove::Next { micros_of_day, day_of_month } => calendar::next_in_seoul(before, micros_of_day, day_of_month),
    };
    let set = calendar::format_utc(to);
    let reached = read(&target.send_to_admin(Outgoing::post("/clock", &json!({ "set": set }))).await?)?;
    if reached == to {
        Ok(set)
    } else {
        Err(format!("the clock stands at {}, not {set}", calendar::format_utc(reached)))
    }
}

fn read(exchanged: &Exchanged) -> Result<i64, String> {
    let now = exchanged.body.as_ref().and_then(|body| body.get("now")).and_then(Value::as_str);
    now.and_then(calendar::parse_utc).ok_or_else(|| {
        let body = String::from_utf8_lossy(&exchanged.answer.body);
        format!("the admin port gives no clock (status {}: {body}): start hwan with --test-clock", exchanged.status)
    })
}
