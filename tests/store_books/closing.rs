//! Days are closed on every store of the books: in their order, once what is missing has come, and the same whenever it is asked.

use std::sync::Arc;

use hwan::{
    closing::closer::{CloseError, Closer},
    storage::{
        codec::digest,
        conformance::fixture::ten_o_clock,
        general_ledger::{
            books_store::BooksStore,
            conformance::chart,
            port::{DeadLetter, DeadLetterKind, LaneCursor, Redelivery, Step},
        },
        port::ChainHash,
    },
};
use hwan_domain::{
    closing::{ClosingDifference, Missing, Seal},
    currency::Currency,
    id::{LaneId, Position, Seq},
    ledger::{Role, TrialLine, Turnover},
    time::BusinessDate,
};

use super::{
    database::{Database, Server},
    sqlite,
};

fn date(days: i32) -> BusinessDate {
    BusinessDate::from_days(ten_o_clock().seoul_date().days() + days)
}

fn seq(number: u64) -> Seq {
    Seq::new(number).unwrap()
}

fn hash(number: u64) -> ChainHash {
    ChainHash([u8::try_from(number).unwrap(); 32])
}

/// So much won paid in by a day's end, as two lines of it.
fn paid_in(minor: i128) -> [TrialLine; 2] {
    let line = |role, debit, credit| TrialLine {
        account: chart().account(role),
        currency: Currency::KRW,
        turnover: Turnover { debit, credit },
    };
    [line(Role::WonReserves, minor, 0), line(Role::WonDeposits, 0, minor)]
}

/// A step over a lane's records up to `to`, on a date that begins with the first of them.
fn day(cursor: &LaneCursor, to: u64, days: i32, minor: i128) -> Step {
    Step {
        lane: cursor.lane,
        from: cursor.seq,
        revision: cursor.revision,
        seq: seq(to),
        hash: hash(to),
        at: Some(ten_o_clock()),
        business_date: Some(date(days)),
        offset: None,
        journals: Vec::new(),
        turnovers: paid_in(minor).map(|line| (date(days), line)).to_vec(),
        days: vec![(date(days), cursor.seq.next().unwrap())],
        trail: (cursor.seq.number() + 1..=to).map(hash).collect(),
        dead_letters: Vec::new(),
    }
}

async fn pass(books: &dyn BooksStore, lane: LaneId, to: u64, days: i32, minor: i128) {
    let cursor = books.enter(lane).await.unwrap().cursor;
    books.post(&day(&cursor, to, days, minor)).await.unwrap();
}

async fn days_are_closed(books: Arc<dyn BooksStore>) {
    let closer = Closer::new(Arc::clone(&books), 1);
    assert_eq!(closer.next().await.unwrap(), None);
    let unknown = [LaneId::SYSTEM, LaneId::FIRST].map(|lane| Missing::NoRecord { lane }).to_vec();
    assert_eq!(closer.close(date(0)).await, Err(CloseError::NotYet { date: date(0), missing: unknown }));
    // Day 0: both lanes. The system lane skips day 1.
    pass(books.as_ref(), LaneId::SYSTEM, 3, 0, 5).await;
    pass(books.as_ref(), LaneId::FIRST, 4, 0, 100).await;
    pass(books.as_ref(), LaneId::SYSTEM, 4, 2, 0).await;
    let behind = Missing::NotPassed { lane: LaneId::FIRST, stands_on: date(0) };
    let refused = Err(CloseError::NotYet { date: date(0), missing: vec![behind] });
    assert_eq!(closer.close(date(0)).await, refused);
    assert_eq!(closer.close_one().await, Ok(None));
    assert_eq!(closer.close(date(-1)).await, Err(CloseError::NoSuchDay { date: date(-1) }));
    pass(books.as_ref(), LaneId::FIRST, 6, 1, 7).await;
    // A record of day 1 cannot be posted.
    let cursor = books.enter(LaneId::FIRST).await.unwrap().cursor;
    let letter = DeadLetter {
        kind: DeadLetterKind::Record,
        position: Position::new(LaneId::FIRST, seq(7)),
        offset: None,
        reason: "unreadable".into(),
        since: ten_o_clock(),
        body: vec![1],
    };
    let mut put_aside = Step { dead_letters: vec![letter], turnovers: Vec::new(), ..day(&cursor, 7, 1, 0) };
    put_aside.days.clear();
    books.post(&put_aside).await.unwrap();
    pass(books.as_ref(), LaneId::FIRST, 8, 2, 0).await;

    let first = closer.close(date(0)).await.unwrap();
    assert_eq!((first.previous, first.hash), (Seal::GENESIS, Seal(digest(&first.text()))));
    let ends: Vec<_> = first.lanes.iter().map(|lane| (lane.lane.number(), lane.seq.number(), lane.hash)).collect();
    assert_eq!(ends, [(0, 3, Seal(hash(3).0)), (1, 4, Seal(hash(4).0))]);
    assert_eq!(first.totals.control_totals(&chart()).minor(Currency::KRW), 105);
    assert_eq!(closer.close(date(0)).await, Ok(first.clone()), "the same whenever it is asked");

    let waiting = Missing::DeadLetters { lane: LaneId::FIRST, count: 1 };
    let refused = Err(CloseError::NotYet { date: date(1), missing: vec![waiting] });
    assert_eq!(closer.close(date(1)).await, refused);
    assert_eq!(closer.close(date(9)).await, refused, "an earlier day is closed first");
    let redelivery = Redelivery {
        position: Position::new(LaneId::FIRST, seq(7)),
        business_date: date(1),
        journal: None,
        lines: Vec::new(),
        at: ten_o_clock(),
    };
    assert!(books.redeliver(&redelivery).await.unwrap());
    let second = closer.close_one().await.unwrap().unwrap();
    assert_eq!((second.business_date, second.previous), (date(1), first.hash));
    let ends: Vec<_> = second.lanes.iter().map(|lane| (lane.lane.number(), lane.seq.number())).collect();
    assert_eq!(ends, [(0, 3), (1, 7)], "a lane that skipped the day stands where it stood");
    assert_eq!(second.totals.control_totals(&chart()).minor(Currency::KRW), 112);
    assert_eq!(closer.close_one().await, Ok(None), "nobody has passed day 2");
    assert_eq!(closer.closings(None, 9).await.unwrap(), [second.clone(), first.clone()]);

    // A lane that is added later changes no closing, but the next one waits for it.
    let wider = Closer::new(Arc::clone(&books), 2);
    assert_eq!(wider.check(&first).await, Ok(()));
    let absent = Missing::NoRecord { lane: LaneId::new(2).unwrap() };
    assert!(wider.next().await.unwrap().unwrap().missing.contains(&absent));

    // Somebody enters something on day 0, past every door.
    let cursor = books.enter(LaneId::FIRST).await.unwrap().cursor;
    let mut entered = day(&cursor, 9, 2, 0);
    entered.turnovers = vec![(date(0), paid_in(101)[1])];
    entered.days.clear();
    books.post(&entered).await.unwrap();
    let account = chart().account(Role::WonDeposits);
    let difference = ClosingDifference::Account { lane: LaneId::FIRST, account, currency: Currency::KRW };
    for (day, closing) in [(0, &first), (1, &second)] {
        let damaged = Err(CloseError::Differs { date: date(day), difference });
        assert_eq!(closer.close(date(day)).await, damaged);
        assert_eq!(closer.closing(date(day)).await.unwrap().as_ref(), Some(closing), "what is sealed stays");
    }
    pass(books.as_ref(), LaneId::SYSTEM, 5, 3, 0).await;
    pass(books.as_ref(), LaneId::FIRST, 10, 3, 0).await;
    assert!(matches!(closer.close_one().await, Err(CloseError::Differs { .. })), "nothing is closed on top of it");
}

#[tokio::test]
async fn days_are_closed_in_their_order_and_an_entry_after_the_close_is_damage_in_sqlite() {
    let subject = sqlite().await;
    days_are_closed(subject.books.clone().unwrap()).await;
}

#[tokio::test]
async fn days_are_closed_in_their_order_and_an_entry_after_the_close_is_damage_on_a_server() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        days_are_closed(database.store()).await;
    }
}
