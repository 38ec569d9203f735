//! Passbook and daily balances follow the journal, and a store that went back is noticed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a case of the suite is a test")]

use std::sync::Arc;

use hwan_domain::{
    account::AccountKind,
    currency::Currency,
    id::{LaneId, Seq},
    interest::{DailyClosing, Period},
    record::Record,
    time::BusinessDate,
};

use super::{
    Subject,
    fixture::{Family, Scribe, lane, money, records, seq},
};
use crate::storage::port::{LedgerStore, StoreError};

async fn begin(store: &dyn LedgerStore) -> Scribe {
    Scribe::taken(LaneId::FIRST, &store.take_lane(LaneId::FIRST).await.unwrap())
}

/// A family and eleven postings after its opening: records 1 to 14.
async fn written(store: &dyn LedgerStore, scribe: &mut Scribe) -> (Family, Vec<Arc<Record>>) {
    let family = scribe.open_family();
    scribe.deposit(family.won, money("1000000", "KRW"));
    for _ in 0..10 {
        scribe.buy(family, money("1.00", "USD"));
    }
    let batch = scribe.batch();
    store.commit(&batch).await.unwrap();
    (family, records(&batch))
}

fn is_fenced(answer: Result<(), StoreError>) -> bool {
    matches!(answer, Err(StoreError::ProjectionFenced { .. }))
}

/// A step begins where the last one ended, has no gap, and never passes the journal; whatever is refused changes nothing.
pub async fn projections_are_fenced_and_never_ahead(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let (family, all) = written(&*store, &mut scribe).await;
    let lane_one = LaneId::FIRST;
    assert_eq!(store.projected(lane_one).await.unwrap(), Seq::ZERO);
    assert!(is_fenced(store.project(lane_one, seq(5), &all[5..9]).await), "a step from ahead");
    store.project(lane_one, Seq::ZERO, &all[..5]).await.unwrap();
    assert!(is_fenced(store.project(lane_one, Seq::ZERO, &all[..5]).await), "a step again");
    assert!(is_fenced(store.project(lane_one, seq(3), &all[3..9]).await), "a step from behind");
    assert!(is_fenced(store.project(lane(7), Seq::ZERO, &[]).await), "a lane that nobody ever took");
    let wrong = |answer| matches!(answer, Err(StoreError::Damaged(_)));
    let holed = [Arc::clone(&all[5]), Arc::clone(&all[7])];
    assert!(wrong(store.project(lane_one, seq(5), &holed).await), "a gap within");
    assert!(wrong(store.project(lane_one, seq(5), &all[6..9]).await), "a gap before");
    assert!(wrong(store.project(lane(2), Seq::ZERO, &all[..5]).await), "records of another lane");
    scribe.deposit(family.won, money("1", "KRW"));
    let unborn = records(&scribe.batch());
    store.project(lane_one, seq(5), &all[5..]).await.unwrap();
    assert!(wrong(store.project(lane_one, seq(14), &unborn).await), "ahead of the journal");
    store.project(lane_one, seq(14), &[]).await.unwrap();
    assert_eq!(store.projected(lane_one).await.unwrap(), seq(14));
    assert_eq!(store.passbook(family.won, 0, 100).await.unwrap().len(), 11);
    assert_eq!(store.take_lane(lane_one).await.unwrap().projected, seq(14));
}

/// The passbook has every posting of an account once, in order, chained; a day closes at its last balance.
pub async fn the_passbook_is_gapless_and_the_days_close_right(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let (family, mut all) = written(&*store, &mut scribe).await;
    let monday = scribe.clock().1;
    let tuesday = scribe.roll_date();
    scribe.withdraw(family.won, money("500", "KRW"));
    scribe.deposit(family.foreign, money("36", "VND"));
    let wednesday = scribe.roll_date();
    scribe.withdraw(family.foreign, money("3.00", "USD"));
    let batch = scribe.batch();
    store.commit(&batch).await.unwrap();
    all.extend(records(&batch));
    let mut from = Seq::ZERO;
    for size in [1, 4, 6, 2, 20] {
        let to = (usize::try_from(from.number()).unwrap() + size).min(all.len());
        let step = &all[usize::try_from(from.number()).unwrap()..to];
        store.project(LaneId::FIRST, from, step).await.unwrap();
        from = seq(u64::try_from(to).unwrap());
    }
    drop(store);
    subject.reopen().await;
    let store = subject.store();
    assert_eq!(store.projected(LaneId::FIRST).await.unwrap(), seq(19));

    for (account, kind, count) in [(family.won, AccountKind::Won, 12), (family.foreign, AccountKind::Foreign, 12)] {
        let passbook = store.passbook(account, 0, 100).await.unwrap();
        let legs: Vec<_> = all
            .iter()
            .flat_map(|record| record.event.legs().map(move |leg| (record, leg)))
            .filter(|(_, leg)| leg.account == account)
            .collect();
        assert_eq!((passbook.len(), legs.len()), (count, count), "{kind:?}");
        for ((entry, (record, leg)), version) in passbook.iter().zip(&legs).zip(1..) {
            assert_eq!((entry.version, entry.version), (leg.version, version));
            assert_eq!((entry.amount, entry.balance_after), (leg.amount, leg.balance_after));
            assert_eq!((entry.position, entry.at), (record.position, record.at));
            assert_eq!(entry.business_date, record.business_date);
        }
        assert_eq!(store.passbook(account, 3, 2).await.unwrap(), passbook[3..5]);
        assert!(store.passbook(account, 12, 10).await.unwrap().is_empty());
    }

    let won = |amount| vec![money(amount, "KRW")];
    let (before, after) = (monday_before(monday), wednesday.next());
    let closings = async |account, date| -> Vec<_> {
        let balances = store.daily_balances(account, date).await.unwrap();
        balances.into_iter().map(|(_, money)| money).collect()
    };
    assert_eq!(closings(family.won, before).await, []);
    assert_eq!(closings(family.won, monday).await, won("986490"));
    assert_eq!(closings(family.won, tuesday).await, won("985990"));
    assert_eq!(closings(family.won, after).await, won("985990"));
    assert_eq!(closings(family.foreign, monday).await, [money("10.00", "USD")]);
    assert_eq!(closings(family.foreign, tuesday).await, [money("10.00", "USD"), money("36", "VND")]);
    assert_eq!(closings(family.foreign, after).await, [money("7.00", "USD"), money("36", "VND")]);
    let dates: Vec<_> =
        store.daily_balances(family.foreign, after).await.unwrap().into_iter().map(|(date, _)| date).collect();
    assert_eq!(dates, [wednesday, tuesday], "each currency by its own newest day");
}

/// The closings of a period, read at once, are those of its days, read one by one.
pub async fn the_closings_of_a_period_are_those_of_its_days(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let family = scribe.open_family();
    let monday = scribe.clock().1;
    scribe.deposit(family.foreign, money("100", "VND"));
    // Postings on the days 1, 2, 4 and 6; on 2 and 4 several.
    for day in 1..=7 {
        scribe.roll_date();
        if ![1, 2, 4, 6].contains(&day) {
            continue;
        }
        scribe.deposit(family.won, money(&format!("{day}000"), "KRW"));
        if day % 4 != 1 {
            scribe.withdraw(family.won, money(&format!("{day}"), "KRW"));
        }
        scribe.deposit(family.foreign, money("1.00", "USD"));
    }
    let batch = scribe.batch();
    store.commit(&batch).await.unwrap();
    store.project(LaneId::FIRST, Seq::ZERO, &records(&batch)).await.unwrap();
    let won = Currency::KRW;
    let day = |number: i32| BusinessDate::from_days(monday.days() + number);
    for from in -1..=8 {
        for through in from..=8 {
            let period = Period::new(day(from), day(through)).unwrap();
            let mut by_day: Vec<DailyClosing> = Vec::new();
            for number in from..=through {
                let of_day = store.daily_balances(family.won, day(number)).await.unwrap();
                by_day.extend(of_day.into_iter().map(|(date, amount)| DailyClosing { date, amount }));
            }
            by_day.dedup();
            let at_once = store.daily_closings(family.won, won, period).await.unwrap();
            assert_eq!(at_once, by_day, "day {from} through {through}");
        }
    }
    let whole = Period::new(day(0), day(8)).unwrap();
    let closings = store.daily_closings(family.won, won, whole).await.unwrap();
    let closings: Vec<_> = closings.iter().map(|closing| (closing.date, closing.amount.minor())).collect();
    assert_eq!(closings, [(day(1), 1_000), (day(2), 2_998), (day(4), 6_994), (day(6), 12_988)]);
    assert_eq!(store.daily_closings(family.foreign, won, whole).await.unwrap(), []);
}

fn monday_before(monday: hwan_domain::time::BusinessDate) -> hwan_domain::time::BusinessDate {
    hwan_domain::time::BusinessDate::from_days(monday.days() - 1)
}

/// Projections that are beyond the journal stop the lane; a journal that is shorter than an owner knows shows its head.
pub async fn a_store_that_went_back_is_noticed(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let (_, all) = written(&*store, &mut scribe).await;
    let (head, hash) = scribe.head();
    let family = scribe.open_family();
    scribe.deposit(family.won, money("1", "KRW"));
    let lost = scribe.batch();
    store.commit(&lost).await.unwrap();
    store.project(LaneId::FIRST, Seq::ZERO, &all).await.unwrap();

    subject.lose_journal_after(LaneId::FIRST, head).await;
    let store = subject.store();
    let taken = store.take_lane(LaneId::FIRST).await.unwrap();
    assert_eq!((taken.seq, taken.hash), (head, hash), "its owner acknowledged more, and can see it");
    assert_ne!(Some((taken.seq, taken.hash)), lost.head());

    subject.lose_journal_after(LaneId::FIRST, seq(3)).await;
    match subject.store().take_lane(LaneId::FIRST).await {
        Err(StoreError::Damaged(text)) => assert!(text.contains("went back"), "{text}"),
        other => panic!("expected the lane to stop, found {other:?}"),
    }
}
