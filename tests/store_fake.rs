//! The fake store keeps the promises of a store, and breaks them only as planned.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hwan::{
    storage::{
        conformance::{
            Subject,
            fixture::{Family, Scribe, money, seq},
        },
        fake::{FakeStore, Gate, Outage, Outcome, Plan, Wait},
        port::{CommitError, LedgerStore, StoreError},
    },
    store_conformance,
};
use hwan_domain::id::{LaneId, Seq};

struct Fake(Arc<FakeStore>);

#[async_trait]
impl Subject for Fake {
    fn store(&self) -> Arc<dyn LedgerStore> {
        Arc::clone(&self.0) as Arc<dyn LedgerStore>
    }

    async fn reopen(&mut self) {
        self.0.close().await;
        self.0.reopen();
    }

    async fn lose_journal_after(&mut self, lane: LaneId, seq: Seq) {
        self.0.lose_journal_after(lane, seq);
    }

    /// It keeps none: they follow from its rows.
    async fn forget_totals(&mut self, _: LaneId) {}
}

async fn fake() -> Fake {
    Fake(Arc::new(FakeStore::new()))
}

store_conformance!(fake);

async fn begun() -> (Arc<FakeStore>, Scribe, Family) {
    let store = Arc::new(FakeStore::new());
    let mut scribe = Scribe::taken(LaneId::FIRST, &store.take_lane(LaneId::FIRST).await.unwrap());
    let family = scribe.open_family();
    store.commit(&scribe.batch()).await.unwrap();
    (store, scribe, family)
}

#[tokio::test]
async fn planned_failures_say_and_do_what_was_planned() {
    for (outcome, stands) in [
        (Outcome::Honest, true),
        (Outcome::NotDone, false),
        (Outcome::UnknownCommitted, true),
        (Outcome::UnknownLost, false),
        (Outcome::FencedByOther, false),
    ] {
        let (store, mut scribe, family) = begun().await;
        scribe.deposit(family.won, money("1", "KRW"));
        store.plan(outcome);
        let batch = scribe.batch();
        let answer = store.commit(&batch).await;
        let said = matches!(
            (&answer, outcome),
            (Ok(()), Outcome::Honest)
                | (Err(CommitError::NotDone(_)), Outcome::NotDone)
                | (Err(CommitError::Unknown(_)), Outcome::UnknownCommitted | Outcome::UnknownLost)
                | (Err(CommitError::Fenced { .. }), Outcome::FencedByOther)
        );
        assert!(said, "{outcome:?}: {answer:?}");
        let taken = store.take_lane(LaneId::FIRST).await.unwrap();
        assert_eq!(taken.seq, if stands { seq(4) } else { seq(3) }, "{outcome:?}");
        assert_eq!(store.rows(LaneId::FIRST).len(), if stands { 4 } else { 3 });
    }
}

#[tokio::test]
async fn a_director_plans_what_the_queue_does_not() {
    let (store, mut scribe, family) = begun().await;
    store.direct(|batch| if batch.rows.len() > 1 { Outcome::NotDone.into() } else { Plan::default() });
    store.plan(Outcome::UnknownLost);
    scribe.deposit(family.won, money("1", "KRW"));
    let batch = scribe.batch();
    assert!(matches!(store.commit(&batch).await, Err(CommitError::Unknown(_))));
    store.commit(&batch).await.unwrap();
    scribe.deposit(family.won, money("1", "KRW"));
    scribe.deposit(family.won, money("1", "KRW"));
    let batch = scribe.batch();
    assert!(matches!(store.commit(&batch).await, Err(CommitError::NotDone(_))));
    store.undirect();
    store.commit(&batch).await.unwrap();
    assert_eq!(store.commits(), 5);
}

#[tokio::test]
async fn a_commit_that_hangs_is_a_zombie_once_the_lane_is_taken() {
    let (store, mut scribe, family) = begun().await;
    let gate = Gate::new();
    store.plan(Plan { before: Wait::Until(gate.clone()), ..Plan::default() });
    scribe.deposit(family.won, money("1", "KRW"));
    let batch = scribe.batch();
    let hanging = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.commit(&batch).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(store.take_lane(LaneId::FIRST).await.unwrap().seq, seq(3));
    gate.open();
    assert!(matches!(hanging.await.unwrap(), Err(CommitError::Fenced { .. })));
}

#[tokio::test]
async fn an_answer_can_be_late_for_a_commit_that_stands() {
    let (store, mut scribe, family) = begun().await;
    let before = Wait::For(Duration::from_millis(1));
    store.plan(Plan { before, after: Wait::Until(Gate::new()), ..Plan::default() });
    scribe.deposit(family.won, money("1", "KRW"));
    let batch = scribe.batch();
    let answer = tokio::time::timeout(Duration::from_millis(50), store.commit(&batch)).await;
    assert!(answer.is_err(), "the answer is late");
    assert_eq!(store.take_lane(LaneId::FIRST).await.unwrap().seq, seq(4));
}

#[tokio::test]
async fn an_outage_touches_the_calls_it_names() {
    let (store, mut scribe, family) = begun().await;
    scribe.deposit(family.won, money("1", "KRW"));
    let batch = scribe.batch();
    store.set_outage(Outage::Reads);
    assert!(matches!(store.customer(family.customer).await, Err(StoreError::Unavailable(_))));
    store.commit(&batch).await.unwrap();
    store.set_outage(Outage::Writes);
    assert!(matches!(store.take_lane(LaneId::FIRST).await, Err(StoreError::Unavailable(_))));
    assert!(store.customer(family.customer).await.unwrap().is_some());
    store.set_outage(Outage::Everything);
    assert!(matches!(store.commit(&batch).await, Err(CommitError::NotDone(_))));
    store.set_outage(Outage::None);
    store.take_lane(LaneId::FIRST).await.unwrap();
}

#[tokio::test]
async fn rolling_back_takes_states_keys_and_projections_along() {
    let (store, mut scribe, family) = begun().await;
    scribe.deposit(family.won, money("5", "KRW"));
    store.commit(&scribe.batch()).await.unwrap();
    scribe.deposit(family.won, money("2", "KRW"));
    let last = scribe.batch();
    store.commit(&last).await.unwrap();
    let all: Vec<_> = store.rows(LaneId::FIRST).into_iter().map(|row| row.record).collect();
    store.project(LaneId::FIRST, Seq::ZERO, &all).await.unwrap();

    store.roll_back_to(LaneId::FIRST, seq(4));
    let taken = store.take_lane(LaneId::FIRST).await.unwrap();
    assert_eq!((taken.seq, taken.projected), (seq(4), seq(4)));
    let household = store.customer(family.customer).await.unwrap().unwrap();
    assert_eq!(household.accounts[0].balances[0].amount, money("5", "KRW"));
    assert_eq!(store.passbook(family.won, 0, 10).await.unwrap().len(), 1);
    let key = last.rows[0].record.origin.key.as_ref().unwrap().digest;
    assert!(store.find_keys(&[key]).await.unwrap().is_empty());
}
