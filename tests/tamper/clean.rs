//! Where nobody changed anything, nothing is found.

use std::time::Duration;

use hwan::{
    reconciliation::{
        history,
        run::{self, Begin, Failure, Plan},
    },
    storage::{conformance::fixture::money, reconciliation::book::RunStatus},
};
use hwan_domain::{
    id::LaneId,
    reconciliation::{BreakKind, Check, RunId, Status},
    time::{BusinessDate, Timestamp},
};

use super::bank::{Bank, Kind, told};

/// The first day from the beginning, the second from the first one's snapshot; each twice, with the same result.
pub(crate) async fn days_agree(kind: Kind) {
    let bank = Bank::with_days(kind).await;
    let (first, second) = (bank.days[0], bank.days[1]);
    for (date, snapshot) in [(first, None), (first, None), (second, Some(first)), (second, Some(first))] {
        let result = bank.reconcile(Some(date)).await;
        assert!(result.is_clean(), "{}", told(&result));
        assert_eq!(result.business_date, date);
        assert_eq!(result.lanes[0].snapshot, snapshot);
        assert_eq!(result.lanes[0].through.number(), bank.head());
        for outcome in &result.outcomes {
            let undone = matches!(outcome.check, Check::Memory | Check::Seals);
            let status = if undone { "not_done" } else { "clean" };
            assert_eq!(outcome.status.as_str(), status, "{:?}", outcome.check);
        }
    }
    let newest = bank.reconcile(None).await;
    assert_eq!(newest.business_date, second);
    assert_eq!(newest.accounts(), 8, "four customers by then, with two accounts each, but for who only deposited");
    let from_beginning = Plan { begin: Begin::AtBeginning, rest_percent: 0, ..Plan::default() };
    let whole = bank.reconcile_by(&from_beginning).await.unwrap();
    assert!(whole.is_clean() && whole.lanes[0].snapshot.is_none(), "{}", told(&whole));
    assert_eq!(whole.currencies, newest.currencies);
    let runs = [history::begun(newest.id, Some(second)), history::ended(newest.id, None, &Ok(newest.clone()))];
    for run in &runs {
        bank.books.note_run(run).await.unwrap();
        assert_eq!(bank.books.run(newest.id).await.unwrap().as_ref(), Some(run));
    }
    let failed = history::ended(whole.id, None, &Err(Failure::NothingOver));
    bank.books.note_run(&failed).await.unwrap();
    let listed = bank.books.runs(None, 9).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|run| (run.id, run.status, run.report.len())).collect();
    assert_eq!(ids, [(whole.id, RunStatus::Failed, 0), (newest.id, RunStatus::Clean, 0)]);
    assert_eq!(bank.books.runs(Some(whole.id), 9).await.unwrap().len(), 1);
    let of_first = bank.books.newest_snapshot(LaneId::FIRST, second).await.unwrap().unwrap();
    assert_eq!(of_first.date, first);
}

/// Commits, steps of the projections and of the books go on meanwhile.
pub(crate) async fn while_trading_goes_on(kind: Kind) {
    let mut bank = Bank::with_days(kind).await;
    let date = bank.days[1];
    let mut parts = bank.parts().await;
    let trading = async {
        for turn in 0_usize.. {
            let family = bank.families[turn % 4];
            bank.scribe.deposit(family.won, money("20000", "KRW"));
            bank.scribe.buy(family, money("10.00", "USD"));
            bank.commit_only().await;
            // What follows lags behind, as it does.
            if turn % 3 == 0 {
                bank.follow().await;
            }
            tokio::task::yield_now().await;
        }
    };
    let reconciling = async {
        for round in 0..8 {
            let begin = if round % 2 == 0 { Begin::AtBeginning } else { Begin::AtSnapshot };
            let plan = Plan { date: Some(date), begin, rest_percent: 0, ..Plan::default() };
            let id = RunId::at(Timestamp::from_micros(round + 1));
            let result = run::reconcile(&mut parts, &plan, id, &mut |_| {}).await.unwrap();
            assert!(result.is_clean(), "{}", told(&result));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = trading => panic!("trading goes on"),
        () = reconciling => {}
    }
}

/// A day that is not over cannot be reconciled; what follows the journal and has not come so far is waited for, and said.
pub(crate) async fn too_early(kind: Kind) {
    let mut bank = Bank::empty(kind).await;
    assert!(matches!(bank.try_reconcile(None).await, Err(Failure::NothingOver)));
    let family = bank.scribe.open_family();
    bank.scribe.deposit(family.won, money("1000000", "KRW"));
    bank.commit().await;
    let today = bank.scribe.clock().1;
    assert!(matches!(bank.try_reconcile(None).await, Err(Failure::NothingOver)));
    let refused = bank.try_reconcile(Some(today)).await.unwrap_err();
    assert!(matches!(refused, Failure::NotOver { date, .. } if date == today), "{refused}");
    bank.scribe.deposit(family.won, money("5", "KRW"));
    bank.scribe.roll_date();
    bank.commit_only().await;
    let result = bank.reconcile(None).await;
    assert!(result.breaks.kept().iter().all(|found| found.kind == BreakKind::Timing), "{}", told(&result));
    assert!(result.breaks.of(Check::Passbook) > 0 && result.breaks.of(Check::Published) > 0, "{}", told(&result));
    bank.follow().await;
    let result = bank.reconcile(None).await;
    assert!(result.is_clean(), "{}", told(&result));
    let before = BusinessDate::from_days(today.days() - 1);
    assert!(matches!(bank.try_reconcile(Some(before)).await, Err(Failure::BeforeFirst { .. })));
}

/// Nothing is passed over in silence.
pub(crate) async fn without_books(kind: Kind) {
    let bank = Bank::with_days(kind).await;
    let mut parts = bank.parts().await;
    parts.books = Err("the books are turned off".to_owned());
    let id = RunId::at(Timestamp::from_micros(1));
    let result = run::reconcile(&mut parts, &Plan::default(), id, &mut |_| {}).await.unwrap();
    assert!(result.is_clean(), "{}", told(&result));
    let undone: Vec<_> =
        result.outcomes.iter().filter(|outcome| matches!(outcome.status, Status::NotDone(_))).collect();
    assert_eq!(undone.len(), 9, "{undone:?}");
}
