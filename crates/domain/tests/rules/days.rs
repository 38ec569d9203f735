//! Closings: their text, what may be closed, and where two of them differ.

use hwan_domain::{
    closing::{Closing, ClosingDifference, LaneClosing, LaneDay, Missing, Seal, missing, next_to_close},
    id::{LaneId, Seq},
    ledger::{AccountCode, LedgerAccount, TrialBalance, TrialLine, Turnover},
    time::BusinessDate,
};

use crate::support::{ccy, currencies};

fn date(text: &str) -> BusinessDate {
    BusinessDate::parse(text).unwrap()
}

fn lane(number: u16) -> LaneId {
    LaneId::new(number).unwrap()
}

fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

/// Stands in for a hash: every byte of the text counts.
fn digest(text: &str) -> [u8; 32] {
    let mut digest = [7_u8; 32];
    for (index, byte) in text.bytes().enumerate() {
        let place = index % 32;
        digest[place] = u8::wrapping_mul(digest[place], 31).wrapping_add(byte);
    }
    digest
}

fn line(code: u32, of: Option<&str>, currency: &str, debit: i128, credit: i128) -> TrialLine {
    let account = LedgerAccount { code: AccountCode::new(code).unwrap(), of: of.map(ccy) };
    TrialLine { account, currency: ccy(currency), turnover: Turnover { debit, credit } }
}

fn at(number: u16, at: u64, lines: Vec<TrialLine>) -> LaneClosing {
    let totals = TrialBalance { as_of: None, lines };
    LaneClosing { lane: lane(number), seq: seq(at), hash: Seal([u8::try_from(at).unwrap(); 32]), totals }
}

fn draw_up(lanes: Vec<LaneClosing>) -> Closing {
    Closing::draw_up(date("2026-11-23"), Seal::GENESIS, lanes, digest)
}

fn closing() -> Closing {
    let buy = vec![
        line(2_110, Some("USD"), "USD", 0, 10_000),
        line(1_900, Some("USD"), "USD", 10_000, 0),
        line(1_901, Some("USD"), "KRW", 0, 135_050),
        line(2_010, None, "KRW", 135_050, 1_000_000),
        line(1_010, None, "KRW", 1_000_000, 0),
        line(2_320, None, "KRW", 0, 0),
    ];
    draw_up(vec![
        at(2, 4, vec![line(1_010, None, "KRW", 5, 0), line(2_010, None, "KRW", 0, 5)]),
        at(1, 9, buy),
        at(0, 3, vec![]),
    ])
}

#[test]
fn a_closing_is_its_text_and_the_text_is_canonical() {
    let closing = closing();
    let text = closing.text();
    let shown: Vec<&str> = text.lines().filter(|line| !line.starts_with("lane")).collect();
    assert_eq!(
        shown,
        [
            "hwan closing 1",
            "business_date 2026-11-23",
            "previous 0000000000000000000000000000000000000000000000000000000000000000",
            "account 1010 - KRW 1000000 0",
            "account 1900 USD USD 10000 0",
            "account 1901 USD KRW 0 135050",
            "account 2010 - KRW 135050 1000000",
            "account 2110 USD USD 0 10000",
            "account 1010 - KRW 5 0",
            "account 2010 - KRW 0 5",
        ]
    );
    assert_eq!(text.lines().filter(|line| line.starts_with("lane")).count(), 3);
    assert_eq!(closing.hash, Seal(digest(&text)));
    assert_eq!(Closing::read(&text, &currencies(), digest), Ok(closing.clone()));
    assert!(closing.totals.unbalanced().is_empty());
    let won = closing.totals.lines.iter().find(|line| line.account.code.number() == 2_010).unwrap();
    assert_eq!(won.turnover, Turnover { debit: 135_050, credit: 1_000_005 });
    for (from, to) in [
        ("hwan closing 1", "hwan closing 2"),
        ("2026-11-23", "2026-11-32"),
        ("account 1010 - KRW 5 0", "account 1010 - KRW 5 0 0"),
        ("account 1010 - KRW 5 0", "account 1010 - KRW +5 0"),
        ("account 1010 - KRW 5 0", "account 1010 - XXX 5 0"),
        ("account 1010 - KRW 5 0\n", "account 1010 - KRW 5 0\naccount 1010 - KRW 0 0\n"),
        ("lane 2 4 04", "lane 2 4 0"),
        ("previous 00", "previous 0X"),
    ] {
        assert!(text.contains(from), "{from}");
        let wrong = text.replacen(from, to, 1);
        assert!(Closing::read(&wrong, &currencies(), digest).is_err(), "{to}");
    }
}

#[test]
fn two_closings_of_one_day_are_equal_or_it_is_said_where_they_differ() {
    let whole = closing();
    assert_eq!(whole.differs(&closing()), None);
    let mut later = closing();
    later.previous = Seal([1; 32]);
    assert_eq!(whole.differs(&later), Some(ClosingDifference::Previous));
    let without = draw_up(whole.lanes[..2].to_vec());
    assert_eq!(whole.differs(&without), Some(ClosingDifference::Lane { lane: lane(2) }));
    assert_eq!(without.differs(&whole), Some(ClosingDifference::Lane { lane: lane(2) }));
    let mut moved = closing();
    moved.lanes[1].seq = seq(10);
    let place = ClosingDifference::Place { lane: lane(1), sealed: seq(9), found: seq(10) };
    assert_eq!(whole.differs(&moved), Some(place));
    let mut entered = closing();
    entered.lanes[1].totals.lines[3].turnover.credit += 1;
    let entered = draw_up(entered.lanes);
    let account = whole.lanes[1].totals.lines[3].account;
    let found = whole.differs(&entered).unwrap();
    assert_eq!(found, ClosingDifference::Account { lane: lane(1), account, currency: ccy("KRW") });
    assert_eq!(found.to_string(), "entry after close in lane 1: account 2010 in KRW is not what it was");
    let mut added = closing();
    added.lanes[0].totals.lines.push(line(1_010, None, "KRW", 1, 0));
    assert!(
        matches!(whole.differs(&draw_up(added.lanes)), Some(ClosingDifference::Account { lane, .. }) if lane == LaneId::SYSTEM)
    );
}

#[test]
fn a_lane_that_is_added_later_changes_no_closing() {
    let mut lanes = closing().lanes;
    lanes.push(LaneClosing { seq: Seq::ZERO, hash: Seal::GENESIS, ..at(3, 1, vec![]) });
    assert_eq!(draw_up(lanes), closing());
}

#[test]
fn a_day_can_be_closed_once_every_lane_has_passed_it_and_nothing_waits() {
    let passed = |number, first| LaneDay {
        lane: lane(number),
        passed: Some((date("2026-11-24"), seq(first))),
        stands_on: Some(date("2026-11-24")),
        dead_letters: 0,
    };
    let expected = [lane(0), lane(1)];
    assert_eq!(missing(&expected, &[passed(0, 2), passed(1, 7)]), []);
    assert_eq!(passed(1, 7).last(), Some(seq(6)));
    let behind = LaneDay { passed: None, stands_on: Some(date("2026-11-23")), ..passed(1, 7) };
    assert_eq!(behind.last(), None);
    let found = missing(&expected, &[passed(0, 2), behind]);
    assert_eq!(found, [Missing::NotPassed { lane: lane(1), stands_on: date("2026-11-23") }]);
    assert_eq!(found[0].to_string(), "lane 1: the books have come to 2026-11-23, no later date yet");
    assert_eq!(missing(&expected, &[passed(0, 2)]), [Missing::NoRecord { lane: lane(1) }]);
    let unused = |number| LaneDay { passed: None, stands_on: None, ..passed(number, 1) };
    assert_eq!(missing(&expected, &[passed(0, 2), unused(1)]), [Missing::NoRecord { lane: lane(1) }]);
    assert_eq!(missing(&expected, &[passed(0, 2), passed(1, 7), unused(2)]), [], "a partition that no lane uses");
    let letters = LaneDay { dead_letters: 2, ..passed(1, 7) };
    assert_eq!(missing(&expected, &[passed(0, 2), letters]), [Missing::DeadLetters { lane: lane(1), count: 2 }]);
}

#[test]
fn days_close_in_their_order_and_none_is_left_out() {
    let (first, second) = (date("2026-11-23"), date("2026-11-24"));
    assert_eq!(next_to_close(None, None), None);
    assert_eq!(next_to_close(None, Some(first)), Some(first));
    assert_eq!(next_to_close(Some(first), Some(first)), Some(second));
}
