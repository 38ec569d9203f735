//! One suite for every store of closings, on the same subjects as that of the books.
//!
//! A store's test file lists it by [`closings_conformance!`](crate::closings_conformance): each case becomes a test of its own.

use std::sync::Arc;

use hwan_domain::{
    closing::{Closing, LaneClosing, LaneDay, Seal},
    id::{LaneId, Position, Seq},
    ledger::{AccountCode, LedgerAccount, TrialBalance, TrialLine, Turnover},
    time::BusinessDate,
};

use super::port::{ClosingBook, Sealing};
use crate::storage::{
    codec::digest,
    conformance::fixture::{currency, seq, ten_o_clock},
    general_ledger::{
        conformance::Subject as BooksSubject,
        port::{DeadLetter, DeadLetterKind, LaneCursor, Redelivery, Step},
    },
    port::{ChainHash, StoreError},
};

/// A store under test, empty at first.
pub trait Subject: BooksSubject {
    /// The store, as closings see it.
    fn closings(&self) -> Arc<dyn ClosingBook>;
}

macro_rules! cases {
    ($dollar:tt $($case:ident),+ $(,)?) => {
        /// Lists every case as a test: `closings_conformance!(make)`, where `make` is an async function without arguments that
        /// returns a [`Subject`](crate::storage::closings::conformance::Subject).
        #[macro_export]
        macro_rules! closings_conformance {
            ($dollar make:path) => {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        $crate::storage::closings::conformance::$case(&mut $dollar make().await).await;
                    }
                )+
            };
        }
    };
}

cases! { $
    nothing_is_closed_at_first,
    closings_are_a_chain_and_each_date_is_closed_once,
    of_many_who_seal_at_once_one_does,
    a_page_of_closings_begins_below_a_date,
    a_lane_has_passed_a_date_once_a_later_one_began,
    what_waits_to_be_redelivered_stands_in_the_way_of_its_day,
    nothing_is_redelivered_into_a_day_that_is_over,
}

const LANE: LaneId = LaneId::FIRST;

fn first() -> BusinessDate {
    ten_o_clock().seoul_date()
}

fn date(days: i32) -> BusinessDate {
    BusinessDate::from_days(first().days() + days)
}

/// The closing of a day that follows `previous`, with so much won in the control account.
fn closing(days: i32, previous: Seal, minor: i128) -> Closing {
    let account = |code| LedgerAccount { code: AccountCode::new(code).expect("a number"), of: None };
    let line = |code, debit, credit| TrialLine {
        account: account(code),
        currency: currency("KRW"),
        turnover: Turnover { debit, credit },
    };
    let totals = TrialBalance { as_of: None, lines: vec![line(1_010, minor, 0), line(2_010, 0, minor)] };
    let lane = LaneClosing { lane: LANE, seq: seq(7), hash: Seal([9; 32]), totals };
    Closing::draw_up(date(days), previous, vec![lane], digest)
}

fn step(cursor: &LaneCursor, to: u64, days: Vec<(BusinessDate, Seq)>) -> Step {
    Step {
        lane: cursor.lane,
        from: cursor.seq,
        revision: cursor.revision,
        seq: seq(to),
        hash: ChainHash([7; 32]),
        at: Some(ten_o_clock()),
        business_date: days.last().map(|(date, _)| *date).or(cursor.business_date),
        offset: None,
        journals: Vec::new(),
        turnovers: Vec::new(),
        days,
        trail: (cursor.seq.number()..to).map(|_| ChainHash([7; 32])).collect(),
        dead_letters: Vec::new(),
    }
}

fn letter(number: u64) -> DeadLetter {
    DeadLetter {
        kind: DeadLetterKind::Record,
        position: Position::new(LANE, seq(number)),
        offset: None,
        reason: "unreadable".into(),
        since: ten_o_clock(),
        body: vec![1],
    }
}

/// The first day has nothing before it.
pub async fn nothing_is_closed_at_first(subject: &mut impl Subject) {
    let book = subject.closings();
    assert_eq!(book.closing(first()).await.expect("a read"), None);
    assert!(book.closings(None, 9).await.expect("a read").is_empty());
    assert!(book.lane_days(first()).await.expect("a read").is_empty());
    assert_eq!(book.first_day().await.expect("a read"), None);
}

/// And is there after reopening, equal.
pub async fn closings_are_a_chain_and_each_date_is_closed_once(subject: &mut impl Subject) {
    let book = subject.closings();
    let one = closing(0, Seal::GENESIS, 5);
    for not_first in [closing(0, Seal([1; 32]), 5)] {
        assert_eq!(book.seal(&not_first).await.expect("an answer"), Sealing::Refused);
    }
    assert_eq!(book.seal(&one).await.expect("an answer"), Sealing::Sealed);
    assert_eq!(book.seal(&one).await.expect("an answer"), Sealing::SealedBefore);
    assert_eq!(book.seal(&closing(0, Seal::GENESIS, 6)).await.expect("an answer"), Sealing::Refused);
    for out_of_order in [closing(1, Seal::GENESIS, 5), closing(2, one.hash, 5), closing(-1, one.hash, 5)] {
        assert_eq!(book.seal(&out_of_order).await.expect("an answer"), Sealing::Refused);
    }
    let two = closing(1, one.hash, 8);
    assert_eq!(book.seal(&two).await.expect("an answer"), Sealing::Sealed);
    assert_eq!(book.seal(&one).await.expect("an answer"), Sealing::SealedBefore);
    subject.reopen().await;
    let book = subject.closings();
    assert_eq!(book.closing(date(0)).await.expect("a read"), Some(one.clone()));
    assert_eq!(book.closings(None, 9).await.expect("a read"), [two, one]);
}

/// Two processes may close.
pub async fn of_many_who_seal_at_once_one_does(subject: &mut impl Subject) {
    let book = subject.closings();
    let sealing = (0..8).map(|minor| {
        let book = book.clone();
        tokio::spawn(async move { book.seal(&closing(0, Seal::GENESIS, 1 + minor % 2)).await.expect("an answer") })
    });
    let mut sealed = 0;
    for one in sealing.collect::<Vec<_>>() {
        sealed += usize::from(one.await.expect("no panic") == Sealing::Sealed);
    }
    assert_eq!((sealed, book.closings(None, 9).await.expect("a read").len()), (1, 1));
}

/// The newest first.
pub async fn a_page_of_closings_begins_below_a_date(subject: &mut impl Subject) {
    let book = subject.closings();
    let mut previous = Seal::GENESIS;
    for days in 0..5 {
        let one = closing(days, previous, days.into());
        previous = one.hash;
        assert_eq!(book.seal(&one).await.expect("an answer"), Sealing::Sealed);
    }
    let read = async |before, limit| {
        let page = book.closings(before, limit).await.expect("a page");
        page.iter().map(|closing| closing.business_date.days() - first().days()).collect::<Vec<_>>()
    };
    assert_eq!(read(None, 2).await, [4, 3]);
    assert_eq!(read(Some(date(3)), 9).await, [2, 1, 0]);
    assert!(read(Some(date(0)), 9).await.is_empty());
}

/// And its last record is the one before.
pub async fn a_lane_has_passed_a_date_once_a_later_one_began(subject: &mut impl Subject) {
    let (books, book) = (subject.books(), subject.closings());
    let begun = books.enter(LANE).await.expect("a lane").cursor;
    books.enter(LaneId::SYSTEM).await.expect("a lane");
    books.post(&step(&begun, 4, vec![(date(0), seq(1)), (date(3), seq(4))])).await.expect("a step");
    let found = async |days| {
        let mut lanes = book.lane_days(date(days)).await.expect("a read");
        let system = lanes.remove(0);
        assert_eq!(system, LaneDay { lane: LaneId::SYSTEM, passed: None, stands_on: None, dead_letters: 0 });
        lanes.remove(0)
    };
    let passed = |days: i32, first| LaneDay {
        lane: LANE,
        passed: Some((date(days), seq(first))),
        stands_on: Some(date(3)),
        dead_letters: 0,
    };
    assert_eq!(found(-1).await, passed(0, 1));
    for skipped in [0, 1, 2] {
        assert_eq!(found(skipped).await, passed(3, 4), "a lane that skipped days stands at the same record");
    }
    assert_eq!(found(3).await, LaneDay { passed: None, ..passed(3, 4) });
    assert_eq!(book.first_day().await.expect("a read"), Some(date(0)));
}

/// Up to the end of the day, and no further.
pub async fn what_waits_to_be_redelivered_stands_in_the_way_of_its_day(subject: &mut impl Subject) {
    let (books, book) = (subject.books(), subject.closings());
    let begun = books.enter(LANE).await.expect("a lane").cursor;
    let dead_letters = vec![letter(2), letter(4), letter(5)];
    let days = vec![(date(0), seq(1)), (date(1), seq(3)), (date(2), seq(6))];
    books.post(&Step { dead_letters, ..step(&begun, 6, days) }).await.expect("a step");
    let mut waiting = Vec::new();
    for days in [-1, 0, 1, 2] {
        waiting.push(book.lane_days(date(days)).await.expect("a read").remove(0).dead_letters);
    }
    assert_eq!(waiting, [0, 1, 3, 3]);
    // The record of a roll moves no money: its day begins with it all the same.
    let roll = Redelivery {
        position: Position::new(LANE, seq(5)),
        business_date: date(2),
        journal: None,
        lines: Vec::new(),
        at: ten_o_clock(),
    };
    assert!(books.redeliver(&roll).await.expect("a redelivery"));
    let day = book.lane_days(date(1)).await.expect("a read").remove(0);
    assert_eq!((day.dead_letters, day.last()), (2, Some(seq(4))));
}

/// A record whose date goes back, and a day that is closed.
pub async fn nothing_is_redelivered_into_a_day_that_is_over(subject: &mut impl Subject) {
    let (books, book) = (subject.books(), subject.closings());
    let begun = books.enter(LANE).await.expect("a lane").cursor;
    let dead_letters = vec![letter(2), letter(4)];
    let days = vec![(date(0), seq(1)), (date(1), seq(3))];
    books.post(&Step { dead_letters, ..step(&begun, 4, days) }).await.expect("a step");
    let of = |number, days| Redelivery {
        position: Position::new(LANE, seq(number)),
        business_date: date(days),
        journal: None,
        lines: Vec::new(),
        at: ten_o_clock(),
    };
    let revision = books.enter(LANE).await.expect("a read").cursor.revision;
    assert!(matches!(books.redeliver(&of(4, 0)).await, Err(StoreError::DayOver(day)) if day == date(0)));
    // Closed all the same, as no process of this program would.
    assert_eq!(book.seal(&closing(0, Seal::GENESIS, 5)).await.expect("an answer"), Sealing::Sealed);
    assert!(matches!(books.redeliver(&of(2, 0)).await, Err(StoreError::DayOver(day)) if day == date(0)));
    let cursor = books.enter(LANE).await.expect("a read").cursor;
    assert_eq!((cursor.dead_letters, cursor.revision), (2, revision), "nothing was changed");
    assert!(books.redeliver(&of(4, 1)).await.expect("a redelivery"));
}
