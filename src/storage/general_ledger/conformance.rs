//! One suite for every store of the books: what the accounting counts on, whatever stands behind the port.
//!
//! A store's test file names a function that makes a [`Subject`] and lists the suite by
//! [`books_conformance!`](crate::books_conformance): each case becomes a test of its own.

use std::sync::Arc;

use async_trait::async_trait;
use hwan_domain::{
    currency::Currency,
    id::{LaneId, Position, Seq},
    ledger::{
        AccountCode, Chart, ChartAccount, Entry, EntrySide, Journal, JournalKind, LedgerAccount, Role, TrialBalance,
        TrialLine, Turnover,
    },
    money::Money,
    time::BusinessDate,
};
use smallvec::smallvec;

use super::port::{DeadLetter, DeadLetterKind, GeneralLedger, JournalQuery, LaneCursor, PostError, Redelivery, Step};
use crate::storage::{
    conformance::fixture::{currency, seq, ten_o_clock},
    port::{ChainHash, StoreError},
};

/// A store under test, empty at first.
#[async_trait]
pub trait Subject: Send {
    /// The store.
    fn books(&self) -> Arc<dyn GeneralLedger>;

    /// Closes the store and opens it again on what it had stored.
    async fn reopen(&mut self);
}

macro_rules! cases {
    ($dollar:tt $($case:ident),+ $(,)?) => {
        /// Lists every case as a test: `books_conformance!(make)`, where `make` is an async function without arguments that
        /// returns a [`Subject`](crate::storage::general_ledger::conformance::Subject).
        #[macro_export]
        macro_rules! books_conformance {
            ($dollar make:path) => {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        $crate::storage::general_ledger::conformance::$case(&mut $dollar make().await).await;
                    }
                )+
            };
        }
    };
}

cases! { $
    a_lane_begins_with_nothing,
    a_step_is_taken_once_and_only_from_where_the_books_stand,
    of_two_steps_that_race_one_is_taken,
    what_was_posted_is_there_after_reopening,
    turnovers_are_absolute_and_add_up_by_date_and_lane,
    sums_may_be_more_than_a_column_holds,
    pages_of_journals_join_up,
    a_business_date_has_its_own_journals,
    the_trail_is_read_from_anywhere,
    what_could_not_be_posted_is_redelivered_once,
    a_redelivery_may_begin_a_day,
    pages_of_dead_letters_cut_no_place,
    why_a_lane_stopped_is_told_until_it_goes_on,
    a_step_of_thousands_is_taken_whole,
    a_closed_store_refuses_everything,
}

/// The chart of the domain page, for tests.
pub fn chart() -> Arc<Chart> {
    const CODES: [u32; 17] =
        [1010, 1110, 1310, 2010, 2110, 2310, 2320, 2410, 2420, 1900, 1901, 4110, 5110, 4120, 5120, 5010, 5900];
    let line = |(role, code): (&Role, u32)| ChartAccount {
        code: AccountCode::new(code).expect("a number of an account"),
        name: role.as_str().replace('_', " "),
        class: role.class(),
        role: *role,
        per_currency: role.is_per_currency(),
    };
    Arc::new(Chart::new(Role::ALL.iter().zip(CODES).map(line).collect()).expect("a chart"))
}

const LANE: LaneId = LaneId::FIRST;

fn today() -> BusinessDate {
    ten_o_clock().seoul_date()
}

fn hash(number: u64) -> ChainHash {
    let mut hash = [7; 32];
    hash.iter_mut().zip(number.to_be_bytes()).for_each(|(byte, of)| *byte = of);
    ChainHash(hash)
}

fn account(role: Role, of: Option<Currency>) -> LedgerAccount {
    LedgerAccount { code: chart().code(role), of }
}

fn line(role: Role, of: Option<&str>, debit: i128, credit: i128) -> TrialLine {
    let of = of.map(currency);
    TrialLine { account: account(role, of), currency: role.counted_in(of), turnover: Turnover { debit, credit } }
}

/// A deposit of this much won by this record.
fn deposit(number: u64, minor: i64) -> Journal {
    deposit_on(LANE, number, minor, today())
}

fn deposit_on(lane: LaneId, number: u64, minor: i64, business_date: BusinessDate) -> Journal {
    let amount = Money::won(minor).expect("an amount");
    Journal {
        position: Position::new(lane, seq(number)),
        at: ten_o_clock().plus_micros(i64::try_from(number).unwrap_or(0)),
        business_date,
        kind: JournalKind::Deposit,
        reference: number.is_multiple_of(2).then(|| format!("it's \\ \"{number}\" 환").into_boxed_str()),
        entries: smallvec![
            Entry { account: account(Role::WonReserves, None), side: EntrySide::Debit, amount },
            Entry { account: account(Role::WonDeposits, None), side: EntrySide::Credit, amount },
        ],
    }
}

/// A step over the records from `from + 1` to `to`, with nothing to post.
fn quiet(cursor: &LaneCursor, to: u64) -> Step {
    let from = cursor.seq.number();
    Step {
        lane: cursor.lane,
        from: cursor.seq,
        revision: cursor.revision,
        seq: seq(to),
        hash: hash(to),
        at: Some(ten_o_clock()),
        business_date: Some(today()),
        offset: None,
        journals: Vec::new(),
        turnovers: Vec::new(),
        days: Vec::new(),
        trail: (from + 1..=to).map(hash).collect(),
        dead_letters: Vec::new(),
    }
}

fn letter(kind: DeadLetterKind, number: u64, offset: Option<i64>) -> DeadLetter {
    DeadLetter {
        kind,
        position: Position::new(LANE, seq(number)),
        offset,
        reason: format!("it's no {number}"),
        since: ten_o_clock(),
        body: vec![0, 0xff, b'\'', b'\\', 7],
    }
}

async fn cursor(books: &dyn GeneralLedger) -> LaneCursor {
    books.enter(LANE).await.expect("a read").cursor
}

/// Nobody has posted anything.
pub async fn a_lane_begins_with_nothing(subject: &mut impl Subject) {
    let books = subject.books();
    assert_eq!(books.look(LANE).await.expect("a read"), None);
    assert!(books.cursors().await.expect("a read").is_empty());
    let entered = books.enter(LANE).await.expect("a lane");
    assert_eq!((entered.cursor.seq, entered.cursor.hash, entered.cursor.revision), (Seq::ZERO, ChainHash::GENESIS, 0));
    assert_eq!((entered.cursor.at, entered.cursor.business_date, entered.cursor.offset), (None, None, None));
    assert!(entered.turnovers.is_empty() && entered.today.is_empty());
    assert_eq!(books.enter(LANE).await.expect("the same lane"), entered);
    assert_eq!(books.cursors().await.expect("a read"), [entered.cursor]);
    assert!(!books.name().is_empty());
}

/// The fence.
pub async fn a_step_is_taken_once_and_only_from_where_the_books_stand(subject: &mut impl Subject) {
    let books = subject.books();
    let begun = cursor(books.as_ref()).await;
    let step = Step { journals: vec![deposit(1, 5)], ..quiet(&begun, 2) };
    for wrong in [Step { from: seq(1), ..step.clone() }, Step { revision: 1, ..step.clone() }] {
        assert!(matches!(books.post(&wrong).await, Err(PostError::Fenced { .. })));
    }
    let absent = Step { lane: LaneId::SYSTEM, ..step.clone() };
    assert!(matches!(books.post(&absent).await, Err(PostError::Fenced { .. })));
    books.post(&step).await.expect("a step");
    assert!(matches!(books.post(&step).await, Err(PostError::Fenced { .. })));
    assert_eq!(cursor(books.as_ref()).await.seq, seq(2));
    // Nothing was taken, the offset moved on all the same.
    let now = cursor(books.as_ref()).await;
    books.post(&Step { offset: Some(9), ..quiet(&now, 2) }).await.expect("a step without records");
    assert_eq!(cursor(books.as_ref()).await.offset, Some(9));
}

/// Two posters, as two consumers of one group are for a moment.
pub async fn of_two_steps_that_race_one_is_taken(subject: &mut impl Subject) {
    let books = subject.books();
    let begun = cursor(books.as_ref()).await;
    let race = |minor| {
        let (books, step) = (subject.books(), Step { journals: vec![deposit(1, minor)], ..quiet(&begun, 1) });
        tokio::spawn(async move { books.post(&step).await })
    };
    let (one, other) = (race(5), race(6));
    let outcomes = [one.await.expect("a task"), other.await.expect("a task")];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert_eq!(cursor(books.as_ref()).await.seq, seq(1));
}

/// Every column.
pub async fn what_was_posted_is_there_after_reopening(subject: &mut impl Subject) {
    let books = subject.books();
    let begun = cursor(books.as_ref()).await;
    let step = Step {
        journals: vec![deposit(1, 5), deposit(2, 6)],
        turnovers: vec![
            (today(), line(Role::WonReserves, None, 11, 0)),
            (today(), line(Role::PositionEquivalent, Some("USD"), 1, 2)),
        ],
        days: vec![(today(), seq(1))],
        offset: Some(77),
        dead_letters: vec![letter(DeadLetterKind::Record, 3, Some(76)), letter(DeadLetterKind::Stray, 3, Some(75))],
        ..quiet(&begun, 3)
    };
    books.post(&step).await.expect("a step");
    let before = books.enter(LANE).await.expect("a read");
    subject.reopen().await;
    let books = subject.books();
    let after = books.enter(LANE).await.expect("a read");
    assert_eq!(after, before);
    let LaneCursor { seq: at, hash: last, at: when, business_date, offset, dead_letters, .. } = after.cursor;
    assert_eq!((at, last, when, business_date), (seq(3), hash(3), Some(ten_o_clock()), Some(today())));
    assert_eq!((offset, dead_letters), (Some(77), 1));
    let mut lines = after.turnovers.clone();
    lines.sort_by_key(|line| line.account);
    assert_eq!(lines, [line(Role::WonReserves, None, 11, 0), line(Role::PositionEquivalent, Some("USD"), 1, 2)]);
    for journal in &step.journals {
        assert_eq!(books.journal(journal.position).await.expect("a read").as_ref(), Some(journal));
    }
    assert_eq!(books.journal(Position::new(LANE, seq(3))).await.expect("a read"), None);
    assert_eq!(books.dead_letters(None, None, 10).await.expect("a read"), step.dead_letters);
}

/// Written as they stand, and added up by whoever asks.
pub async fn turnovers_are_absolute_and_add_up_by_date_and_lane(subject: &mut impl Subject) {
    let books = subject.books();
    let (first, next) = (today(), today().next());
    let other = LaneId::SYSTEM;
    books.enter(other).await.expect("a lane");
    let steps: [(LaneId, BusinessDate, i128); 4] =
        [(LANE, first, 5), (LANE, first, 7), (LANE, next, 11), (other, next, 13)];
    for (lane, date, debit) in steps {
        let at = books.enter(lane).await.expect("a lane").cursor;
        let to = at.seq.number() + 1;
        let turnovers = vec![(date, line(Role::Nostro, Some("USD"), debit, 1))];
        let step = Step { turnovers, business_date: Some(date), ..quiet(&at, to) };
        books.post(&step).await.expect("a step");
    }
    let total = async |as_of, lane| {
        let lines = books.turnovers(as_of, lane).await.expect("a read");
        TrialBalance::of(as_of, lines).turnover(account(Role::Nostro, Some(currency("USD"))))
    };
    assert_eq!(total(None, None).await, Turnover { debit: 31, credit: 3 });
    assert_eq!(total(Some(first), None).await, Turnover { debit: 7, credit: 1 });
    assert_eq!(total(None, Some(LANE)).await, Turnover { debit: 18, credit: 2 });
    assert_eq!(total(Some(next), Some(other)).await, Turnover { debit: 13, credit: 1 });
    assert_eq!(total(Some(BusinessDate::from_days(first.days() - 1)), None).await, Turnover::default());
    let books = books.look(LANE).await.expect("a read").expect("a lane");
    assert_eq!(books.today, [line(Role::Nostro, Some("USD"), 11, 1)]);
    assert_eq!(TrialBalance::of(None, books.turnovers).lines, [line(Role::Nostro, Some("USD"), 18, 2)]);
}

/// A day holds 63 bits; many days hold more.
pub async fn sums_may_be_more_than_a_column_holds(subject: &mut impl Subject) {
    let books = subject.books();
    let huge = i128::from(i64::MAX) - 3;
    for (number, days) in [(1, 0), (2, 1), (3, 2)] {
        let at = cursor(books.as_ref()).await;
        let date = BusinessDate::from_days(today().days() + days);
        let turnovers = vec![(date, line(Role::WonReserves, None, huge, huge))];
        books.post(&Step { turnovers, business_date: Some(date), ..quiet(&at, number) }).await.expect("a step");
    }
    let expected = [line(Role::WonReserves, None, huge * 3, huge * 3)];
    let read = books.turnovers(None, None).await.expect("a read");
    assert_eq!(TrialBalance::of(None, read).lines, expected);
    assert_eq!(books.enter(LANE).await.expect("a read").turnovers, expected);
    let at = cursor(books.as_ref()).await;
    let turnovers = vec![(today(), line(Role::WonReserves, None, huge + 4, 0))];
    let refused = books.post(&Step { turnovers, ..quiet(&at, 4) }).await;
    assert!(matches!(refused, Err(PostError::Store(StoreError::Damaged(_)))), "{refused:?}");
    assert_eq!(cursor(books.as_ref()).await.seq, seq(3), "nothing of it was taken");
}

/// From the newest down, lane by lane.
pub async fn pages_of_journals_join_up(subject: &mut impl Subject) {
    let books = subject.books();
    for lane in [LaneId::SYSTEM, LANE] {
        let begun = books.enter(lane).await.expect("a lane").cursor;
        let journals = (1..=5).map(|number| deposit_on(lane, number, 5, today())).collect();
        books.post(&Step { journals, ..quiet(&begun, 5) }).await.expect("a step");
    }
    let mut query = JournalQuery { lane: None, business_date: None, before: None, limit: 3 };
    let mut read = Vec::new();
    loop {
        let page = books.journals(&query).await.expect("a page");
        assert!(page.journals.len() <= 3);
        read.extend(page.journals.iter().map(|journal| (journal.position.lane(), journal.position.seq().number())));
        query.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    let all = |lane| (1..=5).rev().map(move |number| (lane, number));
    assert_eq!(read, all(LANE).chain(all(LaneId::SYSTEM)).collect::<Vec<_>>());
    let of_lane = JournalQuery { lane: Some(LaneId::SYSTEM), before: None, limit: 5, ..query };
    let page = books.journals(&of_lane).await.expect("a page");
    assert_eq!((page.journals.len(), page.next), (5, None));
    assert_eq!(page.journals.last(), Some(&deposit_on(LaneId::SYSTEM, 1, 5, today())));
}

/// A day is a range in every lane.
pub async fn a_business_date_has_its_own_journals(subject: &mut impl Subject) {
    let books = subject.books();
    let date = |days: i32| BusinessDate::from_days(today().days() + days);
    for (lane, days) in [(LaneId::SYSTEM, [0, 2]), (LANE, [0, 1])] {
        let begun = books.enter(lane).await.expect("a lane").cursor;
        let [first, second] = days.map(date);
        let journals =
            (1..=6).map(|number| deposit_on(lane, number, 5, if number < 4 { first } else { second })).collect();
        let days = vec![(first, seq(1)), (second, seq(4))];
        books.post(&Step { journals, days, business_date: Some(second), ..quiet(&begun, 6) }).await.expect("a step");
    }
    for (days, lane, expected) in [(0, None, 6), (1, None, 3), (2, None, 3), (3, None, 0), (0, Some(LANE), 3)] {
        let query = JournalQuery { lane, business_date: Some(date(days)), before: None, limit: 100 };
        let page = books.journals(&query).await.expect("a page");
        assert_eq!((page.journals.len(), page.next), (expected, None), "day {days} of {lane:?}");
        assert!(page.journals.iter().all(|journal| journal.business_date == date(days)));
    }
    let query = JournalQuery { lane: None, business_date: Some(today()), before: None, limit: 4 };
    let page = books.journals(&query).await.expect("a page");
    assert_eq!(page.next, Some(Position::new(LaneId::SYSTEM, seq(3))));
    let rest = books.journals(&JournalQuery { before: page.next, ..query }).await.expect("a page");
    assert_eq!((rest.journals.len(), rest.next), (2, None));
}

/// Steps of any size, read across their ends.
pub async fn the_trail_is_read_from_anywhere(subject: &mut impl Subject) {
    let books = subject.books();
    for to in [1, 2, 7, 20, 21] {
        let at = cursor(books.as_ref()).await;
        books.post(&quiet(&at, to)).await.expect("a step");
    }
    for from in 1..=21 {
        let trail = books.trail(LANE, seq(from), 6).await.expect("a read");
        let expected: Vec<_> = (from..).take(trail.len()).map(|number| (seq(number), hash(number))).collect();
        assert_eq!(trail, expected);
        assert!(trail.len() >= 6.min(usize::try_from(22 - from).unwrap_or(0)), "from {from}: {}", trail.len());
    }
    assert!(books.trail(LANE, seq(22), 6).await.expect("a read").is_empty());
    assert!(books.trail(LaneId::SYSTEM, seq(1), 6).await.expect("a read").is_empty());
}

/// Exactly once, and whoever keeps turnovers in memory is told.
pub async fn what_could_not_be_posted_is_redelivered_once(subject: &mut impl Subject) {
    let books = subject.books();
    let begun = cursor(books.as_ref()).await;
    let step = Step {
        turnovers: vec![
            (today(), line(Role::WonReserves, None, 100, 0)),
            (today(), line(Role::WonDeposits, None, 0, 100)),
        ],
        days: vec![(today(), seq(1))],
        dead_letters: vec![letter(DeadLetterKind::Record, 2, None), letter(DeadLetterKind::Stray, 2, Some(4))],
        ..quiet(&begun, 3)
    };
    books.post(&step).await.expect("a step");
    let before = cursor(books.as_ref()).await;
    assert_eq!(before.dead_letters, 1);
    let redelivery = Redelivery {
        position: Position::new(LANE, seq(2)),
        business_date: today(),
        journal: Some(deposit(2, 7)),
        lines: deposit(2, 7).lines(&chart()),
        at: ten_o_clock(),
    };
    assert!(books.redeliver(&redelivery).await.expect("a redelivery"));
    assert!(!books.redeliver(&redelivery).await.expect("a second one"));
    let absent = Redelivery { position: Position::new(LANE, seq(3)), ..redelivery.clone() };
    assert!(!books.redeliver(&absent).await.expect("of nothing"));
    let after = cursor(books.as_ref()).await;
    assert_eq!((after.dead_letters, after.revision, after.seq), (0, before.revision + 1, seq(3)));
    assert_eq!(books.journal(redelivery.position).await.expect("a read"), redelivery.journal);
    let lines = TrialBalance::of(None, books.turnovers(None, None).await.expect("a read")).lines;
    assert_eq!(lines, [line(Role::WonReserves, None, 107, 0), line(Role::WonDeposits, None, 0, 107)]);
    assert!(matches!(books.post(&quiet(&before, 4)).await, Err(PostError::Fenced { .. })));
    books.post(&quiet(&after, 4)).await.expect("from where the books stand");
    assert_eq!(books.dead_letters(None, None, 9).await.expect("a read"), [letter(DeadLetterKind::Stray, 2, Some(4))]);
}

/// What could not be posted was the first record of its day.
pub async fn a_redelivery_may_begin_a_day(subject: &mut impl Subject) {
    let books = subject.books();
    let begun = cursor(books.as_ref()).await;
    let dead_letters = vec![letter(DeadLetterKind::Record, 2, None)];
    books.post(&Step { dead_letters, days: vec![(today(), seq(1))], ..quiet(&begun, 2) }).await.expect("a step");
    let tomorrow = today().next();
    let journal = Some(deposit_on(LANE, 2, 7, tomorrow));
    let lines = journal.as_ref().map(|journal| journal.lines(&chart())).unwrap_or_default();
    let position = Position::new(LANE, seq(2));
    let redelivery = Redelivery { position, business_date: tomorrow, journal, lines, at: ten_o_clock() };
    assert!(books.redeliver(&redelivery).await.expect("a redelivery"));
    let found = books.enter(LANE).await.expect("a read");
    assert_eq!(found.cursor.business_date, Some(tomorrow));
    assert_eq!(found.today.len(), 2, "what was redelivered is among today's");
    let query = JournalQuery { lane: None, business_date: Some(tomorrow), before: None, limit: 9 };
    assert_eq!(books.journals(&query).await.expect("a page").journals.len(), 1);
}

/// A page ends between two places.
pub async fn pages_of_dead_letters_cut_no_place(subject: &mut impl Subject) {
    let books = subject.books();
    let begun = cursor(books.as_ref()).await;
    let strays = (0..3).map(|offset| letter(DeadLetterKind::Stray, 2, Some(offset)));
    let records = [1, 2, 3].map(|number| letter(DeadLetterKind::Record, number, None));
    let dead_letters = records.into_iter().chain(strays).collect();
    books.post(&Step { dead_letters, ..quiet(&begun, 3) }).await.expect("a step");
    let read = async |lane, after, limit| {
        let letters = books.dead_letters(lane, after, limit).await.expect("a page");
        letters.iter().map(|letter| letter.position.seq().number()).collect::<Vec<_>>()
    };
    assert_eq!(read(None, None, 2).await, [1, 2, 2, 2, 2]);
    assert_eq!(read(None, Some(Position::new(LANE, seq(2))), 2).await, [3]);
    assert_eq!(read(Some(LANE), None, 1).await, [1]);
    assert!(read(Some(LaneId::SYSTEM), None, 9).await.is_empty());
}

/// Other processes see it.
pub async fn why_a_lane_stopped_is_told_until_it_goes_on(subject: &mut impl Subject) {
    let books = subject.books();
    let begun = cursor(books.as_ref()).await;
    books.note_stop(LANE, seq(9), "elsewhere").await.expect("nothing");
    assert_eq!(cursor(books.as_ref()).await.stopped, None, "the books do not stand there any more");
    books.note_stop(LANE, Seq::ZERO, "it's a gap").await.expect("a note");
    assert_eq!(cursor(books.as_ref()).await.stopped.as_deref(), Some("it's a gap"));
    books.post(&quiet(&begun, 1)).await.expect("a step");
    assert_eq!(cursor(books.as_ref()).await.stopped, None);
}

/// Larger than any statement of many rows.
pub async fn a_step_of_thousands_is_taken_whole(subject: &mut impl Subject) {
    let books = subject.books();
    let begun = cursor(books.as_ref()).await;
    let journals: Vec<Journal> = (1..=5_000).map(|number| deposit(number, 1)).collect();
    books.post(&Step { journals: journals.clone(), ..quiet(&begun, 5_000) }).await.expect("a step");
    let mut query = JournalQuery { lane: Some(LANE), business_date: None, before: None, limit: 1_000 };
    let mut read = Vec::new();
    loop {
        let page = books.journals(&query).await.expect("a page");
        read.extend(page.journals);
        query.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    read.reverse();
    assert_eq!(read, journals);
    assert_eq!(books.trail(LANE, seq(1), 5_000).await.expect("a read").len(), 5_000);
}

/// After closing.
pub async fn a_closed_store_refuses_everything(subject: &mut impl Subject) {
    let books = subject.books();
    let begun = cursor(books.as_ref()).await;
    books.close().await;
    assert!(matches!(books.post(&quiet(&begun, 1)).await, Err(PostError::Store(StoreError::Unavailable(_)))));
    assert!(matches!(books.cursors().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(books.enter(LANE).await, Err(StoreError::Unavailable(_))));
    subject.reopen().await;
    assert_eq!(cursor(subject.books().as_ref()).await.seq, Seq::ZERO);
}
