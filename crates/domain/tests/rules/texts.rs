//! Ids, instants, dates and rounds survive their text, and no text makes a parser panic.

use hwan_domain::{
    account::AccountKind,
    check::Check,
    id::{AccountId, ChangeId, CustomerId, ExchangeId, LANE_MAX, LaneId, Position, SEQ_MAX, Seq, TransactionId},
    round::RoundId,
    time::{BusinessDate, MICROS_PER_DAY, Timestamp},
};
use proptest::prelude::*;

use crate::support::{at, date};

#[test]
fn round_ids_are_read_in_one_form_only() {
    let id: RoundId = "USD-20261123-1".parse().unwrap();
    assert_eq!((&id.currency, id.date, id.number), (b"USD", date("2026-11-23"), 1));
    for bad in [
        "",
        "USD",
        "USD-20261123",
        "USD-20261123-",
        "USD-20261123-0",
        "USD-20261123-01",
        "USD-20261123-+1",
        "USD-20261123--1",
        "USD-20261123-1-2",
        "usd-20261123-1",
        "US-20261123-1",
        "USD-2026-11-23-1",
        "USD-20261323-1",
        "USD-2026112-1",
        "USD-20261123-4294967296",
        "USD-20261123-1 ",
        "USD-２０261123-1",
        "달러-20261123-1",
        "USD-+0261123-1",
    ] {
        assert!(bad.parse::<RoundId>().is_err(), "{bad}");
    }
}

#[test]
fn rounds_are_in_order_of_date_and_number() {
    let texts = ["USD-20261123-9", "USD-20261123-10", "USD-20261124-1"];
    let ids: Vec<RoundId> = texts.iter().map(|text| text.parse().unwrap()).collect();
    assert!(ids.is_sorted());
}

#[test]
fn days_far_outside_are_held_within_what_can_be_written() {
    for (days, text) in [(i32::MIN, "0000-01-01"), (-1, "1969-12-31"), (0, "1970-01-01"), (i32::MAX, "9999-12-31")] {
        assert_eq!(BusinessDate::from_days(days).to_string(), text);
    }
    assert_eq!(BusinessDate::from_days(i32::MAX).next(), BusinessDate::from_days(i32::MAX));
    assert_eq!(Timestamp::from_micros(i64::MIN), Timestamp::from_micros(0));
    assert_eq!(Timestamp::from_micros(i64::MAX), Timestamp::MAX);
    assert_eq!(Timestamp::MAX.plus_seconds(i64::MAX), Timestamp::MAX);
    assert_eq!(Timestamp::MAX.to_rfc3339(), "9999-12-31T23:59:59.999999Z");
}

#[test]
fn an_instant_is_read_in_any_offset() {
    for text in ["2026-11-23T10:00:00+09:00", "2026-11-22T20:00:00.0-05:00", "2026-11-23t01:00:00.000000z"] {
        assert_eq!(at(text), at("2026-11-23T01:00:00Z"), "{text}");
    }
    for bad in [
        "2026-11-23 01:00:00Z",
        "2026-11-23T01:00:00.Z",
        "2026-11-23T1:00:00Z",
        "2026-11-23T01:00:60Z",
        "2026-11-23T01:00:00+24:00",
        "2026-11-23T01:00:00+0900",
        "2026-11-23T01:00:00+09:60",
        "2026-02-30T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "+026-11-23T01:00:00Z",
        "2026-11-23T01:00:00Zjunk",
        "2026-11-23T01:00:00 Z",
    ] {
        assert_eq!(Timestamp::parse_rfc3339(bad), None, "{bad}");
    }
}

#[test]
fn checks_and_kinds_are_named_by_their_text() {
    for check in Check::ALL {
        assert_eq!(Check::parse(check.code().as_str()), Some(check));
    }
    assert_eq!(Check::parse("account_not_found"), None, "the first row is no fact");
    assert_eq!(
        [AccountKind::parse("won"), AccountKind::parse("foreign"), AccountKind::parse("")],
        [Some(AccountKind::Won), Some(AccountKind::Foreign), None]
    );
}

fn position() -> impl Strategy<Value = Position> {
    (0..=LANE_MAX, prop_oneof![0..=SEQ_MAX, Just(SEQ_MAX), Just(0)])
        .prop_map(|(lane, seq)| Position::new(LaneId::new(lane).unwrap(), Seq::new(seq).unwrap()))
}

proptest! {
    #[test]
    fn every_id_survives_its_text_and_its_packed_form(place in position(), other in position()) {
        prop_assert_eq!(Position::from_packed(place.packed()), Some(place));
        prop_assert_eq!(AccountId::at(place).to_string().parse(), Ok(AccountId::at(place)));
        prop_assert_eq!(CustomerId::at(place).to_string().parse(), Ok(CustomerId::at(place)));
        prop_assert_eq!(ExchangeId::at(place).to_string().parse(), Ok(ExchangeId::at(place)));
        prop_assert_eq!(TransactionId::at(place).to_string().parse(), Ok(TransactionId::at(place)));
        prop_assert_eq!(ChangeId::at(place).to_string().parse(), Ok(ChangeId::at(place)));
        prop_assert!(ExchangeId::at(place).to_string().parse::<AccountId>().is_err());
        let texts = (ExchangeId::at(place).to_string(), ExchangeId::at(other).to_string());
        prop_assert_eq!(texts.0.cmp(&texts.1), place.cmp(&other));
        prop_assert_eq!(place.packed().cmp(&other.packed()), place.cmp(&other));
    }

    #[test]
    fn a_text_that_is_an_id_is_the_only_text_of_it(text in "acc_[0-9a-z]{12,14}") {
        if let Ok(id) = text.parse::<AccountId>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn every_instant_survives_its_text(micros in 0..=Timestamp::MAX.micros()) {
        let instant = Timestamp::from_micros(micros);
        prop_assert_eq!(Timestamp::parse_rfc3339(&instant.to_rfc3339()), Some(instant));
    }

    #[test]
    fn a_day_begins_at_midnight_in_seoul_and_ends_where_the_next_begins(micros in MICROS_PER_DAY..Timestamp::MAX.micros() - 2 * MICROS_PER_DAY) {
        let instant = Timestamp::from_micros(micros);
        let day = instant.seoul_date();
        prop_assert!(day.begins_at() <= instant && instant < day.next().begins_at());
        prop_assert_eq!(day.next().begins_at().micros_since(day.begins_at()), MICROS_PER_DAY);
        prop_assert_eq!(BusinessDate::parse(&day.to_string()), Some(day));
        prop_assert!(day.first_of_month() <= day && day < day.first_of_next_month());
    }

    #[test]
    fn every_round_survives_its_name(code in "[A-Z]{3}", days in 0..2_932_896_i32, number in 1..=u32::MAX) {
        let id = RoundId { currency: code.as_bytes().try_into().unwrap(), date: BusinessDate::from_days(days), number };
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in any::<String>(), near in "[0-9TZ:.+-]{0,40}", round in "[A-Z-]{0,5}[0-9-]{0,14}") {
        for text in [text, near, round] {
            let _ = (text.parse::<AccountId>(), text.parse::<RoundId>(), Timestamp::parse_rfc3339(&text), BusinessDate::parse(&text));
        }
    }
}
