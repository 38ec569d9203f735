//! What could not be posted, and what redelivering it came to, printed.

use std::io::{self, Write};

use serde_json::json;

use super::{
    shown::{Format, write_json},
    table::{Align, Table},
};
use crate::accounting::{
    books::{DeadLetter, DeadLetterKind},
    redelivery::Redelivered,
};

/// The most of a dead letter's reason that a table shows, in characters.
const REASON_SHOWN_MAX: usize = 100;

/// Writes what could not be posted; whether there is none.
pub fn write(letters: &[DeadLetter], format: Format, out: &mut impl Write) -> io::Result<bool> {
    let kind = |letter: &DeadLetter| match letter.kind {
        DeadLetterKind::Record => "record",
        DeadLetterKind::Stray => "stray",
    };
    if format == Format::Json {
        let letter = |letter: &DeadLetter| {
            json!({
                "lane": letter.position.lane().number(), "seq": letter.position.seq().number(), "kind": kind(letter),
                "reason": letter.reason, "since": letter.since.to_string(), "offset": letter.offset,
                "body": letter.text(),
            })
        };
        write_json(out, &json!({ "dead_letters": letters.iter().map(letter).collect::<Vec<_>>() }))?;
        return Ok(letters.is_empty());
    }
    if letters.is_empty() {
        writeln!(out, "no dead letters")?;
        return Ok(true);
    }
    let mut table = Table::of(&[
        ("lane", Align::Right),
        ("seq", Align::Right),
        ("kind", Align::Left),
        ("since", Align::Left),
        ("reason", Align::Left),
    ]);
    for letter in letters {
        let reason: String = letter.reason.chars().filter(|one| !one.is_control()).take(REASON_SHOWN_MAX).collect();
        table.row([
            letter.position.lane().number().to_string(),
            letter.position.seq().number().to_string(),
            kind(letter).to_owned(),
            letter.since.to_string(),
            reason,
        ]);
    }
    table.write(out)?;
    Ok(false)
}

/// Writes what was redelivered; whether nothing is left.
pub fn write_redelivered(redelivered: &Redelivered, out: &mut impl Write) -> io::Result<bool> {
    let Redelivered { posted, left } = redelivered;
    for place in posted {
        writeln!(out, "lane {} seq {}: posted", place.lane(), place.seq())?;
    }
    for (place, reason) in left {
        writeln!(out, "lane {} seq {}: left: {reason}", place.lane(), place.seq())?;
    }
    writeln!(out, "{} posted, {} left", posted.len(), left.len())?;
    Ok(left.is_empty())
}

#[cfg(test)]
mod tests {
    use hwan_domain::{
        id::{LaneId, Position, Seq},
        time::Timestamp,
    };

    use super::*;
    use crate::accounting::report::shown::printed;

    #[test]
    fn a_record_that_waits_is_a_finding_with_its_reason_on_one_line() {
        let position = Position::new(LaneId::FIRST, Seq::new(8).unwrap());
        let letter = DeadLetter {
            kind: DeadLetterKind::Record,
            position,
            offset: None,
            reason: "unbalanced\nby one".into(),
            since: Timestamp::from_micros(0),
            body: b"{}".to_vec(),
        };
        let (is_fine, text) = printed(|out| write(std::slice::from_ref(&letter), Format::Table, out));
        assert!(!is_fine && text.lines().count() == 2 && text.contains("unbalancedby one"), "{text}");
        assert!(!printed(|out| write(&[letter], Format::Json, out)).0);
        assert_eq!(printed(|out| write(&[], Format::Table, out)), (true, "no dead letters\n".to_owned()));
        let left = Redelivered { posted: vec![position], left: vec![(position, "still".into())] };
        let (is_fine, text) = printed(|out| write_redelivered(&left, out));
        assert!(!is_fine && text.ends_with("left: still\n1 posted, 1 left\n"), "{text}");
    }
}
