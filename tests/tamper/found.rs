//! Every lie is found, of the right kind, and named.

use std::time::{Duration, Instant};

use hwan::reconciliation::run::Plan;
use hwan_domain::reconciliation::{BreakKind, Check, Reconciliation};

use super::{
    bank::{Bank, Base, Kind, told},
    lies::{self, Lie, Named},
};

/// How long it may take to find one.
const FOUND_WITHIN: Duration = Duration::from_secs(60);

fn says(result: &Reconciliation, (check, kind, named): &(Check, BreakKind, Named)) -> bool {
    result.breaks.kept().iter().any(|found| {
        let subject = &found.subject;
        let is_named = match named {
            Named::Account(account) => subject.account == Some(*account),
            Named::Record(record) => subject.record == Some(*record),
            Named::Ledger("") => true,
            Named::Ledger(name) => subject.ledger_account.is_some_and(|account| account.to_string() == *name),
        };
        (found.check, found.kind) == (*check, *kind) && is_named
    })
}

async fn is_found(bank: &Bank, lie: &Lie) {
    let began = Instant::now();
    let result = bank.reconcile(None).await;
    assert!(began.elapsed() < FOUND_WITHIN, "{}", lie.what);
    for expected in &lie.found {
        assert!(says(&result, expected), "{}: {expected:?} is not said\n{}", lie.what, told(&result));
    }
}

/// Of a bank that has never been reconciled, and of one whose first day was.
pub(crate) async fn lies_in_the_ledger(kind: Kind) {
    let count = lies::about_the_ledger(&Bank::with_days(kind).await).await.len();
    for number in 0..count {
        let bank = Bank::with_days(kind).await;
        let lie = lies::about_the_ledger(&bank).await.swap_remove(number);
        if number % 2 == 0 {
            assert!(bank.reconcile(Some(bank.days[0])).await.is_clean());
        }
        bank.lie(lie.base, &lie.sql).await;
        is_found(&bank, &lie).await;
    }
}

pub(crate) async fn lies_in_the_books(kind: Kind) {
    let count = lies::about_the_books(&Bank::with_days(kind).await).await.len();
    for number in 0..count {
        let bank = Bank::with_days(kind).await;
        let lie = lies::about_the_books(&bank).await.swap_remove(number);
        bank.lie(lie.base, &lie.sql).await;
        is_found(&bank, &lie).await;
    }
}

/// Bytes of a chunk, of a head, a chunk that is gone; and one whose digest was made anew, too.
pub(crate) async fn changed_snapshots(kind: Kind) {
    let flip = kind.pick(
        "UPDATE reconciliation_chunk SET body = CAST(substr(body, 1, length(body) - 2) || x'7f' || substr(body, -1) AS BLOB)",
        "UPDATE reconciliation_chunk SET body = CONCAT(SUBSTR(body, 1, LENGTH(body) - 2), x'7f', SUBSTR(body, -1))",
    );
    let head = kind.pick(
        "UPDATE reconciliation_snapshot SET digest = zeroblob(32)",
        "UPDATE reconciliation_snapshot SET digest = REPEAT(CHAR(7), 32)",
    );
    for lie in [flip, head, "DELETE FROM reconciliation_chunk"] {
        let bank = Bank::with_days(kind).await;
        assert!(bank.reconcile(Some(bank.days[0])).await.is_clean());
        bank.lie(Base::Books, lie).await;
        let result = bank.reconcile(None).await;
        assert!(result.breaks.of(Check::Snapshot) > 0, "{lie}\n{}", told(&result));
        assert_eq!(result.lanes[0].snapshot, None, "it is not used");
        assert_eq!(result.breaks.count(), result.breaks.of(Check::Snapshot), "{}", told(&result));
        if lie == flip {
            let named = result.breaks.kept().iter().filter_map(|found| found.subject.account).count();
            assert!(named > 0, "{}", told(&result));
        }
        // From the beginning all of it agrees, and writes the snapshots anew.
        let plan = Plan { begin: hwan::reconciliation::run::Begin::AtBeginning, rest_percent: 0, ..Plan::default() };
        assert!(bank.reconcile_by(&Plan { date: Some(bank.days[0]), ..plan.clone() }).await.unwrap().is_clean());
        assert!(bank.reconcile(None).await.is_clean());
    }
}
