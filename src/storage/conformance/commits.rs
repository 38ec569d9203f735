//! Fencing, gapless seq, used keys, outcomes that are unknown.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a case of the suite is a test")]

use std::{future::poll_fn, pin::pin, task::Poll};

use hwan_domain::{
    control::ControlTotal,
    id::{ExchangeId, LaneId, Position, Seq},
    interest::Period,
    record::KeyDigest,
};

use super::{
    Subject,
    fixture::{Scribe, currency, key, lane, money, records, seq},
};
use crate::storage::port::{ChainHash, CommitBatch, CommitError, Epoch, LedgerStore, StoreError, TakenLane};

async fn begin(store: &dyn LedgerStore, lane: LaneId) -> Scribe {
    Scribe::taken(lane, &store.take_lane(lane).await.unwrap())
}

fn is_fenced(answer: Result<(), CommitError>) -> bool {
    matches!(answer, Err(CommitError::Fenced { .. }))
}

/// An owner whose lane was taken by another commits nothing, wherever it believes the lane to stand.
pub async fn a_zombie_commits_nothing(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut zombie = begin(&*store, LaneId::FIRST).await;
    zombie.open_family();
    store.commit(&zombie.batch()).await.unwrap();

    let taken = store.take_lane(LaneId::FIRST).await.unwrap();
    assert_eq!((taken.seq, taken.hash), zombie.head());
    let mut owner = zombie.clone();
    owner.retaken(&taken);
    assert!(taken.epoch > Epoch(1), "an epoch is above every earlier one");

    let mut late = zombie.clone();
    late.open_family();
    assert!(is_fenced(store.commit(&late.batch()).await), "the seq is right, the epoch is not");
    owner.open_family();
    let batch = owner.batch();
    store.commit(&batch).await.unwrap();
    let mut guess = batch.clone();
    guess.epoch = Epoch(taken.epoch.0 + 1);
    assert!(is_fenced(store.commit(&guess).await), "an epoch that was never given");
    zombie.open_family();
    assert!(is_fenced(store.commit(&zombie.batch()).await), "neither is right");
    assert_eq!(store.take_lane(LaneId::FIRST).await.unwrap().seq, owner.head().0);
}

/// A batch begins where the lane stands and its rows follow each other; anything else writes nothing.
pub async fn a_lane_moves_only_from_where_it_stands(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store, LaneId::FIRST).await;
    scribe.open_family();
    let first = scribe.batch();
    scribe.open_family();
    let second = scribe.batch();
    assert!(is_fenced(store.commit(&second).await), "a jump over the first batch");
    store.commit(&first).await.unwrap();
    assert!(is_fenced(store.commit(&first).await), "a repeat");

    let holed = |change: &dyn Fn(&mut CommitBatch)| {
        let mut batch = second.clone();
        change(&mut batch);
        batch
    };
    for (what, batch) in [
        ("no rows", holed(&|batch| batch.rows.clear())),
        ("a gap before the first row", holed(&|batch| drop(batch.rows.remove(0)))),
        ("a gap within", holed(&|batch| drop(batch.rows.remove(1)))),
        ("a row twice", holed(&|batch| batch.rows.insert(1, batch.rows[0].clone()))),
        ("rows of another lane", holed(&|batch| batch.lane = lane(2))),
        ("a beginning before the lane's head", holed(&|batch| batch.from = Seq::ZERO)),
    ] {
        assert!(matches!(store.commit(&batch).await, Err(CommitError::NotDone(_))), "{what}");
    }
    store.commit(&second).await.unwrap();
    let taken = store.take_lane(LaneId::FIRST).await.unwrap();
    assert_eq!((taken.seq, taken.hash), scribe.head());
    assert_eq!(store.journal(LaneId::FIRST, Seq::ZERO, 100).await.unwrap().len(), 6);
}

/// Whoever does not know that it was done and sends it again is fenced, and the records stand once.
pub async fn the_same_batch_sent_twice_stands_once(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store, LaneId::FIRST).await;
    let family = scribe.open_family();
    scribe.deposit(family.won, money("1000000", "KRW"));
    let batch = scribe.batch();
    store.commit(&batch).await.unwrap();
    assert!(is_fenced(store.commit(&batch).await));
    let rows = store.journal(LaneId::FIRST, seq(1), 100).await.unwrap();
    assert_eq!(rows.len(), batch.rows.len());
    let household = store.customer(family.customer).await.unwrap().unwrap();
    assert_eq!(household.accounts[0].balances.len(), 1);
    assert_eq!(household.accounts[0].balances[0].version, 1);
}

/// A quote is used once, as a key is: the second use is refused with the record of the first.
pub async fn a_used_quote_is_refused_with_its_record(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store, LaneId::FIRST).await;
    let family = scribe.open_family();
    scribe.deposit(family.won, money("1000000", "KRW"));
    let used_by = scribe.buy(family, money("1.00", "USD"));
    let batch = scribe.batch();
    store.commit(&batch).await.unwrap();
    let used = batch.rows.last().unwrap().record.clone();
    let quote = used.used_once().unwrap();

    let stood = scribe.clone();
    scribe.write_with(None, used.event.clone());
    match store.commit(&scribe.batch()).await {
        Err(CommitError::DuplicateKey { key, used_by: by }) => assert_eq!((key, by), (quote, used_by)),
        other => panic!("expected a refused quote, found {other:?}"),
    }
    let found = store.find_keys(&[quote]).await.unwrap();
    assert_eq!(found.iter().map(|(key, row)| (*key, row.record.position)).collect::<Vec<_>>(), [(quote, used_by)]);

    let mut scribe = stood;
    scribe.buy(family, money("1.00", "USD"));
    store.commit(&scribe.batch()).await.unwrap();
}

/// An exchange is reversed once: the second reversal is refused with the record of the first, by whatever key it comes.
pub async fn an_exchange_that_was_reversed_is_refused_with_its_reversal(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store, LaneId::FIRST).await;
    let family = scribe.open_family();
    scribe.deposit(family.won, money("1000000", "KRW"));
    scribe.buy(family, money("1.00", "USD"));
    scribe.buy(family, money("1.00", "USD"));
    let bought = scribe.batch();
    store.commit(&bought).await.unwrap();
    let [.., first, second] = &bought.rows[..] else { panic!("two exchanges") };
    let reversed_by = scribe.reverse(&first.record, false);
    let batch = scribe.batch();
    store.commit(&batch).await.unwrap();
    let reversal = KeyDigest::of_reversal(ExchangeId::at(first.record.position));

    let stood = scribe.clone();
    let again = batch.rows.last().unwrap().record.event.clone();
    scribe.write_with(Some(key(4)), again.clone());
    match store.commit(&scribe.batch()).await {
        Err(CommitError::DuplicateKey { key, used_by: by }) => assert_eq!((key, by), (reversal, reversed_by)),
        other => panic!("expected a refused reversal, found {other:?}"),
    }
    let mut twice = stood.clone();
    let other = twice.reverse(&second.record, true);
    let event = twice.batch().rows.last().unwrap().record.event.clone();
    let mut twice = stood.clone();
    twice.write_with(None, event.clone());
    twice.write_with(None, event);
    assert!(matches!(store.commit(&twice.batch()).await, Err(CommitError::NotDone(_))), "twice in one batch");

    let mut scribe = stood;
    assert_eq!(scribe.reverse(&second.record, true), other, "another exchange is another matter");
    store.commit(&scribe.batch()).await.unwrap();
    drop(store);
    subject.reopen().await;
    let asked = [reversal, KeyDigest::of_reversal(ExchangeId::at(second.record.position))];
    let mut found: Vec<_> = subject.store().find_keys(&asked).await.unwrap();
    found.sort_by_key(|(_, row)| row.record.position);
    let found: Vec<_> = found.into_iter().map(|(key, row)| (key, row.record.position)).collect();
    assert_eq!(found, [(asked[0], reversed_by), (asked[1], other)]);
}

/// A day bears interest once: a second payment from the same day on is refused with the record of the first, by whatever key
/// it comes.
pub async fn a_day_that_was_paid_for_is_refused_with_its_payment(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store, LaneId::FIRST).await;
    let family = scribe.open_family();
    scribe.deposit(family.won, money("10000000", "KRW"));
    let first = scribe.clock().1;
    let second = scribe.roll_date();
    let paid_by = scribe.pay_interest(family.won, Period::new(first, first).unwrap(), money("10000000", "KRW"));
    let batch = scribe.batch();
    store.commit(&batch).await.unwrap();
    let used = KeyDigest::of_interest(family.won, first);
    assert_eq!(batch.rows.last().unwrap().record.used_once(), Some(used));

    scribe.roll_date();
    store.commit(&scribe.batch()).await.unwrap();
    let stood = scribe.clone();
    scribe.pay_interest(family.won, Period::new(first, second).unwrap(), money("10000000", "KRW"));
    match store.commit(&scribe.batch()).await {
        Err(CommitError::DuplicateKey { key, used_by }) => assert_eq!((key, used_by), (used, paid_by)),
        other => panic!("{other:?}"),
    }
    // Of the refused batch nothing stands; the day that follows is another one.
    let mut scribe = stood;
    let household = store.customer(family.customer).await.unwrap().unwrap();
    assert_eq!(household.accounts[0].paid_through, Some(first));
    scribe.pay_interest(family.won, Period::new(second, second).unwrap(), money("10000477", "KRW"));
    store.commit(&scribe.batch()).await.unwrap();
    drop(store);
    subject.reopen().await;
    let household = subject.store().customer(family.customer).await.unwrap().unwrap();
    assert_eq!(household.accounts[0].paid_through, Some(second));
}

/// A key takes effect once: its second use is refused by name, with all that comes with it, in any lane.
pub async fn a_used_key_is_refused_with_its_record(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store, LaneId::FIRST).await;
    let family = scribe.open_family();
    let event = |scribe: &mut Scribe| {
        let mut aside = scribe.clone();
        aside.deposit(family.won, money("5", "KRW"));
        aside.batch().rows.last().unwrap().record.event.clone()
    };
    let deposit = event(&mut scribe);
    let used_by = scribe.write_with(Some(key(77)), deposit.clone());
    store.commit(&scribe.batch()).await.unwrap();

    let stood = scribe.clone();
    scribe.open_family();
    scribe.write_with(Some(key(77)), deposit.clone());
    scribe.open_family();
    match store.commit(&scribe.batch()).await {
        Err(CommitError::DuplicateKey { key: refused, used_by: by }) => {
            assert_eq!((refused, by), (key(77), used_by));
        }
        other => panic!("expected a refused key, found {other:?}"),
    }
    let mut elsewhere = begin(&*store, lane(2)).await;
    elsewhere.write_with(Some(key(77)), deposit.clone());
    let answer = store.commit(&elsewhere.batch()).await;
    assert!(matches!(answer, Err(CommitError::DuplicateKey { used_by: by, .. }) if by == used_by), "{answer:?}");

    // Nothing of the refused batch stands: its place is free, without taking the lane again.
    let mut scribe = stood;
    scribe.write_with(None, deposit.clone());
    scribe.write_with(None, deposit.clone());
    store.commit(&scribe.batch()).await.unwrap();
    let mut twice = scribe.clone();
    twice.write_with(Some(key(78)), deposit.clone());
    twice.write_with(Some(key(78)), deposit);
    assert!(matches!(store.commit(&twice.batch()).await, Err(CommitError::NotDone(_))), "a key twice in one batch");
    assert_eq!(store.take_lane(LaneId::FIRST).await.unwrap().seq, scribe.head().0);
}

/// A commit whose future is dropped at any point has an unknown outcome: taking the lane decides it, whole or absent,
/// and the store goes on.
pub async fn a_dropped_commit_is_whole_or_absent(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store, LaneId::FIRST).await;
    let family = scribe.open_family();
    store.commit(&scribe.batch()).await.unwrap();
    let (mut committed, mut absent) = (0, 0);
    for polls in 0..60 {
        let before = scribe.clone();
        scribe.deposit(family.won, money("10", "KRW"));
        scribe.deposit(family.foreign, money("0.10", "USD"));
        let batch = scribe.batch();
        {
            let mut commit = pin!(store.commit(&batch));
            let mut left = polls / 2;
            poll_fn(|context| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                commit.as_mut().poll(context).map(|_| ())
            })
            .await;
        }
        let taken = store.take_lane(LaneId::FIRST).await.unwrap();
        let rows = store.journal(LaneId::FIRST, taken.seq, 1).await.unwrap();
        assert_eq!(rows[0].hash, taken.hash);
        if (taken.seq, taken.hash) == batch.head().unwrap() {
            committed += 1;
        } else {
            assert_eq!((taken.seq, taken.hash), before.head(), "neither before nor after the batch");
            scribe = before;
            absent += 1;
        }
        scribe.retaken(&taken);
        let household = store.customer(family.customer).await.unwrap().unwrap();
        for account in household.accounts {
            assert_eq!(account.balances, scribe.account(account.id).balances, "the values are those of the journal");
        }
    }
    assert_eq!(committed + absent, 60);
    assert!(absent > 0, "a commit that was never polled cannot stand");
}

/// Lanes have their own epochs, seqs and chains.
pub async fn two_lanes_do_not_disturb_each_other(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut one = begin(&*store, lane(1)).await;
    let mut two = begin(&*store, lane(2)).await;
    one.open_family();
    store.commit(&one.batch()).await.unwrap();
    assert_eq!(store.take_lane(lane(2)).await.unwrap().seq, Seq::ZERO);
    two.open_family();
    assert!(is_fenced(store.commit(&two.batch()).await), "lane 2 was taken again");
    one.open_family();
    store.commit(&one.batch()).await.unwrap();
    let mut two = begin(&*store, lane(2)).await;
    two.open_family();
    store.commit(&two.batch()).await.unwrap();
    store.project(lane(2), Seq::ZERO, &[]).await.unwrap();
    for (lane, count) in [(lane(1), 6), (lane(2), 3), (lane(3), 0)] {
        let rows = store.journal(lane, Seq::ZERO, 100).await.unwrap();
        assert_eq!(rows.len(), count);
        assert!(rows.iter().all(|row| row.record.position.lane() == lane));
        let after = Seq::new(u64::try_from(count).unwrap() + 1).unwrap();
        assert_eq!(store.journal_since(lane, hwan_domain::time::Timestamp::MAX).await.unwrap(), after);
    }
}

/// What was committed is there after a restart: head, hash, instant, date and projections.
pub async fn a_lane_is_taken_where_it_stands_after_reopening(subject: &mut dyn Subject) {
    let store = subject.store();
    let taken = store.take_lane(LaneId::FIRST).await.unwrap();
    assert_eq!((taken.seq, taken.hash, taken.last), (Seq::ZERO, ChainHash::GENESIS, None));
    assert_eq!(taken.projected, Seq::ZERO);
    let mut scribe = Scribe::taken(LaneId::FIRST, &taken);
    let family = scribe.open_family();
    scribe.deposit(family.won, money("7", "KRW"));
    scribe.roll_date();
    let batch = scribe.batch();
    store.commit(&batch).await.unwrap();
    store.project(LaneId::FIRST, Seq::ZERO, &records(&batch)[..4]).await.unwrap();
    drop(store);

    subject.reopen().await;
    let store = subject.store();
    let again = store.take_lane(LaneId::FIRST).await.unwrap();
    assert!(again.epoch > taken.epoch, "an epoch is never given twice");
    assert_eq!((again.seq, again.hash), scribe.head());
    assert_eq!(again.last, Some(scribe.clock()));
    assert_eq!(again.projected, seq(4));
    scribe.retaken(&again);
    scribe.deposit(family.won, money("7", "KRW"));
    store.commit(&scribe.batch()).await.unwrap();
    assert_eq!(store.journal(LaneId::FIRST, seq(1), 100).await.unwrap().len(), 6);
}

/// After closing, every call says that the store is unavailable, and nothing is written.
pub async fn a_closed_store_refuses_everything(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store, LaneId::FIRST).await;
    let family = scribe.open_family();
    store.close().await;
    store.close().await;
    fn refused<T>(answer: Result<T, StoreError>) -> bool {
        matches!(answer, Err(StoreError::Unavailable(_)))
    }
    assert!(matches!(store.commit(&scribe.batch()).await, Err(CommitError::NotDone(_))));
    assert!(refused(store.take_lane(LaneId::FIRST).await));
    assert!(refused(store.journal(LaneId::FIRST, seq(1), 1).await));
    assert!(refused(store.journal_since(LaneId::FIRST, scribe.clock().0).await));
    assert!(refused(store.find_keys(&[key(1)]).await));
    assert!(refused(store.customer(family.customer).await));
    assert!(refused(store.owner(family.won).await));
    assert!(refused(store.pairs(1).await));
    assert!(refused(store.project(LaneId::FIRST, Seq::ZERO, &[]).await));
    assert!(refused(store.projected(LaneId::FIRST).await));
    assert!(refused(store.passbook(family.won, 0, 1).await));
    assert!(refused(store.daily_balances(family.won, scribe.clock().1).await));
    drop(store);
    subject.reopen().await;
    let taken = subject.store().take_lane(LaneId::FIRST).await.unwrap();
    assert_eq!(Position::new(LaneId::FIRST, taken.seq), Position::new(LaneId::FIRST, Seq::ZERO));
}

/// What all accounts of a lane hold moves with its commits, and is found again by whoever takes the lane.
pub async fn the_totals_of_a_lane_come_back_and_are_added_up_where_there_are_none(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store, LaneId::FIRST).await;
    let (one, other) = (scribe.open_family(), scribe.open_family());
    scribe.deposit(one.won, money("1000000", "KRW"));
    scribe.deposit(other.won, money("500", "KRW"));
    store.commit(&scribe.batch()).await.unwrap();
    scribe.buy(one, money("100.00", "USD"));
    store.commit(&scribe.batch()).await.unwrap();
    let held =
        [("KRW", 865_450), ("USD", 10_000)].map(|(code, minor)| ControlTotal { currency: currency(code), minor });
    let of = |taken: TakenLane| taken.totals.iter().copied().collect::<Vec<_>>();
    assert_eq!(of(store.take_lane(LaneId::FIRST).await.unwrap()), held);
    subject.reopen().await;
    assert_eq!(of(subject.store().take_lane(LaneId::FIRST).await.unwrap()), held);
    subject.forget_totals(LaneId::FIRST).await;
    assert_eq!(of(subject.store().take_lane(LaneId::FIRST).await.unwrap()), held);
    assert_eq!(of(subject.store().take_lane(lane(2)).await.unwrap()), []);
}
