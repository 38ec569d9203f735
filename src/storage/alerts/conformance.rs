//! One suite for every store of alerts, on the same subjects as that of the books.
//!
//! A store's test file lists it by [`alerts_conformance!`](crate::alerts_conformance): each case becomes a test of its own.

use std::sync::Arc;

use hwan_domain::{
    anomaly::{Alert, Rule, Severity, Subject as About},
    id::{AccountId, LaneId, Position},
    time::Timestamp,
};

use super::port::{AlertBook, AlertQuery, AlertState, Checkpoint, Decided, KeptAlert, Note, Raised};
use crate::storage::{
    conformance::fixture::{currency, seq, ten_o_clock},
    general_ledger::conformance::Subject as BooksSubject,
    port::{ChainHash, StoreError},
};

/// A store under test, empty at first.
pub trait Subject: BooksSubject {
    /// The store, as the watch sees it.
    fn alerts(&self) -> Arc<dyn AlertBook>;
}

macro_rules! cases {
    ($dollar:tt $($case:ident),+ $(,)?) => {
        /// Lists every case as a test: `alerts_conformance!(make)`, where `make` is an async function without arguments that
        /// returns a [`Subject`](crate::storage::alerts::conformance::Subject).
        #[macro_export]
        macro_rules! alerts_conformance {
            ($dollar make:path) => {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        $crate::storage::alerts::conformance::$case(&mut $dollar make().await).await;
                    }
                )+
            };
        }
    };
}

cases! { $
    an_alert_is_kept_as_it_was_raised,
    what_is_raised_again_is_counted_and_is_no_second_alert,
    a_condition_is_opened_again_and_a_record_is_not,
    of_many_who_raise_at_once_one_is_the_first,
    people_acknowledge_and_resolve_once,
    a_page_of_alerts_goes_on_where_the_last_ended,
    alerts_are_found_by_what_they_are,
    what_was_not_published_is_told_until_it_is,
    a_state_is_taken_back_as_it_was_put_away,
    a_large_state_is_put_away_in_parts,
}

fn account(number: u64) -> AccountId {
    AccountId::at(Position::new(LaneId::FIRST, seq(number)))
}

/// A negative balance at a record.
fn negative(number: u64) -> Alert {
    let here = (Position::new(LaneId::FIRST, seq(number)), ten_o_clock());
    Alert::at_record(Rule::NegativeBalance, About::Account(account(3)), here, "at least 0", "-5 KRW \\ it's \"환\"")
        .of_pair(currency("USD"))
}

/// Books of a lane that are behind.
fn lag(lane: u16) -> Alert {
    let lane = LaneId::new(lane).expect("a lane");
    Alert::standing(Rule::OutboxLag, About::Lane(lane), ten_o_clock(), "at most 60 s", "70 s")
}

fn after(seconds: i64) -> Timestamp {
    ten_o_clock().plus_seconds(seconds)
}

fn note(by: &str, seconds: i64) -> Note {
    Note { by: by.to_owned(), at: after(seconds), text: format!("it's {by}'s") }
}

async fn raise(book: &dyn AlertBook, alerts: &[Alert], seconds: i64) -> Vec<Raised> {
    book.raise(alerts, after(seconds)).await.expect("raised")
}

async fn kept(book: &dyn AlertBook, alert: &Alert) -> KeptAlert {
    book.alert(&alert.id()).await.expect("a read").expect("an alert")
}

fn ids(alerts: &[KeptAlert]) -> Vec<&str> {
    alerts.iter().map(|alert| alert.id.as_str()).collect()
}

/// Every column, over a restart.
pub async fn an_alert_is_kept_as_it_was_raised(subject: &mut impl Subject) {
    let alert = negative(9);
    assert_eq!(raise(subject.alerts().as_ref(), &[alert.clone(), lag(2)], 5).await, [Raised::New, Raised::New]);
    subject.reopen().await;
    let book = subject.alerts();
    let expected = KeptAlert {
        id: "negative_balance.acc_0008000000003.1-9".to_owned(),
        rule: "negative_balance".to_owned(),
        severity: Severity::Critical,
        state: AlertState::Open,
        subject_kind: "account".to_owned(),
        subject: "acc_0008000000003".to_owned(),
        expected: alert.evidence.expected.clone(),
        found: alert.evidence.found.clone(),
        record: alert.evidence.record,
        account: Some(account(3)),
        pair: Some("USD".to_owned()),
        at: ten_o_clock(),
        first_seen: after(5),
        last_seen: after(5),
        times_seen: 1,
        times_reopened: 0,
        acknowledged: None,
        resolved: None,
    };
    assert_eq!(kept(book.as_ref(), &alert).await, expected);
    let condition = kept(book.as_ref(), &lag(2)).await;
    assert_eq!((condition.record, condition.account, condition.pair), (None, None, None));
    assert_eq!(book.alert("negative_balance.acc_0008000000003.1-8").await.expect("a read"), None);
    assert_eq!(book.raise(&[], after(9)).await.expect("nothing"), []);
}

/// Within one call too.
pub async fn what_is_raised_again_is_counted_and_is_no_second_alert(subject: &mut impl Subject) {
    let book = subject.alerts();
    assert_eq!(raise(book.as_ref(), &[negative(9), negative(9)], 5).await, [Raised::New, Raised::Again]);
    assert_eq!(raise(book.as_ref(), &[negative(9)], 7).await, [Raised::Again]);
    assert_eq!(raise(book.as_ref(), &[negative(9)], 6).await, [Raised::Again]);
    let found = kept(book.as_ref(), &negative(9)).await;
    assert_eq!((found.first_seen, found.last_seen, found.times_seen), (after(5), after(7), 4));
    assert_eq!(book.alerts(&AlertQuery { limit: 9, ..AlertQuery::default() }).await.expect("a page").len(), 1);
}

/// What a record shows stays what somebody decided about it.
pub async fn a_condition_is_opened_again_and_a_record_is_not(subject: &mut impl Subject) {
    let book = subject.alerts();
    let both = [negative(9), lag(1)];
    raise(book.as_ref(), &both, 1).await;
    for alert in &both {
        book.acknowledge(&alert.id(), &note("kim", 2)).await.expect("acknowledged");
        book.resolve(&alert.id(), &note("lee", 3)).await.expect("resolved");
    }
    assert_eq!(raise(book.as_ref(), &both, 4).await, [Raised::Again, Raised::Reopened]);
    let record = kept(book.as_ref(), &both[0]).await;
    assert_eq!((record.state, record.times_reopened, record.times_seen), (AlertState::Resolved, 0, 2));
    let condition = kept(book.as_ref(), &both[1]).await;
    assert_eq!((condition.state, condition.times_reopened), (AlertState::Open, 1));
    assert_eq!((condition.acknowledged, condition.resolved), (None, Some(note("lee", 3))));
    assert_eq!(raise(book.as_ref(), &both, 5).await, [Raised::Again, Raised::Again]);
}

/// Two processes may watch at once, while a lane changes hands.
pub async fn of_many_who_raise_at_once_one_is_the_first(subject: &mut impl Subject) {
    let book = subject.alerts();
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let book = Arc::clone(&book);
        tasks.push(tokio::spawn(async move {
            // A server may refuse one of two that lock each other: it is raised again.
            loop {
                if let Ok(raised) = book.raise(&[negative(9)], after(1)).await {
                    return raised;
                }
            }
        }));
    }
    let mut raised = Vec::new();
    for task in tasks {
        raised.extend(task.await.expect("no panic"));
    }
    assert_eq!(raised.iter().filter(|raised| **raised == Raised::New).count(), 1, "{raised:?}");
    assert_eq!(kept(book.as_ref(), &negative(9)).await.times_seen, 4);
}

/// Again, by somebody else, it changes nothing.
pub async fn people_acknowledge_and_resolve_once(subject: &mut impl Subject) {
    let book = subject.alerts();
    let alert = negative(9);
    assert_eq!(book.acknowledge(&alert.id(), &note("kim", 1)).await.expect("an answer"), None);
    assert_eq!(book.resolve(&alert.id(), &note("kim", 1)).await.expect("an answer"), None);
    raise(book.as_ref(), std::slice::from_ref(&alert), 1).await;
    let first = book.acknowledge(&alert.id(), &note("kim", 2)).await.expect("an answer").expect("an alert");
    let Decided::Now(first) = first else { panic!("{first:?}") };
    assert_eq!((first.state, first.acknowledged.clone()), (AlertState::Acknowledged, Some(note("kim", 2))));
    assert_eq!(kept(book.as_ref(), &alert).await, first);
    let again = book.acknowledge(&alert.id(), &note("lee", 3)).await.expect("an answer");
    assert_eq!(again, Some(Decided::Before(first)));
    let done = book.resolve(&alert.id(), &note("lee", 4)).await.expect("an answer").expect("an alert");
    let Decided::Now(done) = done else { panic!("{done:?}") };
    assert_eq!((done.state, done.resolved.clone()), (AlertState::Resolved, Some(note("lee", 4))));
    assert_eq!(
        book.resolve(&alert.id(), &note("kim", 5)).await.expect("an answer"),
        Some(Decided::Before(done.clone()))
    );
    assert_eq!(book.acknowledge(&alert.id(), &note("kim", 6)).await.expect("an answer"), Some(Decided::Resolved(done)));
    assert_eq!(book.unresolved().await.expect("counts").map(|(_, count)| count), [0, 0, 0]);
}

/// The newest first; of one instant by their ids.
pub async fn a_page_of_alerts_goes_on_where_the_last_ended(subject: &mut impl Subject) {
    let book = subject.alerts();
    raise(book.as_ref(), &[negative(1), negative(2), negative(3)], 1).await;
    raise(book.as_ref(), &[negative(4)], 2).await;
    let mut read = Vec::new();
    let mut query = AlertQuery { limit: 3, ..AlertQuery::default() };
    loop {
        let page = book.alerts(&query).await.expect("a page");
        read.extend(page.iter().map(|alert| alert.record.expect("a record").seq().number()));
        let Some(last) = page.last().filter(|_| page.len() == query.limit) else { break };
        query.after = Some((last.first_seen, last.id.clone()));
    }
    assert_eq!(read, [4, 3, 2, 1]);
}

/// Each filter, and all of them together.
pub async fn alerts_are_found_by_what_they_are(subject: &mut impl Subject) {
    let book = subject.alerts();
    raise(book.as_ref(), &[negative(1), lag(1), lag(2)], 1).await;
    book.acknowledge(&lag(2).id(), &note("kim", 2)).await.expect("acknowledged");
    let all = AlertQuery { limit: 9, ..AlertQuery::default() };
    let count = async |query: AlertQuery| book.alerts(&query).await.expect("a page").len();
    assert_eq!(count(all.clone()).await, 3);
    assert_eq!(count(AlertQuery { rule: Some("outbox_lag".into()), ..all.clone() }).await, 2);
    assert_eq!(count(AlertQuery { severity: Some(Severity::Critical), ..all.clone() }).await, 1);
    assert_eq!(count(AlertQuery { state: Some(AlertState::Acknowledged), ..all.clone() }).await, 1);
    assert_eq!(count(AlertQuery { subject: Some("lane-1".into()), ..all.clone() }).await, 1);
    let none = AlertQuery { rule: Some("outbox_lag".into()), severity: Some(Severity::Critical), ..all };
    assert_eq!(count(none).await, 0);
    let unresolved = book.unresolved().await.expect("counts");
    assert_eq!(unresolved, [(Severity::Info, 0), (Severity::Warning, 2), (Severity::Critical, 1)]);
}

/// One that was opened again meanwhile is told again.
pub async fn what_was_not_published_is_told_until_it_is(subject: &mut impl Subject) {
    let book = subject.alerts();
    raise(book.as_ref(), &[lag(1)], 1).await;
    raise(book.as_ref(), &[negative(1)], 2).await;
    let first = book.unpublished(9).await.expect("a read");
    assert_eq!(ids(&first), [lag(1).id(), negative(1).id()]);
    assert_eq!(book.unpublished(1).await.expect("a read").len(), 1);
    book.resolve(&lag(1).id(), &note("kim", 3)).await.expect("resolved");
    raise(book.as_ref(), &[lag(1)], 4).await;
    book.published(&first, after(5)).await.expect("noted");
    let rest = book.unpublished(9).await.expect("a read");
    assert_eq!(ids(&rest), [lag(1).id()]);
    book.published(&rest, after(6)).await.expect("noted");
    book.published(&[], after(6)).await.expect("nothing");
    assert_eq!(book.unpublished(9).await.expect("a read"), []);
}

fn checkpoint(lane: LaneId, number: u64, body: Vec<u8>) -> Checkpoint {
    let at = after(i64::try_from(number).unwrap_or(0));
    Checkpoint { lane, seq: seq(number), hash: ChainHash([7; 32]), offset: Some(5), at, body }
}

/// Over a restart; the newest takes the older one's place; lanes do not touch each other.
pub async fn a_state_is_taken_back_as_it_was_put_away(subject: &mut impl Subject) {
    let book = subject.alerts();
    assert_eq!(book.taken_back(LaneId::FIRST).await.expect("a read"), None);
    for number in [1, 2] {
        book.put_away(&checkpoint(LaneId::FIRST, number, vec![number as u8; 5])).await.expect("put away");
    }
    let system = Checkpoint { offset: None, ..checkpoint(LaneId::SYSTEM, 9, Vec::new()) };
    book.put_away(&system).await.expect("put away");
    subject.reopen().await;
    let book = subject.alerts();
    assert_eq!(book.taken_back(LaneId::FIRST).await.expect("a read"), Some(checkpoint(LaneId::FIRST, 2, vec![2; 5])));
    assert_eq!(book.taken_back(LaneId::SYSTEM).await.expect("a read"), Some(system));
}

/// More than a statement takes.
pub async fn a_large_state_is_put_away_in_parts(subject: &mut impl Subject) {
    let book = subject.alerts();
    let body: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let large = checkpoint(LaneId::FIRST, 1, body);
    book.put_away(&large).await.expect("put away");
    assert_eq!(book.taken_back(LaneId::FIRST).await.expect("a read"), Some(large.clone()));
    // The same generation again, as after an answer that was lost.
    book.put_away(&large).await.expect("put away");
    let small = checkpoint(LaneId::FIRST, 2, vec![1]);
    book.put_away(&small).await.expect("put away");
    assert_eq!(book.taken_back(LaneId::FIRST).await.expect("a read"), Some(small));
    book.put_away(&large).await.expect("put away");
    subject.books().close().await;
    assert!(matches!(subject.alerts().taken_back(LaneId::FIRST).await, Err(StoreError::Unavailable(_))));
}
