//! What must hold when everything has come through: every record once in the topic's order, once in the books, with the entries that
//! follow from it, and both halves agreeing on what customers hold.
//!
//! Pure. Which entries a record makes is written down here anew, from the rule and not from the program that is judged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{money::Decimal, place::Place};

/// A record of the engine's journal.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its place.
    pub place: Place,
    /// Its text.
    pub body: String,
    /// Its hash.
    pub hash: [u8; 32],
}

/// A message of the topic, in the order of its partition.
#[derive(Clone, Debug)]
pub struct Message {
    /// The partition: the lane.
    pub lane: u16,
    /// The header `ce_id`.
    pub id: String,
    /// The header `ce_hash`.
    pub hash: String,
    /// The value.
    pub body: String,
    /// Whether it was put there by a fault.
    pub is_planted: bool,
}

/// A journal of the books: place and entries as they are stored.
#[derive(Clone, Debug)]
pub struct Posted {
    /// The record that it follows from.
    pub place: Place,
    /// `[account, of currency, "D" or "C", currency, minor units]` each.
    pub entries: String,
}

/// Where the books of a lane stand.
#[derive(Clone, Debug)]
pub struct Stand {
    /// The lane.
    pub lane: u16,
    /// The newest record.
    pub seq: u64,
    /// The hashes of all of them, from the first on.
    pub trail: Vec<[u8; 32]>,
    /// Why it stopped, if it did.
    pub stopped: Option<String>,
}

/// An account's turnover in a lane, all dates together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turned {
    /// The lane.
    pub lane: u16,
    /// The account, and of which currency it is, if of one.
    pub account: (i64, String),
    /// Debits and credits in minor units.
    pub debit: i128,
    /// See `debit`.
    pub credit: i128,
}

/// All that is looked at.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The engine's journal, by place.
    pub journal: Vec<Written>,
    /// The topic.
    pub messages: Vec<Message>,
    /// The books.
    pub books: Vec<Posted>,
    /// Where they stand.
    pub stands: Vec<Stand>,
    /// Their turnovers.
    pub turned: Vec<Turned>,
    /// Dead letters that are open, by place.
    pub dead_letters: Vec<Place>,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Records of the engine.
    pub records: usize,
    /// Messages of the topic.
    pub messages: usize,
    /// Repeats among them.
    pub repeats: usize,
    /// Journals of the books.
    pub journals: usize,
}

/// An entry: account, of which currency, whether it is a debit, the money's currency, minor units.
type Entry = (i64, String, bool, String, i128);

/// Everything that is not as it must be.
pub fn judge(evidence: &Evidence) -> (Looked, Vec<String>) {
    let mut found = Vec::new();
    let by_place: BTreeMap<Place, &Written> = evidence.journal.iter().map(|row| (row.place, row)).collect();
    let repeats = topic(evidence, &by_place, &mut found);
    let expected: BTreeMap<Place, Vec<Entry>> = evidence
        .journal
        .iter()
        .filter_map(|row| match entries(&row.body) {
            Ok(entries) => (!entries.is_empty()).then_some((row.place, entries)),
            Err(what) => {
                found.push(format!("record {:?}: {what}", row.place));
                None
            }
        })
        .collect();
    books(evidence, &expected, &mut found);
    stands(evidence, &mut found);
    turnovers(evidence, &expected, &mut found);
    let looked = Looked {
        records: evidence.journal.len(),
        messages: evidence.messages.len(),
        repeats,
        journals: evidence.books.len(),
    };
    (looked, found)
}

/// Every record once and in order; what comes again is the same, byte for byte.
fn topic(evidence: &Evidence, by_place: &BTreeMap<Place, &Written>, found: &mut Vec<String>) -> usize {
    let mut last: BTreeMap<u16, u64> = BTreeMap::new();
    let mut repeats = 0;
    for message in evidence.messages.iter().filter(|message| !message.is_planted) {
        let place =
            message.id.split_once('-').and_then(|(lane, seq)| Some(Place::new(lane.parse().ok()?, seq.parse().ok()?)));
        let Some(place) = place.filter(|place| place.lane() == message.lane) else {
            found.push(format!("the topic has a message {:?} in partition {}", message.id, message.lane));
            continue;
        };
        let last = last.entry(message.lane).or_default();
        match place.seq() {
            seq if seq == *last + 1 => *last = seq,
            seq if seq <= *last => repeats += 1,
            seq => {
                found.push(format!("lane {}: record {seq} follows {last} in the topic", message.lane));
                *last = seq;
            }
        }
        match by_place.get(&place) {
            None => found.push(format!("the topic has record {place:?}, which the journal has not")),
            Some(row) if row.body != message.body => {
                found.push(format!("record {place:?} reads otherwise in the topic"))
            }
            Some(row) if hex(&row.hash) != message.hash => {
                found.push(format!("record {place:?} has another hash in the topic"))
            }
            Some(_) => {}
        }
    }
    let mut heads: BTreeMap<u16, u64> = BTreeMap::new();
    for row in &evidence.journal {
        let head = heads.entry(row.place.lane()).or_default();
        *head = (*head).max(row.place.seq());
    }
    for (lane, head) in heads {
        let published = last.get(&lane).copied().unwrap_or_default();
        if published != head {
            found.push(format!("lane {lane}: the topic ends at {published}, the journal at {head}"));
        }
    }
    repeats
}

/// A journal for each record that moved money and for no other, with its entries.
fn books(evidence: &Evidence, expected: &BTreeMap<Place, Vec<Entry>>, found: &mut Vec<String>) {
    let mut posted = BTreeSet::new();
    for journal in &evidence.books {
        if !posted.insert(journal.place) {
            found.push(format!("record {:?} is posted twice", journal.place));
        }
        let Some(wanted) = expected.get(&journal.place) else {
            found.push(format!("the books have a journal for {:?}, where no money moved", journal.place));
            continue;
        };
        let (mut wanted, mut stored) = (wanted.clone(), stored(&journal.entries).unwrap_or_default());
        wanted.sort();
        stored.sort();
        if wanted != stored {
            found.push(format!("record {:?} is posted as {}, not as {wanted:?}", journal.place, journal.entries));
        }
    }
    let missing: Vec<_> = expected.keys().filter(|place| !posted.contains(place)).collect();
    if let Some(first) = missing.first() {
        found.push(format!("{} records are not posted, {first:?} first", missing.len()));
    }
    if let Some(first) = evidence.dead_letters.first() {
        found.push(format!("{} dead letters are left, {first:?} first", evidence.dead_letters.len()));
    }
}

/// The books have followed every lane to its end, record by record.
fn stands(evidence: &Evidence, found: &mut Vec<String>) {
    let mut lanes: BTreeMap<u16, Vec<[u8; 32]>> = BTreeMap::new();
    for row in &evidence.journal {
        lanes.entry(row.place.lane()).or_default().push(row.hash);
    }
    for (lane, hashes) in lanes {
        let Some(stand) = evidence.stands.iter().find(|stand| stand.lane == lane) else {
            found.push(format!("the books know nothing of lane {lane}"));
            continue;
        };
        if let Some(reason) = &stand.stopped {
            found.push(format!("the books of lane {lane} stopped: {reason}"));
        }
        if stand.seq != hashes.len() as u64 {
            found.push(format!(
                "the books of lane {lane} stand at {}, its journal ends at {}",
                stand.seq,
                hashes.len()
            ));
        }
        if stand.trail != hashes {
            found.push(format!("the books of lane {lane} have taken other records than the journal has"));
        }
    }
}

/// Turnovers are the sums of the journals; what customers hold is the same in both halves, lane by lane.
fn turnovers(evidence: &Evidence, expected: &BTreeMap<Place, Vec<Entry>>, found: &mut Vec<String>) {
    let mut sums: BTreeMap<(u16, (i64, String)), (i128, i128)> = BTreeMap::new();
    for (place, entries) in expected {
        for (account, of, is_debit, _, minor) in entries {
            let sum = sums.entry((place.lane(), (*account, of.clone()))).or_default();
            *(if *is_debit { &mut sum.0 } else { &mut sum.1 }) += minor;
        }
    }
    let mut turned: BTreeMap<(u16, (i64, String)), (i128, i128)> = BTreeMap::new();
    for Turned { lane, account, debit, credit } in &evidence.turned {
        let sum = turned.entry((*lane, account.clone())).or_default();
        *sum = (sum.0 + debit, sum.1 + credit);
    }
    turned.retain(|_, sum| *sum != (0, 0));
    for (account, sum) in &sums {
        if turned.get(account) != Some(sum) {
            found.push(format!(
                "{account:?} turned over {:?} in the books, {sum:?} by its records",
                turned.get(account)
            ));
        }
    }
    for account in turned.keys().filter(|account| !sums.contains_key(*account)) {
        found.push(format!("{account:?} has turnovers in the books, and no record"));
    }
}

/// What a record makes in the books.
fn entries(body: &str) -> Result<Vec<Entry>, String> {
    let record: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let leg = |name: &str| -> Option<(String, i128)> {
        let leg = record.get(name)?;
        Some((text(leg, "currency")?, Decimal::of(&text(leg, "amount")?)?.digits))
    };
    let kind = text(&record, "type").ok_or("no type")?;
    let missing = || format!("a leg of {kind} is missing");
    let won = || "KRW".to_owned();
    // Where customers' money, and the bank's own, is kept.
    let held = |currency: &str| if currency == "KRW" { (2010, String::new()) } else { (2110, currency.to_owned()) };
    let own = |currency: &str| if currency == "KRW" { (1010, String::new()) } else { (1110, currency.to_owned()) };
    let pair = |debit: (i64, String), credit: (i64, String), currency: String, minor: i128| {
        vec![(debit.0, debit.1, true, currency.clone(), minor), (credit.0, credit.1, false, currency, minor)]
    };
    Ok(match kind.as_str() {
        "deposited" => {
            let (currency, minor) = leg("credit").ok_or_else(missing)?;
            pair(own(&currency), held(&currency), currency, minor)
        }
        "withdrawn" => {
            let (currency, minor) = leg("debit").ok_or_else(missing)?;
            pair(held(&currency), own(&currency), currency, -minor)
        }
        "transferred" => {
            let (currency, minor) = leg("credit").ok_or_else(missing)?;
            pair(held(&currency), held(&currency), currency, minor)
        }
        "exchanged" | "reversed" => {
            let (debited, taken) = leg("debit").ok_or_else(missing)?;
            let suspense = leg("suspense");
            let is_suspended = suspense.is_some();
            let (credited, given) = suspense.or_else(|| leg("credit")).ok_or_else(missing)?;
            let landing = if is_suspended { (2310, credited.clone()) } else { held(&credited) };
            if debited == "KRW" {
                let of = credited.clone();
                let mut entries = pair(held("KRW"), (1901, of.clone()), won(), -taken);
                entries.extend(pair((1900, of), landing, credited, given));
                entries
            } else {
                let of = debited.clone();
                let mut entries = pair((1901, of.clone()), landing, won(), given);
                entries.extend(pair(held(&debited), (1900, of), debited, -taken));
                entries
            }
        }
        "covered" => {
            let of = text(&record, "currency").ok_or("no currency")?;
            let minor =
                |name: &str| text(&record, name).and_then(|text| Decimal::of(&text)).map(|amount| amount.digits);
            let (amount, paid) = (minor("amount").ok_or("no amount")?, minor("won").ok_or("no won")?);
            let is_bought = text(&record, "side").as_deref() == Some("buy");
            let (nostro, position, equivalent) = ((1110, of.clone()), (1900, of.clone()), (1901, of.clone()));
            let (mut entries, rest) = if is_bought {
                (pair(equivalent, own("KRW"), won(), paid), pair(nostro, position, of, amount))
            } else {
                (pair(own("KRW"), equivalent, won(), paid), pair(position, nostro, of, amount))
            };
            entries.extend(rest);
            entries
        }
        _ => Vec::new(),
    })
}

/// Entries as the books keep them.
fn stored(text: &str) -> Option<Vec<Entry>> {
    let rows: Vec<(i64, String, String, String, i64)> = serde_json::from_str(text).ok()?;
    Some(
        rows.into_iter()
            .map(|(account, of, side, currency, minor)| (account, of, side == "D", currency, minor.into()))
            .collect(),
    )
}

/// A hash as headers have it.
pub fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash that follows another over a text.
pub fn follow(previous: &[u8; 32], body: &str) -> [u8; 32] {
    Sha256::new().chain_update(previous).chain_update(body.as_bytes()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUY: &str = r#"{"v":2,"lane":1,"seq":2,"type":"exchanged","debit":{"currency":"KRW","amount":"-135050"},"credit":{"currency":"USD","amount":"100.00"}}"#;
    const BOOKED: &str = r#"[[2010,"","D","KRW",135050],[1901,"USD","C","KRW",135050],[1900,"USD","D","USD",10000],[2110,"USD","C","USD",10000]]"#;

    /// A deposit and an exchange that came through.
    fn good() -> Evidence {
        let deposit = r#"{"v":2,"lane":1,"seq":1,"type":"deposited","credit":{"currency":"KRW","amount":"1000000"}}"#;
        let booked = r#"[[1010,"","D","KRW",1000000],[2010,"","C","KRW",1000000]]"#;
        let first = follow(&[0; 32], deposit);
        let second = follow(&first, BUY);
        let written = |seq, body: &str, hash| Written { place: Place::new(1, seq), body: body.into(), hash };
        let message = |seq: u64, body: &str, hash| Message {
            lane: 1,
            id: format!("1-{seq}"),
            hash: hex(&hash),
            body: body.into(),
            is_planted: false,
        };
        let turned =
            |account: i64, of: &str, debit, credit| Turned { lane: 1, account: (account, of.into()), debit, credit };
        Evidence {
            journal: vec![written(1, deposit, first), written(2, BUY, second)],
            messages: vec![message(1, deposit, first), message(2, BUY, second), message(2, BUY, second)],
            books: vec![
                Posted { place: Place::new(1, 1), entries: booked.into() },
                Posted { place: Place::new(1, 2), entries: BOOKED.into() },
            ],
            stands: vec![Stand { lane: 1, seq: 2, trail: vec![first, second], stopped: None }],
            turned: vec![
                turned(1010, "", 1_000_000, 0),
                turned(2010, "", 135_050, 1_000_000),
                turned(1901, "USD", 0, 135_050),
                turned(1900, "USD", 10_000, 0),
                turned(2110, "USD", 0, 10_000),
            ],
            dead_letters: vec![],
        }
    }

    #[test]
    fn what_came_through_once_and_in_order_is_good_and_a_repeat_is_counted() {
        let (looked, found) = judge(&good());
        assert_eq!(found, Vec::<String>::new());
        assert_eq!(looked, Looked { records: 2, messages: 3, repeats: 1, journals: 2 });
    }

    #[test]
    fn every_planted_fault_is_named() {
        type Plant = fn(&mut Evidence);
        let planted: [(Plant, &str); 14] = [
            (|evidence| drop(evidence.messages.remove(0)), "record 2 follows 0"),
            (|evidence| evidence.messages.truncate(1), "the topic ends at 1"),
            (|evidence| evidence.messages[1].body.push(' '), "reads otherwise"),
            (|evidence| evidence.messages[1].hash = hex(&[7; 32]), "another hash in the topic"),
            (|evidence| evidence.messages[1].id = "1-3".into(), "which the journal has not"),
            (|evidence| drop(evidence.books.pop()), "1 records are not posted"),
            (|evidence| evidence.books.push(evidence.books[0].clone()), "posted twice"),
            (|evidence| evidence.books[1].entries = BOOKED.replace("10000]]", "10001]]"), "is posted as"),
            (|evidence| evidence.books[0].place = Place::new(1, 9), "where no money moved"),
            (|evidence| evidence.stands[0].seq = 1, "stand at 1"),
            (|evidence| evidence.stands[0].trail.swap(0, 1), "other records than the journal"),
            (|evidence| evidence.stands[0].stopped = Some("a gap".into()), "stopped: a gap"),
            (|evidence| evidence.turned[1].credit += 1, "turned over"),
            (|evidence| evidence.dead_letters.push(Place::new(1, 2)), "1 dead letters are left"),
        ];
        for (plant, words) in planted {
            let mut evidence = good();
            plant(&mut evidence);
            let (_, found) = judge(&evidence);
            assert!(found.iter().any(|finding| finding.contains(words)), "{words}: {found:?}");
        }
    }

    #[test]
    fn a_reversal_goes_back_at_the_original_numbers_and_to_suspense_where_the_account_is_closed() {
        let reversed = r#"{"type":"reversed","debit":{"currency":"USD","amount":"-100.00"},"suspense":{"currency":"KRW","amount":"135050"}}"#;
        let entries = entries(reversed).unwrap();
        assert!(entries.contains(&(2310, "KRW".into(), false, "KRW".into(), 135_050)), "{entries:?}");
        assert!(entries.contains(&(1900, "USD".into(), false, "USD".into(), 10_000)), "{entries:?}");
    }
}
