//! How far the books are behind, printed.

use std::io::{self, Write};

use hwan_domain::time::Timestamp;
use serde_json::json;

use super::{
    shown::{Format, or_dash, write_json},
    table::{Align, Table},
};
use crate::accounting::{catch_up::CaughtUp, lag::LaneLag};

/// Writes how far the books are behind; whether no lane has stopped and nothing waits to be redelivered.
pub fn write(lanes: &[LaneLag], now: Timestamp, format: Format, out: &mut impl Write) -> io::Result<bool> {
    let is_sound = lanes.iter().all(|lane| lane.stopped.is_none() && lane.dead_letters == 0);
    if format == Format::Json {
        let lane = |lane: &LaneLag| {
            json!({
                "lane": lane.lane.number(), "engine_seq": lane.engine.number(), "ledger_seq": lane.ledger.number(),
                "records": lane.records(), "seconds": seconds(lane.micros(now)),
                "posted_at": lane.posted_at.map(|at| at.to_string()), "stopped": lane.stopped,
                "dead_letters": lane.dead_letters,
            })
        };
        write_json(out, &json!({ "lanes": lanes.iter().map(lane).collect::<Vec<_>>() }))?;
        return Ok(is_sound);
    }
    let mut table = Table::of(&[
        ("lane", Align::Right),
        ("engine", Align::Right),
        ("ledger", Align::Right),
        ("records", Align::Right),
        ("seconds", Align::Right),
        ("posted up to", Align::Left),
        ("dead letters", Align::Right),
        ("", Align::Left),
    ]);
    for lane in lanes {
        let stopped = lane.stopped.as_ref().map(|reason| format!("STOPPED {reason}"));
        table.row([
            lane.lane.number().to_string(),
            lane.engine.number().to_string(),
            lane.ledger.number().to_string(),
            lane.records().to_string(),
            seconds(lane.micros(now)),
            or_dash(lane.posted_at),
            lane.dead_letters.to_string(),
            stopped.unwrap_or_default(),
        ]);
    }
    table.write(out)?;
    Ok(is_sound)
}

/// Seconds with milliseconds, rounded up: a lag is never shown as none.
fn seconds(micros: i64) -> String {
    let millis = micros.max(0).unsigned_abs().div_ceil(1_000);
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

/// Writes what catching up came to; whether no lane's books stopped.
pub fn write_caught_up(caught_up: &[CaughtUp], out: &mut impl Write) -> io::Result<bool> {
    for CaughtUp { lane, from, to, stopped } in caught_up {
        match stopped {
            None => writeln!(out, "lane {lane}: posted from {from} to {to}")?,
            Some(why) => writeln!(out, "lane {lane}: posted from {from} to {to}, then stopped: {why}")?,
        }
    }
    Ok(caught_up.iter().all(|lane| lane.stopped.is_none()))
}

#[cfg(test)]
mod tests {
    use hwan_domain::id::{LaneId, Seq};

    use super::*;
    use crate::accounting::report::shown::printed;

    #[test]
    fn a_lane_that_stopped_is_a_finding_and_a_lag_is_none() {
        let behind = LaneLag {
            lane: LaneId::FIRST,
            engine: Seq::new(9).unwrap(),
            ledger: Seq::new(7).unwrap(),
            posted_at: Timestamp::parse_rfc3339("2026-11-23T01:00:00Z"),
            waits_since: Timestamp::parse_rfc3339("2026-11-23T01:00:01Z"),
            stopped: None,
            dead_letters: 0,
        };
        let now = Timestamp::parse_rfc3339("2026-11-23T01:00:01.000001Z").unwrap();
        let (is_fine, text) = printed(|out| write(std::slice::from_ref(&behind), now, Format::Table, out));
        assert!(is_fine, "{text}");
        assert_eq!(
            text.lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>(),
            ["1", "9", "7", "2", "0.001", "2026-11-23T01:00:00.000000Z", "0"]
        );
        let waits = LaneLag { dead_letters: 1, ..behind.clone() };
        assert!(!printed(|out| write(&[waits], now, Format::Json, out)).0);
        let stopped = LaneLag { stopped: Some("seq 9 after 7".into()), ..behind };
        let (is_fine, text) = printed(|out| write(&[stopped], now, Format::Table, out));
        assert!(!is_fine && text.contains("STOPPED seq 9 after 7"), "{text}");
    }
}
